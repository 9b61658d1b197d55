package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// plan says how much is measured.
type plan struct {
	Callers   []int         // levels of load
	Rounds    int           // alternations of the systems, for each level
	Round     time.Duration // of load on one system
	Fsync     time.Duration // of bare fsyncs in a round
	Handovers int           // in a round
	Lines     int           // rounds of whole executions
	Lists     int           // times that a page is listed
	History   int           // past executions of the seeded server; 0 = there is none
	Nodes     int           // of each installation
	Rest      time.Duration // how long waiting workers are left alone: each polls once in that time
}

// quick fits into 45 seconds with room for a slow machine.
var quick = plan{Callers: []int{64}, Rounds: 5, Round: 1200 * time.Millisecond, Fsync: 200 * time.Millisecond, Handovers: 60, Lines: 3, Lists: 100, Rest: handoverWait * time.Second}

var full = plan{Callers: []int{1, 8, 64, 256}, Rounds: 6, Round: 2 * time.Second, Fsync: 500 * time.Millisecond, Handovers: 100, Lines: 6, Lists: 200, Rest: handoverWait * time.Second}

// level is what one number of callers measured: a round of each system, one
// after the other, as often as the plan says.
type level struct {
	Callers               int
	Noop, Log, Real, Past []round
}

// results are all measurements of a run.
type results struct {
	Levels    []level
	Fsyncs    []time.Duration
	Handovers []handoverTime
	Lines     []round // of whole executions, at the level of the summary
	Lists     []listTimes
	// Start is how long a first start takes until the server is ready, on a
	// database that is empty, StartPast that on the one with history.
	Start, StartPast time.Duration
	// Idle and Loaded are the resident bytes of the largest node, after its
	// start and after all load.
	Idle, Loaded int64
}

// bench holds the systems under measurement.
type bench struct {
	plan      plan
	dir       string
	binary    string
	say       func(format string, args ...any)
	database  *database // nil = SQLite
	storage   *process  // whose embedded S3 nodes share; nil = there is none
	noop, log *system
	installed *site
	real      *system
	lines     *system // the same servers
	pastSite  *site
	past      *system // with history; nil without
	handover  *handover
	running   []*process
}

// pipelinesFor is how many pipelines keep that many callers busy: a poll
// should hardly ever find nothing.
func pipelinesFor(callers int) int { return max(64, 4*callers) }

// run starts everything, measures, and stops everything.
func (b *bench) run(ctx context.Context) (res results, err error) {
	defer func() { err = errors.Join(err, b.close()) }()
	if err := b.start(ctx); err != nil {
		return res, err
	}
	for _, n := range b.plan.Callers {
		b.say("measuring with %d callers: %d rounds", n, b.plan.Rounds)
		l := level{Callers: n}
		for i := range b.plan.Rounds + 1 {
			if err := b.round(ctx, &l, &res, i); err != nil {
				return res, err
			}
		}
		res.Levels = append(res.Levels, l)
	}
	if err := b.executions(ctx, &res); err != nil {
		return res, err
	}
	res.Start, res.Idle = b.installed.started, b.installed.idle
	if res.Loaded, err = b.installed.memory(); err != nil || b.past == nil {
		return res, err
	}
	b.say("listing the past")
	res.StartPast = b.pastSite.started
	res.Lists, err = runLists(b.pastSite.first().addr, pipelinesFor(slices.Max(b.plan.Callers)), b.plan.Lists)
	return res, err
}

// executions measures whole executions of pipelines of four stages.
func (b *bench) executions(ctx context.Context, res *results) error {
	n := res.summarized().Callers
	b.say("measuring whole executions with %d callers: %d rounds", n, b.plan.Lines)
	for i := range b.plan.Lines + 1 {
		r, err := b.lines.run(ctx, n, b.plan.Round)
		if err != nil {
			return fmt.Errorf("whole executions: %w", err)
		}
		if i > 0 { // the first one warms up
			res.Lines = append(res.Lines, r)
		}
		time.Sleep(pause)
	}
	return nil
}

// close stops all that was started.
func (b *bench) close() error {
	var errs []error
	for _, p := range slices.Backward(b.running) {
		errs = append(errs, p.stop())
	}
	b.running = nil
	return errors.Join(errs...)
}

// start starts the servers, Penstock first: the log-limit server answers with
// a copy of one of its jobs.
func (b *bench) start(ctx context.Context) error {
	n := pipelinesFor(slices.Max(b.plan.Callers))
	s, err := b.site(ctx, "penstock")
	if err != nil {
		return err
	}
	b.say("making %d pipelines", 2*n)
	if err := setUp(ctx, s.first().url, []*workload{jobLoad, lineLoad}, n, chainPipeline()); err != nil {
		return err
	}
	b.installed = s
	b.real = newSystem(real, s.nodes, b.database)
	b.lines = &system{kind: real, procs: s.nodes, load: lineLoad, jobs: newJobs(lineLoad)}
	b.handover = &handover{from: s.first().addr, to: s.last().addr}
	job := filepath.Join(b.dir, "job.json")
	if err := b.sampleJob(job); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	for _, s := range []struct {
		kind kind
		to   **system
		args []string
	}{{noop, &b.noop, nil}, {logLimit, &b.log, []string{"--job", job}}} {
		p, err := start(ctx, b.dir, self, nil, append([]string{baselineCommand, "--data", b.dir}, s.args...)...)
		if err != nil {
			return err
		}
		b.running = append(b.running, p)
		*s.to = newSystem(s.kind, []*process{p}, nil)
	}
	if b.plan.History > 0 {
		return b.startPast(ctx, n)
	}
	return nil
}

// sampleJob saves the answer of a poll that got a job. The job is given back
// to nobody: its pipeline waits until the acknowledgement window has ended,
// which does not matter among many.
func (b *bench) sampleJob(file string) error {
	c, err := dial(b.installed.first().addr)
	if err != nil {
		return err
	}
	defer c.net.Close()
	answer, err := c.call("PollForJobs", jobLoad.polls[0], handoverWait)
	if err != nil {
		return err
	}
	return os.WriteFile(file, answer, 0o600)
}

// pause lets a server finish what it does behind its answers, so that the next
// system has the machine to itself.
const pause = 100 * time.Millisecond

// round measures each system once. Round 0 warms up and is not kept. The order
// turns round each time, so that a drift of the machine favours nobody.
func (b *bench) round(ctx context.Context, l *level, res *results, i int) error {
	type turn struct {
		system *system
		into   *[]round
	}
	turns := []turn{{b.noop, &l.Noop}, {b.log, &l.Log}, {b.real, &l.Real}}
	if b.past != nil {
		turns = append(turns, turn{b.past, &l.Past})
	}
	d := b.plan.Round
	if i == 0 {
		d /= 2
	}
	if i%2 == 1 {
		slices.Reverse(turns)
	}
	for _, t := range turns {
		r, err := t.system.run(ctx, l.Callers, d)
		if err != nil {
			return fmt.Errorf("%s: %w", t.system.kind, err)
		}
		if i > 0 {
			*t.into = append(*t.into, r)
		}
		time.Sleep(pause)
	}
	if i == 0 {
		return nil
	}
	f, err := fsyncs(b.dir, b.plan.Fsync)
	if err != nil {
		return fmt.Errorf("fsync: %w", err)
	}
	h, err := b.handover.run(b.plan.Handovers)
	if err != nil {
		return fmt.Errorf("hand-over: %w", err)
	}
	res.Fsyncs, res.Handovers = append(res.Fsyncs, f...), append(res.Handovers, h...)
	return ctx.Err()
}

// median is the middle value, the mean of the two middle ones.
func median(values []float64) float64 {
	s := slices.Sorted(slices.Values(values))
	if len(s) == 0 {
		return 0
	}
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

// percentile is the least value that p of all (0 to 1) do not exceed.
func percentile[T cmp.Ordered](values []T, p float64) T {
	s := slices.Sorted(slices.Values(values))
	if len(s) == 0 {
		var zero T
		return zero
	}
	i := int(math.Ceil(p * float64(len(s))))
	return s[min(max(i-1, 0), len(s)-1)]
}

// ratio is the median over the rounds of a's calls to b's of the same round.
func ratio(a, b []round) float64 {
	var r []float64
	for i := range a {
		r = append(r, a[i].rps()/b[i].rps())
	}
	return median(r)
}

func medianOf(rounds []round, f func(round) float64) float64 {
	var v []float64
	for _, r := range rounds {
		v = append(v, f(r))
	}
	return median(v)
}

package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"penstock/internal/api"
)

// kind says what a measured system answers.
type kind int

const (
	noop     kind = iota // {} to everything
	logLimit             // jobs that are made up
	real                 // Penstock
)

func (k kind) String() string { return [...]string{"no-op", "log limit", "penstock"}[k] }

// system is a server under load.
type system struct {
	kind     kind
	procs    []*process // callers are spread over them
	database *database  // that they work on; nil = SQLite
	load     *workload
	callers  []*caller
	jobs     *jobs // of Penstock
}

// newSystem is for jobLoad.
func newSystem(k kind, procs []*process, d *database) *system {
	return &system{kind: k, procs: procs, database: d, load: jobLoad, jobs: newJobs(jobLoad)}
}

// cpu is the processor time that the servers used so far, in seconds.
func (s *system) cpu() (sum float64, err error) {
	for _, p := range s.procs {
		used, err := p.cpu()
		if err != nil {
			return 0, err
		}
		sum += used
	}
	return sum, nil
}

// round is what one round of load measured.
type round struct {
	Calls   int64 // poll, acknowledge, success: answered within the round
	Starts  int64 // executions started, not among the calls
	Empty   int64 // polls without a job, not among the calls
	Seconds float64
	CPU     float64 // of the server, in seconds
	DB      float64 // CPU of PostgreSQL, if it is the bench's own
	Client  float64 // CPU of this process
}

func (r round) rps() float64 { return float64(r.Calls) / r.Seconds }

func (r round) cpuMicros() float64 { return r.CPU / float64(max(r.Calls, 1)) * 1e6 }

func (r round) databaseMicros() float64 { return r.DB / float64(max(r.Calls, 1)) * 1e6 }

// executions is how many ended in a second, for each of which one was started.
func (r round) executions() float64 { return float64(r.Starts) / r.Seconds }

func (r round) clientMicros() float64 { return r.Client / float64(max(r.Calls, 1)) * 1e6 }

// run lets n callers work for d. Each finishes the job it has begun, but only
// what is answered in time counts.
func (s *system) run(ctx context.Context, n int, d time.Duration) (round, error) {
	for len(s.callers) < n {
		c, err := dial(s.procs[len(s.callers)%len(s.procs)].addr)
		if err != nil {
			return round{}, err
		}
		s.callers = append(s.callers, &caller{conn: c, system: s, turn: len(s.callers) * 5})
	}
	var stop atomic.Bool
	g, ctx := errgroup.WithContext(ctx)
	cpu, err := s.cpu()
	if err != nil {
		return round{}, err
	}
	client, db, start := ownCPU(), s.database.cpu(), time.Now()
	for _, c := range s.callers[:n] {
		c.calls, c.starts, c.empty = 0, 0, 0
		// One deadline for the round: no answer takes that long.
		if err := c.conn.net.SetDeadline(start.Add(d + 30*time.Second)); err != nil {
			return round{}, err
		}
		g.Go(func() error {
			for !stop.Load() {
				if err := c.job(&stop); err != nil {
					return err
				}
			}
			return nil
		})
	}
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
	stop.Store(true)
	r := round{Seconds: time.Since(start).Seconds(), Client: ownCPU() - client, DB: s.database.cpu() - db}
	end, err := s.cpu()
	if err := errors.Join(g.Wait(), err); err != nil {
		return round{}, err
	}
	r.CPU = end - cpu
	for _, c := range s.callers[:n] {
		r.Calls, r.Starts, r.Empty = r.Calls+c.calls, r.Starts+c.starts, r.Empty+c.empty
	}
	return r, nil
}

// caller works like a job worker: it polls for one job, acknowledges it and
// reports success, over one connection.
type caller struct {
	conn   *conn
	system *system
	turn   int
	body   []byte
	id     []byte

	calls, starts, empty int64
}

func pollBody(t api.ActionTypeId) []byte {
	return api.Encode(&api.PollForJobsInput{ActionTypeId: t, MaxBatchSize: new(1)})
}

const (
	cannedID    = "00000000-0000-7000-8000-000000000000"
	cannedNonce = "4294967298"
)

// job takes one job from poll to report.
func (c *caller) job(stop *atomic.Bool) error {
	c.turn = (c.turn + 1) % len(c.system.load.polls)
	answer, err := c.conn.call("PollForJobs", c.system.load.polls[c.turn], 0)
	if err != nil {
		return err
	}
	id, nonce := text(answer, `"id":"`), text(answer, `"nonce":"`)
	var j jobKey
	switch c.system.kind {
	case noop:
		id, nonce = []byte(cannedID), []byte(cannedNonce)
	case real:
		if id == nil {
			c.empty++
			return nil
		}
		if j, err = c.system.jobs.handedOut(answer); err != nil {
			return err
		}
	}
	c.id = append(c.id[:0], id...)
	c.count(stop)
	c.body = acknowledgement(c.body[:0], c.id, nonce)
	if answer, err = c.conn.call("AcknowledgeJob", c.body, 0); err != nil {
		return err
	}
	if c.system.kind != noop && !bytes.Contains(answer, []byte(`"InProgress"`)) {
		return fmt.Errorf("AcknowledgeJob of %s answered %s", c.id, answer)
	}
	c.count(stop)
	c.body = success(c.body[:0], c.id)
	if _, err = c.conn.call("PutJobSuccessResult", c.body, 0); err != nil {
		return err
	}
	c.count(stop)
	if c.system.kind != real || !c.system.jobs.succeeded(j) {
		return nil
	}
	c.body = append(append(append(c.body[:0], `{"name":"`...), c.system.load.pipeline(j.pipeline)...), `"}`...)
	if _, err = c.conn.call("StartPipelineExecution", c.body, 0); err != nil {
		return err
	}
	if !stop.Load() {
		c.starts++
	}
	return nil
}

func (c *caller) count(stop *atomic.Bool) {
	if !stop.Load() {
		c.calls++
	}
}

func acknowledgement(b, id, nonce []byte) []byte {
	b = append(append(b, `{"jobId":"`...), id...)
	b = append(append(b, `","nonce":"`...), nonce...)
	return append(b, `"}`...)
}

func success(b, id []byte) []byte {
	b = append(append(b, `{"jobId":"`...), id...)
	b = append(b, `","executionDetails":{"summary":"done by the bench","externalExecutionId":"bench-`...)
	b = append(b, id[len(id)-12:]...)
	return append(b, `","percentComplete":100}}`...)
}

// jobs watches over what Penstock hands out: no job twice; and over the
// executions, to know which success was the last of one.
type jobs struct {
	load *workload

	mu   sync.Mutex
	seen map[uuid]struct{}
	done map[uuid]int // succeeded jobs of a live execution
}

type uuid [16]byte

type jobKey struct {
	execution uuid
	pipeline  int
}

func newJobs(w *workload) *jobs {
	return &jobs{load: w, seen: map[uuid]struct{}{}, done: map[uuid]int{}}
}

func parseUUID(s []byte) (u uuid, err error) {
	var digits [32]byte
	b := digits[:0]
	for _, c := range s {
		if c != '-' && len(b) < len(digits) {
			b = append(b, c)
		}
	}
	if _, err := hex.Decode(u[:], b); err != nil || len(s) != 36 || len(b) != len(digits) {
		return u, fmt.Errorf("%q is no id", s)
	}
	return u, nil
}

// handedOut notes the job of a poll's answer.
func (j *jobs) handedOut(answer []byte) (jobKey, error) {
	id, err := parseUUID(text(answer, `"id":"`))
	if err != nil {
		return jobKey{}, err
	}
	var k jobKey
	if k.execution, err = parseUUID(text(answer, `"pipelineExecutionId":"`)); err != nil {
		return k, err
	}
	name := bytes.TrimPrefix(text(answer, `"pipelineName":"`), []byte(j.load.prefix))
	if k.pipeline, err = strconv.Atoi(string(name)); err != nil {
		return k, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, twice := j.seen[id]; twice {
		return k, fmt.Errorf("job %x was handed out twice", id)
	}
	j.seen[id] = struct{}{}
	return k, nil
}

// succeeded notes a success and reports whether it ended the execution.
func (j *jobs) succeeded(k jobKey) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.done[k.execution]++
	if j.done[k.execution] < j.load.jobs {
		return false
	}
	delete(j.done, k.execution)
	return true
}

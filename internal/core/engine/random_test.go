package engine

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"penstock/internal/core/fault"
	"penstock/internal/core/job"
	"penstock/internal/core/pipeline"
)

// stepsOfRun is how many commands a random run has, PENSTOCK_RANDOM_STEPS sets
// it; -rapid.checks says how many runs there are (100).
func stepsOfRun() int {
	if n, err := strconv.Atoi(os.Getenv("PENSTOCK_RANDOM_STEPS")); err == nil && n > 0 {
		return n
	}
	return 600
}

// soak is how many steps a run must have for everything that can happen to
// have happened (make soak). Fewer would fail now and then for want of luck.
const soak = 500_000

// TestRandomCommands runs random commands on random pipelines. After each the
// invariants hold (invariant_test.go, world_test.go); at the end every
// execution can be brought to its end.
func TestRandomCommands(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	seen := map[transition]int{}
	refusals := map[string]int{}
	steps := 0
	rapid.Check(t, func(rt *rapid.T) {
		g := &gambler{world: newWorld(), refusals: map[string]int{}}
		g.sound = true
		g.shuffle(rt, "pipeline")
		g.delay = one(g, []time.Duration{0, 30 * time.Second, 2 * time.Hour})
		if err := g.declare(g.declaration()); err != nil {
			rt.Fatal(err)
		}
		n := stepsOfRun()
		for i := 0; i < n && !g.deleted; i++ {
			g.shuffle(rt, "command")
			g.step()
			if err := g.problem(); err != nil {
				rt.Fatal(err)
			}
			steps++
		}
		g.drain()
		if err := g.problem(); err != nil {
			rt.Fatal(err)
		}
		mu.Lock()
		defer mu.Unlock()
		for tr, n := range g.seen {
			seen[tr] += n
		}
		for code, n := range g.refusals {
			refusals[code] += n
		}
	})
	if t.Failed() {
		return
	}
	t.Logf("%d steps; refusals: %v", steps, refusals)
	if steps < soak {
		return // too few to be certain of seeing the rarest
	}
	for _, r := range machines {
		if seen[r.transition] == 0 {
			t.Errorf("no %s ever went from %q to %q", r.machine, r.from, r.to)
		}
	}
	for _, code := range []string{
		"DuplicatedStopRequestException", "PipelineExecutionNotStoppableException", "NotLatestPipelineExecutionException",
		"StageNotRetryableException", "StageNotFoundException", "InvalidApprovalTokenException", "ApprovalAlreadyCompletedException",
		"InvalidJobStateException", "ConcurrentPipelineExecutionsLimitExceededException", "ConditionNotOverridableException",
		"UnableToRollbackStageException", "PipelineExecutionOutdatedException", "PipelineExecutionNotFoundException",
	} {
		if refusals[code] == 0 {
			t.Errorf("nothing was ever refused with %s", code)
		}
	}
}

// gambler plays random commands.
type gambler struct {
	*world
	*rand.Rand
	refusals map[string]int
}

// shuffle takes a new seed from rapid: one draw a command, so that a failing
// run shrinks by whole commands, and what a command does is not skewed towards
// small numbers.
func (g *gambler) shuffle(rt *rapid.T, what string) {
	g.Rand = rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, what), 0))
}

// chance is true n times out of 100.
func (g *gambler) chance(n int) bool { return g.IntN(100) < n }

func (g *gambler) upTo(n int) int { return g.IntN(n) }

func one[T any](g *gambler, from []T) T { return from[g.upTo(len(from))] }

// note counts refusals; any other error is a mistake of the engine.
func (g *gambler) note(err error) {
	if err == nil {
		return
	}
	code := fault.Code(err)
	if code == "" {
		g.complain("not a refusal: %v", err)
	}
	g.refusals[code]++
}

// declaration draws a pipeline of one to four stages. References and inputs
// obey the rules of UpdatePipeline: they point to what must have run before.
func (g *gambler) declaration() *pipeline.Declaration {
	d := &pipeline.Declaration{
		Mode: one(g, []string{pipeline.Superseded, pipeline.Queued, pipeline.Parallel}), Type: pipeline.V2,
		ArtifactStore: &pipeline.ArtifactStore{Bucket: "artifacts"},
	}
	if g.chance(15) {
		d.Variables = []pipeline.Variable{{Name: "Target"}}
	}
	names := []string{"S1", "S2", "S3", "S4", "S5"}
	var before, artifacts []string
	for range 1 + g.upTo(4) {
		i := g.upTo(len(names))
		st := pipeline.Stage{Name: names[i]}
		names = slices.Delete(names, i, i+1)
		var added, made []string
		for k := range 1 + g.upTo(7) {
			a := g.action(st.Name, k, before, artifacts)
			st.Actions = append(st.Actions, a)
			if a.Namespace != "" {
				added = append(added, a.Namespace)
			}
			for _, o := range a.Outputs {
				made = append(made, o.Name)
			}
		}
		g.conditions(&st, d.Mode, len(d.Stages) == 0)
		before, artifacts = append(before, added...), append(artifacts, made...)
		d.Stages = append(d.Stages, st)
	}
	return d
}

func (g *gambler) action(stage string, k int, before, artifacts []string) pipeline.Action {
	kind := one(g, []string{"custom", "custom", "custom", "partner", "partner", "push", "push", "commands", "approval", "source"})
	if g.chance(2) {
		kind = one(g, []string{"foreign", "unknown"})
	}
	a := pipeline.Action{
		Name: "a" + strconv.Itoa(k), Type: kinds[kind], RunOrder: 1 + g.upTo(3), Configuration: map[string]string{},
	}
	unique := stage + a.Name
	if kind != "approval" && g.chance(60) {
		a.Namespace = "ns" + unique
	}
	if kind != "approval" && g.chance(40) {
		a.Outputs = []pipeline.OutputArtifact{{Name: "out" + unique}}
	}
	if len(before) > 0 && g.chance(30) {
		a.Configuration["Ref"] = "#{" + one(g, before) + ".id}"
	}
	if len(artifacts) > 0 && g.chance(30) {
		a.Inputs = []string{one(g, artifacts)}
	}
	return a
}

// step plays one command. Work goes on more often than it is disturbed.
func (g *gambler) step() {
	switch n := g.upTo(100); {
	case n < 45:
		g.work()
	case n < 57:
		g.begin()
	case n < 66:
		if r := g.openApprovals(); len(r) > 0 {
			g.note(g.answer(one(g, r), g.chance(75), "because"))
		}
	case n < 72:
		for range 4 {
			g.staleAnswer()
		}
	case n < 77:
		g.stopOne()
	case n < 80:
		g.retryOne()
	case n < 83:
		g.overrideOne()
	case n < 85:
		g.rollBackOne()
	case n < 91:
		_, err := g.do(SetTransition{Stage: g.stageName(), Outbound: g.chance(50), Disable: g.chance(50), Reason: "why", By: "ana"})
		g.note(err)
	case n < 95:
		g.note(g.pass(time.Duration(g.upTo(90)) * time.Minute))
	case n < 97:
		g.staleReport()
	case n < 98:
		one(g, []func(){g.staleTimer, g.earlyTimer, g.wakeLate, g.ageOne})()
	case n < 99 || !g.chance(10):
		if g.chance(60) {
			g.note(g.declare(g.declaration()))
		}
	default:
		_, err := g.do(Deleted{})
		g.note(err)
	}
}

// begin starts an execution, now and then a crowd of them.
func (g *gambler) begin() {
	n := 1
	if g.chance(2) {
		n = 60
	}
	for range n {
		ev := Start{Trigger: Trigger{Type: one(g, []string{"StartPipelineExecution", "Webhook"})}}
		if g.chance(90) {
			ev.Variables = []Variable{{"Target", "here"}}
		}
		if a := one(g, g.decls[g.current].Stages[0].Actions); g.chance(20) {
			ev.Trigger.Type = "PutActionRevision"
			ev.Bound = &Binding{Action: a.Name, Revision: Revision{ID: "bound to " + a.Name}}
		}
		_, err := g.do(ev)
		g.note(err)
	}
}

// work moves one open job on.
func (g *gambler) work() {
	jobs := g.openJobs()
	if len(jobs) == 0 {
		g.note(g.pass(time.Minute))
		return
	}
	j := one(g, jobs)
	switch j.State {
	case job.Created:
		g.note(g.pass(31 * time.Second))
	case job.Queued:
		if j.Nonces.Last > 0 && g.chance(50) {
			g.note(g.acknowledge(j))
		} else {
			g.hand(j)
		}
	case job.Dispatched:
		if g.chance(20) {
			g.lapse(j)
		} else {
			g.note(g.acknowledge(j))
		}
	default:
		g.finish(j)
	}
}

func (g *gambler) finish(j *job.Job) {
	switch n := g.upTo(100); {
	case n < 20:
		g.note(g.carryOn(j, "token", Details{Summary: "half way"}))
	case n < 35:
		g.note(g.fail(j, "JobFailed", "it broke"))
	default:
		g.note(g.succeed(j, map[string]string{"id": j.ActionExecutionID}, &Revision{ID: "r" + j.ID}))
	}
}

func (g *gambler) someExecution() string {
	all := g.executions()
	if len(all) == 0 {
		return "nobody"
	}
	// Mostly a young one: old ones can do nothing any more.
	return all[len(all)-1-min(g.upTo(8), g.upTo(len(all)))].ID
}

func (g *gambler) stageName() string {
	if g.chance(3) {
		return "Nowhere"
	}
	return one(g, g.decls[g.current].Stages).Name
}

func (g *gambler) stopOne() {
	id := g.someExecution()
	if len(g.state.Live) > 0 && g.chance(70) {
		id = one(g, g.state.Live)
	}
	for range 1 + g.upTo(2) {
		_, err := g.do(StopExecution{id, g.chance(40), one(g, []string{"", "enough"})})
		g.note(err)
	}
}

func (g *gambler) retryOne() {
	ev := RetryStage{Stage: g.stageName(), Execution: g.someExecution(), All: g.chance(50)}
	if failed := g.failed(); len(failed) > 0 && g.chance(70) {
		e := one(g, failed)
		ev.Stage, ev.Execution = e.Stage, e.ID
	}
	id, err := g.do(ev)
	if err == nil && id != ev.Execution {
		g.complain("a retry of %s answered %s", ev.Execution, id)
	}
	g.note(err)
}

func (g *gambler) failed() []*Execution {
	return slices.DeleteFunc(g.executions(), func(e *Execution) bool { return e.Status != Failed && e.Status != Stopped })
}

// staleAnswer answers a request of the past, or one that never was.
func (g *gambler) staleAnswer() {
	e := g.execs[g.someExecution()]
	if e == nil {
		return
	}
	for _, run := range e.Runs {
		for _, a := range run.Actions {
			if !a.Approval || a.Status == InProgress {
				continue
			}
			err := g.answer(request{e.ID, run.Stage, a.Name, a.ID}, true, "late")
			if err == nil {
				g.complain("the closed request %s could be answered", a.ID)
			}
			g.note(err)
			return
		}
	}
}

// staleReport reports for a job that has ended; the engine refuses even when
// the state of the job is not looked at first.
func (g *gambler) staleReport() {
	ended := g.jobsWhere(func(j *job.Job) bool { return j.State.Terminal() })
	if len(ended) == 0 {
		return
	}
	j := *one(g, ended)
	if err := g.succeed(&j, nil, nil); err == nil && (j.Report != "success" || g.now.Sub(j.EndedAt) > job.RepeatWindow) {
		g.complain("a report for the ended job %s was taken", j.ID)
	}
	_, err := g.do(JobSucceeded{Job: &j, Digest: "late"})
	if fault.Code(err) != "InvalidJobStateException" {
		g.complain("a late report was answered %v", err)
	}
	g.note(err)
	_, err = g.do(JobFailed{Job: &j, Digest: "late"})
	g.note(err)
}

// drain opens all gates and finishes all work; then nothing may be left.
func (g *gambler) drain() {
	if g.deleted {
		return
	}
	for _, st := range g.decls[g.current].Stages {
		for _, outbound := range []bool{false, true} {
			_, err := g.do(SetTransition{Stage: st.Name, Outbound: outbound})
			g.note(err)
		}
	}
	for range 100_000 {
		if len(g.state.Live) == 0 || g.problem() != nil {
			break
		}
		if r := g.openApprovals(); len(r) > 0 {
			g.note(g.answer(r[0], true, "yes"))
			continue
		}
		jobs := g.openJobs()
		if len(jobs) == 0 {
			break
		}
		j := jobs[0]
		if j.State == job.Created {
			g.note(g.pass(time.Minute))
			continue
		}
		g.note(g.take(j))
		g.note(g.succeed(j, map[string]string{"id": j.ActionExecutionID}, nil))
	}
	if len(g.state.Live) > 0 || len(g.openJobs()) > 0 {
		g.complain("executions that cannot end: %v, open jobs %v", g.state.Live, g.openJobs())
	}
	for _, st := range g.state.Stages {
		if st.Holder != "" || len(st.Waiting) > 0 {
			g.complain("stage %s is not free at the end: %+v", st.Name, st)
		}
	}
	for t := range g.timers {
		if t.Kind == Alarm {
			g.complain("timer %s is left at the end", fmt.Sprint(t))
		}
	}
}

package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"penstock/internal/core/job"
	"penstock/internal/core/pipeline"
	"penstock/internal/core/variable"
)

// world is a pipeline with all that a store keeps of it, in memory: it applies
// plans as a store would and complains about every plan that a store could not
// apply or that breaks a rule of the engine.
type world struct {
	pipeline Pipeline
	current  int
	decls    map[int]*pipeline.Declaration
	state    State
	execs    map[string]*Execution
	jobs     map[string]*job.Job
	timers   map[Timer]bool
	past     []Timer         // all that were ever set
	aged     map[string]bool // executions as an earlier version left them
	records  map[string]ActionRecord
	rules    map[string]ActionRecord
	events   []StateChange
	last     map[string]Status // what the newest event of each execution, stage and action says
	passed   []StagePassed
	now      time.Time
	drawn    int // ids drawn so far
	types    map[pipeline.ActionType]TypeInfo
	delay    time.Duration
	deleted  bool
	sound    bool // all references and inputs of the declarations must resolve
	seen     map[transition]int
	problems []error

	saved     map[string][]byte // documents as they were saved
	decisions int
}

func newWorld() *world {
	return &world{
		pipeline: Pipeline{ID: 7, Account: "000000000000", Region: "eu-west-1", Name: "orders"},
		decls:    map[int]*pipeline.Declaration{}, execs: map[string]*Execution{}, jobs: map[string]*job.Job{},
		timers: map[Timer]bool{}, aged: map[string]bool{}, records: map[string]ActionRecord{}, rules: map[string]ActionRecord{}, last: map[string]Status{},
		saved: map[string][]byte{}, seen: map[transition]int{},
		now: time.Date(2026, 10, 2, 8, 0, 0, 0, time.UTC), types: knownTypes(), delay: 30 * time.Second,
	}
}

func (w *world) complain(format string, args ...any) {
	w.problems = append(w.problems, fmt.Errorf(format, args...))
}

// problem is what was found wrong so far.
func (w *world) problem() error { return errors.Join(w.problems...) }

func (w *world) env() Env {
	return Env{
		Now:   w.now,
		NewID: func() string { w.drawn++; return fmt.Sprintf("id%06d", w.drawn) },
		NewKey: func() string {
			w.drawn++
			return fmt.Sprintf("k%06d", w.drawn)
		},
		Type:              func(t pipeline.ActionType) TypeInfo { return w.types[t] },
		Zone:              time.LoadLocation,
		ContinuationDelay: w.delay,
	}
}

// snapshot holds what a store loads: the live executions and what the event
// asks for, no more.
func (w *world) snapshot(ev Event) *Snapshot {
	s := &Snapshot{
		Pipeline: w.pipeline, Current: w.current, State: w.state,
		Declarations: map[int]*pipeline.Declaration{w.current: w.decls[w.current]}, Executions: map[string]*Execution{},
	}
	for _, id := range append(Needs(ev, &w.state), w.state.Live...) {
		if e := w.execs[id]; e != nil {
			s.Executions[id] = e
			s.Declarations[e.Version] = w.decls[e.Version]
		}
	}
	return s
}

// do decides about the event, twice, and applies the plan.
func (w *world) do(ev Event) (string, error) {
	plan, err := w.decide(ev)
	if m, ok := errors.AsType[*Missing](err); ok {
		plan, err = w.decide(Also{ev, m.Executions})
	}
	if err != nil {
		return "", err
	}
	w.apply(ev, plan)
	w.check()
	return plan.Execution, nil
}

func (w *world) decide(ev Event) (Plan, error) {
	snap := w.snapshot(ev)
	drawn := w.drawn
	plan, err := Decide(snap, ev, w.env())
	end := w.drawn
	w.drawn = drawn
	again, err2 := Decide(snap, ev, w.env())
	w.drawn = end
	if !reflect.DeepEqual(plan, again) || !reflect.DeepEqual(err, err2) {
		w.complain("%T: two decisions on one snapshot differ", ev)
	}
	w.checkUnchanged(ev, snap)
	if err != nil && !reflect.DeepEqual(plan, Plan{}) {
		w.complain("%T: a refusal came with a plan", ev)
	}
	return plan, err
}

// checkUnchanged compares what the decision saw with what was saved. Large
// snapshots are looked at now and then only, for the time it takes.
func (w *world) checkUnchanged(ev Event, s *Snapshot) {
	w.decisions++
	if len(s.Executions) > 6 && w.decisions%16 != 0 {
		return
	}
	for id, e := range s.Executions {
		if !bytes.Equal(w.saved[id], dump(e)) {
			w.complain("%T: execution %s of the snapshot was changed", ev, id)
		}
	}
	if w.saved["state"] != nil && !bytes.Equal(w.saved["state"], dump(s.State)) {
		w.complain("%T: the state of the snapshot was changed", ev)
	}
	for _, d := range s.Declarations {
		if !bytes.Equal(w.saved[fmt.Sprint(d.Version)], dump(d)) {
			w.complain("%T: a declaration of the snapshot was changed", ev)
		}
	}
}

func dump(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

func (w *world) apply(ev Event, p Plan) {
	if p.State != nil {
		w.state = *p.State
		w.saved["state"] = dump(w.state)
	}
	for _, e := range p.Executions {
		old := w.execs[e.ID]
		w.execs[e.ID] = e
		w.saved[e.ID] = dump(e)
		delete(w.aged, e.ID)
		if old == nil {
			old = &Execution{}
		}
		defer w.stagesChanged(old, e) // after its events
	}
	for _, c := range p.Changes {
		switch c := c.(type) {
		case ActionStarted:
			w.actionStarted(c.Record)
		case ActionUpdated:
			w.actionUpdated(c)
		case RuleStarted:
			w.ruleStarted(c.Record)
		case RuleUpdated:
			w.ruleUpdated(c)
		case JobOpened:
			w.jobOpened(c.Job)
		case JobQueued:
			if j := w.jobs[c.ID]; j == nil || j.State != job.Created {
				w.complain("queued a job that is not Created: %+v", j)
			} else {
				w.setJob(j, job.Queued)
			}
		case JobClosed:
			w.jobClosed(c)
		case JobPurged:
			if j := w.jobs[c.ID]; j == nil || j.State.Terminal() {
				w.complain("purged a job that is not open: %s", c.ID)
			}
			delete(w.jobs, c.ID)
		case StagePassed:
			w.passed = append(w.passed, c)
		case TimerSet:
			if w.timers[c.Timer] {
				w.complain("timer set twice: %+v", c.Timer)
			}
			w.arm(c.Timer)
		case TimerMoved:
			to := c.Timer
			to.At = c.To
			if !w.timers[c.Timer] || w.timers[to] {
				w.complain("moved a timer that is not set, or to where it is: %+v", c)
			}
			delete(w.timers, c.Timer)
			w.arm(to)
		case TimerCleared:
			fired, _ := ev.(TimerFired)
			if !w.timers[c.Timer] && fired.Timer != c.Timer {
				w.complain("cleared a timer that is not set: %+v", c.Timer)
			}
			delete(w.timers, c.Timer)
		case Emitted:
			w.emitted(c.StateChange)
		default:
			w.complain("a change that no store knows: %T", c)
		}
	}
	if _, ok := ev.(Deleted); ok {
		w.deleted = true
	}
}

func (w *world) arm(t Timer) {
	w.timers[t] = true
	w.past = append(w.past, t)
}

func (w *world) actionStarted(r ActionRecord) {
	if _, ok := w.records[r.ID]; ok {
		w.complain("action execution %s started twice", r.ID)
	}
	w.records[r.ID] = r
	e := w.execs[r.Execution]
	run, st := e.Run(r.Stage), w.decls[e.Version].Stage(r.Stage)
	mine := st.Action(r.Action)
	if now := run.Action(r.Action); now == nil || now.ID != r.ID {
		return // a retry in the same decision has forgotten it
	}
	for _, a := range st.Actions {
		if now := run.Action(a.Name); a.RunOrder < mine.RunOrder && (now == nil || now.Status != Succeeded) {
			w.complain("%s started although %s of a lower run order has not succeeded", r.Action, a.Name)
		}
	}
	// Actions of the random pipelines put out their own id, so that a
	// resolved reference says whose output it is.
	if ref := r.Resolved["Ref"]; strings.HasPrefix(ref, "id") {
		by, ok := w.records[ref]
		if !ok || by.Execution != r.Execution && by.Execution != e.RollbackTarget || by.Status != Succeeded {
			w.complain("%s saw the output %q of an action that has not succeeded before", r.Action, ref)
		}
	}
	for _, in := range r.Inputs {
		if !w.produced(r.Execution, in) {
			w.complain("%s reads artifact %+v, which no action of its execution has put out", r.Action, in)
		}
	}
}

func (w *world) produced(execution string, in Artifact) bool {
	e := w.execs[execution]
	if e.RollbackTarget != "" && w.produced(e.RollbackTarget, in) {
		return true
	}
	for _, run := range e.Runs {
		for _, a := range run.Actions {
			if r := w.records[a.ID]; r.Status == Succeeded && slices.ContainsFunc(r.Outputs, func(o Artifact) bool { return o.Key == in.Key }) {
				return true
			}
		}
	}
	return false
}

func (w *world) actionUpdated(c ActionUpdated) {
	r, ok := w.records[c.ID]
	if !ok || r.Status != InProgress {
		w.complain("updated action execution %s, which is %q", c.ID, r.Status)
	}
	if w.sound && !w.skipped(w.execs[r.Execution]) && (c.Result.ErrorCode == variable.CodeInvalidConfiguration || strings.Contains(c.Result.ErrorMessage, "has not been produced")) {
		w.complain("%s could not start: %s", r.Action, c.Result.ErrorMessage)
	}
	r.Status, r.Updated, r.Result = c.Status, c.At, r.Result.Merge(c.Result)
	w.records[c.ID] = r
}

func (w *world) jobOpened(j *job.Job) {
	if w.jobs[j.ID] != nil || j.State != job.Created && j.State != job.Queued {
		w.complain("opened job %s in state %s", j.ID, j.State)
	}
	own := *j
	w.observe("job", "", string(own.Shown()))
	w.jobs[j.ID] = &own
}

func (w *world) jobClosed(c JobClosed) {
	j := w.jobs[c.ID]
	switch {
	case j == nil || j.State.Terminal():
		w.complain("closed job %s, which is not open", c.ID)
		return
	case c.Digest != "" && j.Shown() != job.InProgress:
		w.complain("a report closed job %s, which is %s", c.ID, j.State)
	}
	w.setJob(j, c.State)
	j.EndedAt, j.Report = c.At, c.Digest
}

func (w *world) setJob(j *job.Job, s job.State) {
	from := j.Shown()
	j.State = s
	if now := j.Shown(); now != from {
		w.observe("job", string(from), string(now))
	}
}

// emitted checks that the gates were open for who entered, and notes the
// transitions that the event stream shows.
func (w *world) emitted(c StateChange) {
	machine, status := "execution", statusOf[c.State]
	switch {
	case c.Action != nil:
		machine = "action"
		if c.State == "STARTED" && (w.last[c.Execution+"/"] != InProgress || w.last[c.Execution+"/"+c.Stage] != InProgress || w.execs[c.Execution].Outdated) {
			w.complain("%s started in %s of %s, which takes no new actions", c.Action.Name, c.Stage, c.Execution)
		}
	case c.Stage != "":
		machine = "stage"
		if c.State == "STARTED" {
			w.checkGates(c)
		}
	}
	if c.State == "CANCELED" && machine == "action" {
		status = Failed
	}
	key := c.Execution + "/" + c.Stage
	if c.Action != nil {
		key = c.Action.ID
	}
	w.observe(machine, string(w.last[key]), string(status))
	w.last[key] = status
	w.events = append(w.events, c)
}

func (w *world) checkGates(c StateChange) {
	if w.execs[c.Execution].RollbackTarget != "" {
		return // it comes through no transition
	}
	if st := w.state.Stage(c.Stage); st != nil && st.Inbound.Disabled {
		w.complain("%s entered %s behind its closed gate", c.Execution, c.Stage)
	}
	d := w.decls[c.Version]
	if i := d.StageIndex(c.Stage); i > 0 {
		if st := w.state.Stage(d.Stages[i-1].Name); st != nil && st.Outbound.Disabled {
			w.complain("%s entered %s behind the closed gate of the stage before", c.Execution, c.Stage)
		}
	}
}

func (w *world) observe(machine, from, to string) {
	tr := transition{machine, from, to}
	if !slices.ContainsFunc(machines, func(r row) bool { return r.transition == tr }) {
		w.complain("%s went from %q to %q, which the table of states does not have", machine, from, to)
	}
	w.seen[tr]++
}

// executions lists all executions, oldest first.
func (w *world) executions() []*Execution {
	return slices.SortedFunc(maps.Values(w.execs), func(a, b *Execution) int { return int(a.Number - b.Number) })
}

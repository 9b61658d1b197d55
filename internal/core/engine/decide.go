package engine

import (
	"fmt"
	"slices"

	"penstock/internal/core/fault"
	"penstock/internal/core/pipeline"
)

// Decide says what the event does to the pipeline. An error is a refusal for
// the caller (*fault.Error), or *Missing; then nothing is to be changed.
func Decide(s *Snapshot, ev Event, env Env) (Plan, error) {
	t := &turn{snap: s, env: env, state: s.State.clone(), execs: map[string]*Execution{}}
	if also, ok := ev.(Also); ok {
		ev, t.looked = also.Event, also.Executions
	}
	var err error
	switch ev := ev.(type) {
	case Start:
		err = t.start(ev)
	case StopExecution:
		err = t.stop(ev)
	case RetryStage:
		err = t.retry(ev)
	case RollbackStage:
		err = t.rollbackStage(ev)
	case OverrideCondition:
		err = t.override(ev)
	case SetTransition:
		err = t.setTransition(ev)
	case AnswerApproval:
		err = t.answerApproval(ev)
	case FailApproval:
		t.failApproval(ev)
	case JobSucceeded:
		err = t.jobSucceeded(ev)
	case JobFailed:
		err = t.jobFailed(ev)
	case TimerFired:
		t.timerFired(ev.Timer)
	case Updated:
		t.updated()
	case Deleted:
		t.deleted()
	default:
		err = fmt.Errorf("engine: unknown event %T", ev)
	}
	if err == nil && len(t.missing) > 0 {
		err = &Missing{t.missing}
	}
	if err != nil {
		return Plan{}, err
	}
	return t.plan(), nil
}

// turn is one decision in the making: copies of what changes, and the changes
// so far.
type turn struct {
	snap    *Snapshot
	env     Env
	state   State
	dirty   bool // state changed
	execs   map[string]*Execution
	touched []*Execution // in the order of their first change
	changes []Change
	answer  string   // Plan.Execution
	looked  []string // executions that the snapshot was to hold beyond the event's needs
	missing []string // executions to look for
}

func (t *turn) plan() Plan {
	for _, e := range t.touched {
		t.setAlarm(e)
	}
	p := Plan{Execution: t.answer, Executions: t.touched, Changes: t.changes}
	if t.dirty {
		t.forgetStages()
		state := t.state // a pointer into the turn would keep all of it, and its caller
		p.State = &state
	}
	return p
}

func (t *turn) add(c Change) { t.changes = append(t.changes, c) }

// exec returns the execution for changing, nil if the snapshot has none of
// that id.
func (t *turn) exec(id string) *Execution {
	if e := t.execs[id]; e != nil {
		return e
	}
	old := t.snap.Executions[id]
	if old == nil {
		return nil
	}
	e := old.clone()
	t.execs[id] = e
	t.touched = append(t.touched, e)
	return e
}

// peek returns the execution for reading.
func (t *turn) peek(id string) *Execution {
	if e := t.execs[id]; e != nil {
		return e
	}
	return t.snap.Executions[id]
}

// fetch is peek for an execution that the event did not announce; when the
// snapshot lacks it, the decision will be made again.
func (t *turn) fetch(id string) *Execution {
	e := t.peek(id)
	if e == nil && !slices.Contains(t.looked, id) {
		t.missing = append(t.missing, id)
	}
	return e
}

func (t *turn) create(e *Execution) {
	t.execs[e.ID] = e
	t.touched = append(t.touched, e)
}

// stage returns the state of the named stage for changing, making it when the
// stage is new.
func (t *turn) stage(name string) *Stage {
	t.dirty = true
	if s := t.state.Stage(name); s != nil {
		return s
	}
	t.state.Stages = append(t.state.Stages, Stage{Name: name})
	return &t.state.Stages[len(t.state.Stages)-1]
}

// declaration is the version that the execution runs.
func (t *turn) declaration(e *Execution) *pipeline.Declaration {
	return t.snap.Declarations[e.Version]
}

// currentStage finds the stage in the declaration in force.
func (t *turn) currentStage(name string) (*pipeline.Stage, error) {
	st := t.snap.Declaration().Stage(name)
	if st == nil {
		return nil, t.noStage(name)
	}
	return st, nil
}

func (t *turn) noStage(name string) error {
	return fault.New("StageNotFoundException", "Stage '%s' was not found in pipeline '%s'", name, t.snap.Pipeline.Name)
}

// setStatus moves the execution to a status and tells the world.
func (t *turn) setStatus(e *Execution, s Status, event string) {
	e.Status, e.Updated = s, t.env.Now
	t.emit(e, event, func(c *StateChange) {
		if b := e.gitTriggered(); b != nil && (s == Succeeded || s == Failed) {
			c.Trigger, c.Bound = &e.Trigger, b
		}
	})
	if e.Terminal() {
		t.removeLive(e.ID)
	}
}

// addLive puts the execution among the live ones, which are in the order of
// their start.
func (t *turn) addLive(e *Execution) {
	i := 0
	for i < len(t.state.Live) && t.peek(t.state.Live[i]).Number < e.Number {
		i++
	}
	t.state.Live, t.dirty = slices.Insert(t.state.Live, i, e.ID), true
}

func (t *turn) removeLive(id string) {
	t.dirty = true
	t.state.Live = without(t.state.Live, id)
}

func without(list []string, id string) []string {
	kept := list[:0]
	for _, x := range list {
		if x != id {
			kept = append(kept, x)
		}
	}
	return kept
}

// emit reports a state change of the execution; fill adds what belongs to a
// stage or an action.
func (t *turn) emit(e *Execution, state string, fill func(*StateChange)) {
	c := StateChange{
		At: t.env.Now, State: state, Execution: e.ID, Version: e.Version,
		Started: e.Started, Attempt: e.Attempt,
	}
	if fill != nil {
		fill(&c)
	}
	t.add(Emitted{c})
}

func (t *turn) emitStage(e *Execution, r *StageRun, state string) {
	t.emit(e, state, func(c *StateChange) {
		c.Stage, c.Started, c.Retried = r.Stage, r.Started, r.Retried
	})
}

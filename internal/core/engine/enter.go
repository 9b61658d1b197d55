package engine

import (
	"slices"

	"penstock/internal/core/pipeline"
)

// arrive puts the execution in front of its stage and lets in whoever may
// enter. This is the only place that knows the order of executions.
func (t *turn) arrive(e *Execution) {
	e.Inside = false
	st := t.stage(e.Stage)
	switch e.Mode {
	case pipeline.Superseded:
		// At most one waits; the one that started later stays.
		if len(st.Waiting) > 0 {
			other := t.exec(st.Waiting[0])
			if other.Number > e.Number {
				t.setStatus(e, Superseded, "SUPERSEDED")
				return
			}
			st.Waiting = nil
			t.setStatus(other, Superseded, "SUPERSEDED")
		}
		st.Waiting = []string{e.ID}
	default: // QUEUED: first come, first in; PARALLEL: only a closed gate makes it wait
		st.Waiting = append(st.Waiting, e.ID)
	}
	t.admit(e.Stage)
}

// admit lets waiting executions into the stage as its gates and its lock
// allow.
func (t *turn) admit(name string) {
	for {
		st := t.state.Stage(name)
		if st == nil || len(st.Waiting) == 0 {
			return
		}
		e := t.peek(st.Waiting[0])
		if e.Mode != pipeline.Parallel && st.Holder != "" {
			return
		}
		if t.gateClosed(e, name) {
			return
		}
		st = t.stage(name)
		st.Waiting = slices.Clone(st.Waiting[1:])
		t.enter(t.exec(e.ID), st)
	}
}

// gateClosed reports whether the inbound transition of the stage or the
// outbound one of the stage before it is disabled.
func (t *turn) gateClosed(e *Execution, name string) bool {
	if st := t.state.Stage(name); st != nil && st.Inbound.Disabled {
		return true
	}
	d := t.declaration(e)
	i := d.StageIndex(name)
	if i <= 0 {
		return false
	}
	before := t.state.Stage(d.Stages[i-1].Name)
	return before != nil && before.Outbound.Disabled
}

// enter takes the stage for the execution and starts its first actions.
func (t *turn) enter(e *Execution, st *Stage) {
	if e.Mode != pipeline.Parallel {
		st.Holder = e.ID
	}
	st.Latest = e.ID
	e.Inside = true
	e.Runs = append(e.Runs, StageRun{Stage: st.Name, Status: InProgress, Started: t.env.Now})
	t.emitStage(e, &e.Runs[len(e.Runs)-1], "STARTED")
	t.advance(e)
}

// leave frees the stage that the execution is in and lets the next one in.
func (t *turn) leave(e *Execution) {
	e.Inside = false
	if st := t.stage(e.Stage); st.Holder == e.ID {
		st.Holder = ""
	}
	t.admit(e.Stage)
}

package engine

import (
	"slices"

	"penstock/internal/core/pipeline"
)

// arrive puts the execution in front of its stage and lets in whoever may
// enter. This is the only place that knows the order of executions.
func (t *turn) arrive(e *Execution) {
	e.Inside = false
	switch e.Mode {
	case pipeline.Parallel: // no order: only a closed gate makes it wait
		if !t.gateClosed(e, e.Stage) {
			t.enter(e)
			return
		}
	case pipeline.Superseded:
		if !t.supersede(e) {
			return
		}
	}
	st := t.stage(e.Stage)
	st.Waiting = append(st.Waiting, e.ID)
	t.admit(e.Stage)
}

// supersede leaves at most one execution of a SUPERSEDED pipeline in front of
// a stage, the one that started last, and reports whether that is e. Those of
// the pipeline's time in PARALLEL mode that wait there are left alone.
func (t *turn) supersede(e *Execution) bool {
	st := t.stage(e.Stage)
	for _, id := range slices.Clone(st.Waiting) {
		other := t.peek(id)
		if other.Mode != pipeline.Superseded {
			continue
		}
		if other.Number > e.Number {
			t.setStatus(e, Superseded, "SUPERSEDED")
			return false
		}
		st.Waiting = without(st.Waiting, id)
		t.setStatus(t.exec(id), Superseded, "SUPERSEDED")
	}
	return true
}

// admit lets waiting executions into the stage as its gates and its lock
// allow.
func (t *turn) admit(name string) {
	for {
		e := t.nextIn(name)
		if e == nil {
			return
		}
		st := t.stage(name)
		st.Waiting = without(st.Waiting, e.ID)
		t.enter(e)
	}
}

// nextIn picks the execution that may enter the stage now, nil if none may.
// Nobody overtakes, as all who wait run the same version and so meet the same
// gates; only executions of PARALLEL mode may run another one, and they neither
// wait for others nor hold them up.
func (t *turn) nextIn(name string) *Execution {
	st := t.state.Stage(name)
	if st == nil {
		return nil
	}
	taken := st.Holder != ""
	for _, id := range st.Waiting {
		e := t.peek(id)
		if taken && e.Mode != pipeline.Parallel {
			continue
		}
		if !t.gateClosed(e, name) {
			return t.exec(id)
		}
	}
	return nil
}

// gateClosed reports whether the inbound transition of the stage or the
// outbound one of the stage before it is disabled.
func (t *turn) gateClosed(e *Execution, name string) bool {
	if t.disabled(name, false) {
		return true
	}
	d := t.declaration(e)
	i := d.StageIndex(name)
	return i > 0 && t.disabled(d.Stages[i-1].Name, true)
}

// enter takes the stage for the execution and starts its first actions.
func (t *turn) enter(e *Execution) {
	if e.Mode != pipeline.Parallel {
		st := t.stage(e.Stage)
		st.Holder, st.Latest = e.ID, e.ID
	}
	e.Inside = true
	e.Runs = append(e.Runs, StageRun{Stage: e.Stage, Status: InProgress, Started: t.env.Now})
	t.emitStage(e, &e.Runs[len(e.Runs)-1], "STARTED")
	t.advance(e)
}

// release gives up the lock of the stage that the execution is in.
func (t *turn) release(e *Execution) {
	e.Inside = false
	if st := t.state.Stage(e.Stage); st != nil && st.Holder == e.ID {
		st.Holder, t.dirty = "", true
	}
}

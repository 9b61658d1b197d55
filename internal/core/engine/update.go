package engine

import "penstock/internal/core/pipeline"

// deleted closes all that is open so that nothing refers to the pipeline any
// more; its jobs answer as if they had never been.
func (t *turn) deleted() {
	for _, id := range t.snap.State.Live {
		e := t.peek(id)
		for i := range e.Runs {
			for a := range e.Runs[i].attempts() {
				if a.Status == InProgress && a.Job != "" {
					t.add(JobPurged{a.Job})
				}
			}
		}
		if !e.Alarm.IsZero() {
			t.add(TimerCleared{e.timer(e.Alarm)})
		}
	}
	t.dirty = true
	t.state = State{Sequence: t.state.Sequence}
}

// updated takes a new declaration into force (engine.md section 1.10):
// executions that wait are cancelled at once, those inside a stage when their
// running actions have ended; open approvals cannot be answered any more.
// Executions of a PARALLEL pipeline go on with the version they started with.
func (t *turn) updated() {
	for i := range t.state.Stages {
		t.state.Stages[i].Passed, t.dirty = "", true
	}
	// Who waits goes first, so that nobody enters a stage that comes free.
	for _, id := range t.snap.State.Live {
		if e := t.peek(id); e.Mode != pipeline.Parallel && !e.Inside {
			e = t.exec(id)
			t.unwait(e)
			t.setStatus(e, Cancelled, "CANCELED")
		}
	}
	for _, id := range t.snap.State.Live {
		if e := t.peek(id); e.Mode == pipeline.Parallel || !e.Inside {
			continue
		}
		e := t.exec(id)
		e.Outdated = true
		run := e.Run(e.Stage)
		if c := run.evaluating(); c != nil {
			t.closeCondition(e, c, Cancelled, "")
		}
		for i := range run.Actions {
			if a := &run.Actions[i]; a.Status == InProgress && a.Approval {
				t.endAction(e, run, a, Failed, "CANCELED", Result{Summary: canceledApproval})
			}
		}
		t.advance(e)
	}
	t.openOrphans()
}

// openOrphans removes the gates of stages that the declaration in force no
// longer has: nobody could open them, and executions of PARALLEL mode may
// still have to pass.
func (t *turn) openOrphans() {
	for i := range t.state.Stages {
		if st := &t.state.Stages[i]; t.snap.Declaration().Stage(st.Name) == nil {
			st.Inbound, st.Outbound, t.dirty = Transition{}, Transition{}, true
		}
	}
	t.admitAll()
}

// unwait takes the execution out of the line in front of its stage.
func (t *turn) unwait(e *Execution) {
	st := t.stage(e.Stage)
	st.Waiting = without(st.Waiting, e.ID)
}

// forgetStages drops the state of stages that the declaration in force no
// longer has, unless an execution is still in or in front of them.
func (t *turn) forgetStages() {
	kept := t.state.Stages[:0]
	for _, st := range t.state.Stages {
		if st.Holder != "" || len(st.Waiting) > 0 || t.snap.Declaration().Stage(st.Name) != nil {
			kept = append(kept, st)
		}
	}
	t.state.Stages = kept
}

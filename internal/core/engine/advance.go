package engine

import "penstock/internal/core/pipeline"

// maxParallelActions is how many actions of one execution of a PARALLEL
// pipeline run at a time (quota page); more wait in declaration order.
const maxParallelActions = 5

// advance starts what may start next in the stage the execution is in, or ends
// the stage when nothing is left to do. Actions that fail while starting are
// taken into account at once.
func (t *turn) advance(e *Execution) {
	d := t.declaration(e)
	st := d.Stage(e.Stage)
	run := e.Run(e.Stage)
	for t.startNext(e, st, run) {
	}
	if running(run) > 0 {
		return
	}
	switch {
	case e.Outdated && e.Status != Stopping:
		t.endStage(e, run, Cancelled, "CANCELED")
		t.finish(e, Cancelled, "CANCELED")
	case e.Status == Stopping:
		t.endStage(e, run, Stopped, "STOPPED")
		if e.Stop != nil {
			e.Summary = e.Stop.Reason
		}
		t.finish(e, Stopped, "STOPPED")
	case anyFailed(run):
		t.endStage(e, run, Failed, "FAILED")
		t.finish(e, Failed, "FAILED")
	default:
		t.passStage(e, d, run)
	}
}

// startNext starts actions of the lowest run order that is not done and
// reports whether it started any.
func (t *turn) startNext(e *Execution, st *pipeline.Stage, run *StageRun) bool {
	if e.Status != InProgress || e.Outdated {
		return false
	}
	for _, order := range st.RunOrders() {
		done, started := true, false
		for i := range st.Actions {
			a := &st.Actions[i]
			if a.RunOrder != order {
				continue
			}
			now := run.Action(a.Name)
			if now == nil && (e.Mode != pipeline.Parallel || running(run) < maxParallelActions) {
				t.startAction(e, run, a)
				started = true
			}
			if now == nil || now.Status != Succeeded {
				done = false
			}
		}
		if started || !done {
			return started
		}
	}
	return false
}

func running(r *StageRun) (n int) {
	for i := range r.Actions {
		if r.Actions[i].Status == InProgress {
			n++
		}
	}
	return n
}

func anyFailed(r *StageRun) bool {
	for i := range r.Actions {
		if s := r.Actions[i].Status; s == Failed || s == Abandoned {
			return true
		}
	}
	return false
}

// passStage ends the stage well and moves the execution on.
func (t *turn) passStage(e *Execution, d *pipeline.Declaration, run *StageRun) {
	t.endStage(e, run, Succeeded, "SUCCEEDED")
	t.add(StagePassed{Stage: e.Stage, Version: e.Version, Execution: e.ID})
	i := d.StageIndex(e.Stage)
	if e.RollbackTarget != "" || i == len(d.Stages)-1 {
		t.finish(e, Succeeded, "SUCCEEDED")
		return
	}
	from := e.Stage
	t.release(e)
	e.Stage = d.Stages[i+1].Name
	t.arrive(e)
	t.admit(from)
}

func (t *turn) endStage(e *Execution, run *StageRun, s Status, event string) {
	run.Status = s
	t.emitStage(e, run, event)
}

// finish ends the execution and frees the stage it is in.
func (t *turn) finish(e *Execution, s Status, event string) {
	t.setStatus(e, s, event)
	if e.Inside {
		t.release(e)
		t.admit(e.Stage)
	}
}

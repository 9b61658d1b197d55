package engine

import (
	"slices"

	"penstock/internal/core/pipeline"
)

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
	if run.evaluating() != nil {
		return
	}
	if e.Status == InProgress && !e.Outdated {
		switch t.condition(e, st, run, BeforeEntry) {
		case pending:
			return
		case pipeline.ResultFail:
			t.stageFailed(e, st, run)
			return
		case pipeline.ResultSkip:
			run.Status = Skipped // no event: the event stream has no such state
			t.moveOn(e, d)
			return
		}
	}
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
		t.stageFailed(e, st, run)
	default:
		t.allSucceeded(e, d, run)
	}
}

// allSucceeded is the end of a stage whose actions have succeeded.
func (t *turn) allSucceeded(e *Execution, d *pipeline.Declaration, run *StageRun) {
	st := d.Stage(e.Stage)
	switch t.condition(e, st, run, OnSuccess) {
	case pending:
	case pipeline.ResultFail:
		t.stageFailed(e, st, run)
	case pipeline.ResultRollback:
		t.failStage(e, run, true)
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
	return slices.ContainsFunc(r.Actions, failed)
}

// passStage ends the stage well and moves the execution on.
func (t *turn) passStage(e *Execution, d *pipeline.Declaration, run *StageRun) {
	t.endStage(e, run, Succeeded, "SUCCEEDED")
	if e.RollbackTarget == "" {
		t.add(StagePassed{Stage: e.Stage, Version: e.Version, Execution: e.ID})
		if e.Mode != pipeline.Parallel && rollsBack(d.Stage(e.Stage)) {
			t.stage(e.Stage).Passed = e.ID
		}
	}
	t.moveOn(e, d)
}

// moveOn takes the execution from its stage to the next, or ends it.
func (t *turn) moveOn(e *Execution, d *pipeline.Declaration) {
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

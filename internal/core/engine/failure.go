package engine

import (
	"slices"

	"penstock/internal/core/pipeline"
)

// stageFailed does what the stage declares for its failure, if anything, and
// else ends it: an automatic retry, a rollback, or a condition that decides
// about one (engine.md sections 4.6 and 4.7). A ROLLBACK execution only fails,
// so that nothing loops.
func (t *turn) stageFailed(e *Execution, st *pipeline.Stage, run *StageRun) {
	f := st.OnFailure
	if f == nil || e.RollbackTarget != "" {
		t.failStage(e, run, false)
		return
	}
	result := f.Result
	if len(f.Conditions) > 0 {
		result = t.condition(e, st, run, OnFailure)
	}
	switch {
	case result == pending:
	case result == pipeline.ResultRetry && run.AutoRetries == 0:
		t.endStage(e, run, Failed, "FAILED")
		run.AutoRetries++
		run.LatestRetry = "AutomatedStageRetry"
		t.rerun(e, run, f.RetryMode == "ALL_ACTIONS")
		t.resumeStage(e, run)
		t.advance(e)
	default:
		t.failStage(e, run, result == pipeline.ResultRollback)
	}
}

// failStage ends the stage and the execution badly and, if asked to, starts a
// rollback before anybody else enters.
func (t *turn) failStage(e *Execution, run *StageRun, rollback bool) {
	t.endStage(e, run, Failed, "FAILED")
	t.setStatus(e, Failed, "FAILED")
	t.release(e)
	if rollback {
		t.rollBack(e)
	}
	t.admit(e.Stage)
}

// rerun forgets what a retry runs anew: the actions that failed or all of
// them, and all conditions but an entry condition that let the execution in.
func (t *turn) rerun(e *Execution, run *StageRun, all bool) {
	letIn := len(run.Actions) > 0
	if all {
		run.Actions = nil
	} else {
		run.Actions = slices.DeleteFunc(run.Actions, failed)
	}
	run.Conditions = slices.DeleteFunc(run.Conditions, func(c Condition) bool {
		return c.Place != BeforeEntry || !letIn && c.Status != Succeeded && c.Status != Overridden
	})
	run.Retried = t.env.Now
	e.Attempt++
}

// resumeStage takes a stage that has ended up again.
func (t *turn) resumeStage(e *Execution, run *StageRun) {
	if run.Status != InProgress {
		run.Status = InProgress
		t.emitStage(e, run, "RESUMED")
	}
}

// resume takes an execution that has ended up again, in the stage that it is
// the latest of.
func (t *turn) resume(e *Execution) {
	t.addLive(e)
	e.Status, e.Updated, e.Inside = InProgress, t.env.Now, true
	if e.Mode != pipeline.Parallel {
		t.stage(e.Stage).Holder = e.ID
	}
	t.emit(e, "RESUMED", nil)
}

func failed(a Action) bool { return a.Status == Failed || a.Status == Abandoned }

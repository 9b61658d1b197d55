package engine

import (
	"slices"

	"penstock/internal/core/fault"
)

// retry is RetryStageExecution; engine.md section 4.4. The execution keeps its
// id, its variables and its place in the stage.
func (t *turn) retry(ev RetryStage) error {
	if _, err := t.currentStage(ev.Stage); err != nil {
		return err
	}
	old := t.peek(ev.Execution)
	if err := t.retryable(ev, old); err != nil {
		return err
	}
	e := t.exec(ev.Execution)
	t.answer = e.ID
	run := e.Run(ev.Stage)
	run.ManualRetries++
	run.LatestRetry = "ManualStageRetry"
	t.rerun(e, run, ev.All)
	e.Stop = nil
	e.Summary = ""
	if e.Terminal() {
		t.resume(e)
	}
	t.resumeStage(e, run)
	t.advance(e)
	return nil
}

func (t *turn) retryable(ev RetryStage, e *Execution) error {
	if t.notLatest(ev.Stage, e) {
		return t.notLatestError(ev.Stage, ev.Execution)
	}
	refuse := func(why string) error {
		return fault.New("StageNotRetryableException", "Stage '%s' of execution '%s' cannot be retried: %s", ev.Stage, ev.Execution, why)
	}
	run := e.Run(ev.Stage)
	switch {
	case run == nil || e.Stage != ev.Stage:
		return refuse("the execution did not end in this stage")
	case e.Version != t.snap.Current || e.Outdated:
		return refuse("the pipeline has been updated since")
	case e.Status == Superseded || e.Status == Cancelled || e.Status == Succeeded:
		return refuse("the execution is " + string(e.Status))
	case e.Status == Stopping:
		return refuse("the execution is being stopped")
	case ev.All && running(run) > 0:
		return refuse("an action is still in progress")
	case run.evaluating() != nil:
		return refuse("a condition is being evaluated")
	case !ev.All && !anyFailed(run) && (run.Status == InProgress || !conditionFailed(run)):
		return refuse("no action has failed")
	case e.Terminal() && t.full(e.Mode):
		return t.limitExceeded(e.Mode)
	}
	return nil
}

// conditionFailed reports whether a condition keeps the stage from having
// succeeded; a retry evaluates it again.
func conditionFailed(run *StageRun) bool {
	return slices.ContainsFunc(run.Conditions, func(c Condition) bool {
		return c.Status != Succeeded && c.Status != Overridden
	})
}

package engine

import (
	"slices"

	"penstock/internal/core/fault"
	"penstock/internal/core/pipeline"
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
	if ev.All {
		run.Actions = nil
	} else {
		run.Actions = slices.DeleteFunc(run.Actions, func(a Action) bool { return a.Status == Failed || a.Status == Abandoned })
	}
	run.ManualRetries++
	run.LatestRetry, run.Retried = "ManualStageRetry", t.env.Now
	e.Attempt++
	e.Stop = nil
	e.Summary = ""
	if e.Terminal() {
		t.addLive(e)
		e.Status, e.Updated, e.Inside = InProgress, t.env.Now, true
		if e.Mode != pipeline.Parallel {
			t.stage(ev.Stage).Holder = e.ID
		}
		t.emit(e, "RESUMED", nil)
	}
	if run.Status != InProgress {
		run.Status = InProgress
		t.emitStage(e, run, "RESUMED")
	}
	t.advance(e)
	return nil
}

func (t *turn) retryable(ev RetryStage, e *Execution) error {
	st := t.snap.State.Stage(ev.Stage)
	notLatest := fault.New("NotLatestPipelineExecutionException", "The execution '%s' is not the latest one in stage '%s' of pipeline '%s'", ev.Execution, ev.Stage, t.snap.Pipeline.Name)
	if e == nil || e.Mode != pipeline.Parallel && (st == nil || st.Latest != e.ID) {
		return notLatest
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
	case !ev.All && !anyFailed(run):
		return refuse("no action has failed")
	case e.Terminal() && t.full(e.Mode):
		return t.limitExceeded(e.Mode)
	}
	return nil
}

package engine

import (
	"penstock/internal/core/fault"
	"penstock/internal/core/job"
)

// stop is StopPipelineExecution; the table of engine.md section 4.2.
func (t *turn) stop(ev StopExecution) error {
	name := t.snap.Pipeline.Name
	e := t.peek(ev.Execution)
	if e == nil || e.Terminal() {
		return fault.New("PipelineExecutionNotStoppableException", "The pipeline execution with ID '%s' in '%s' can't be stopped now. Either it does not exist in the pipeline, or the pipeline execution has no action executions in progress.", ev.Execution, name)
	}
	if e.Status == Stopping && (!ev.Abandon || e.Stop.Abandon) {
		return fault.New("DuplicatedStopRequestException", "The execution with ID %s in %s is already in a stopping state. If you already chose to stop and wait, you cannot make that request again. You can choose to stop and abandon now, but be aware that this option can lead to failed actions. If you already chose to stop and abandon, you cannot make that request again.", ev.Execution, name)
	}
	e = t.exec(ev.Execution)
	t.answer = e.ID
	if e.Stop != nil && ev.Reason == "" {
		ev.Reason = e.Stop.Reason
	}
	e.Stop = &Stop{Abandon: ev.Abandon, Reason: ev.Reason}
	if e.Status != Stopping {
		e.Status, e.Updated = Stopping, t.env.Now
		t.emit(e, "STOPPING", func(c *StateChange) { c.Comment = ev.Reason })
	}
	if !e.Inside {
		t.unwait(e)
		e.Summary = ev.Reason
		t.setStatus(e, Stopped, "STOPPED")
		return nil
	}
	run := e.Run(e.Stage)
	if run.Status != Stopping {
		run.Status = Stopping
		t.emitStage(e, run, "STOPPING")
	}
	if ev.Abandon {
		t.abandon(e, run)
	}
	t.advance(e)
	return nil
}

// abandon ends all that the stage has in progress without waiting for it.
func (t *turn) abandon(e *Execution, run *StageRun) {
	if c := run.evaluating(); c != nil {
		t.closeCondition(e, c, Abandoned, "")
	}
	for i := range run.Actions {
		a := &run.Actions[i]
		if a.Status != InProgress {
			continue
		}
		if a.Job != "" {
			t.add(JobClosed{ID: a.Job, State: job.Failed, At: t.env.Now})
		}
		res := Result{}
		if a.Approval {
			res.Summary = canceledApproval
		}
		t.endAction(e, run, a, Abandoned, "ABANDONED", res)
	}
}

package engine

import (
	"penstock/internal/core/fault"
	"penstock/internal/core/job"
	"penstock/internal/core/variable"
)

// open finds the running action whose open job is j.
func (t *turn) open(j *job.Job) (*Execution, *StageRun, *Action) {
	e := t.exec(j.ExecutionID)
	if e == nil {
		return nil, nil, nil
	}
	run := e.Run(j.Stage)
	if run == nil {
		return nil, nil, nil
	}
	a := run.Action(j.Action)
	if a == nil || a.Status != InProgress || a.Job == "" || a.Job != j.ID {
		return nil, nil, nil
	}
	return e, run, a
}

// closedMeanwhile answers a report for a job whose action has ended without
// it; the store keeps the two in step, so it means a stale snapshot.
func closedMeanwhile(j *job.Job) error {
	return fault.New("InvalidJobStateException", "The job '%s' is no longer in progress", j.ID)
}

// jobSucceeded ends a job well: with a continuation token the action goes on
// in a new job, without one it has succeeded (PutJobSuccessResult).
func (t *turn) jobSucceeded(ev JobSucceeded) error {
	if ev.ContinuationToken != "" && len(ev.Outputs) > 0 {
		return fault.New("ValidationException", "Output variables cannot be given together with a continuation token")
	}
	if err := variable.CheckOutputs(ev.Outputs); err != nil {
		return err
	}
	e, run, a := t.open(ev.Job)
	if e == nil {
		return closedMeanwhile(ev.Job)
	}
	rev := ev.Revision
	if rev != nil && rev.Created.IsZero() {
		now := *rev
		now.Created = t.env.Now
		rev = &now
	}
	t.add(JobClosed{ID: ev.Job.ID, State: job.Succeeded, Digest: ev.Digest, At: t.env.Now})
	if ev.Job.Timeout > 0 {
		t.add(TimerCleared{JobTimer(ev.Job)})
	}
	res := Result{
		ExternalID: ev.Details.ExternalID, Summary: ev.Details.Summary, Percent: ev.Details.PercentComplete,
		Variables: ev.Outputs, Revision: rev,
	}
	if ev.ContinuationToken == "" {
		t.endAction(e, run, a, Succeeded, "SUCCEEDED", res)
		t.advance(e)
		return nil
	}
	a.Updated, a.Reported = t.env.Now, a.Reported.Merge(res)
	t.add(ActionUpdated{ID: a.ID, Status: InProgress, At: t.env.Now, Result: res})
	state, due := job.Queued, t.env.Now.Add(t.env.ContinuationDelay)
	if t.env.ContinuationDelay > 0 {
		state = job.Created
	}
	next := ev.Job.Next(t.env.NewID(), ev.ContinuationToken, state, due)
	a.Job = next.ID
	t.add(JobOpened{next})
	if state == job.Created {
		a.JobDue = due
		t.add(TimerSet{Timer{due, ContinuationDue, next.ID, e.ID}})
	}
	return nil
}

// jobFailed ends a job and its action badly (PutJobFailureResult).
func (t *turn) jobFailed(ev JobFailed) error {
	e, run, a := t.open(ev.Job)
	if e == nil {
		return closedMeanwhile(ev.Job)
	}
	t.add(JobClosed{ID: ev.Job.ID, State: job.Failed, Digest: ev.Digest, At: t.env.Now})
	if ev.Job.Timeout > 0 {
		t.add(TimerCleared{JobTimer(ev.Job)})
	}
	t.endAction(e, run, a, Failed, "FAILED", Result{ErrorCode: ev.Type, ErrorMessage: ev.Message, ExternalID: ev.ExternalID})
	t.advance(e)
	return nil
}

// JobTimer is the timer of a job's own time limit. It is armed by the
// acknowledgement, which needs no decision, and so is derived from the job.
func JobTimer(j *job.Job) Timer {
	return Timer{j.AckedAt.Add(j.Timeout), JobDeadline, j.ID, j.ExecutionID}
}

package engine

import (
	"penstock/internal/core/fault"
	"penstock/internal/core/job"
	"penstock/internal/core/variable"
)

// open finds what the open job j was opened for.
func (t *turn) open(j *job.Job) (w work, ok bool) {
	e := t.exec(j.ExecutionID)
	if e == nil {
		return w, false
	}
	run := e.Run(j.Stage)
	if run == nil {
		return w, false
	}
	w = t.find(e, run, j.ActionExecutionID)
	return w, w.a != nil && w.a.Status == InProgress && w.a.Job == j.ID
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
	w, ok := t.open(ev.Job)
	if !ok {
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
		t.end(w, Succeeded, "SUCCEEDED", res)
		t.advance(w.e)
		return nil
	}
	a := w.a
	a.Updated, a.Reported = t.env.Now, a.Reported.Merge(res)
	w.report(t, res)
	state, due := job.Queued, t.env.Now.Add(t.env.ContinuationDelay)
	if t.env.ContinuationDelay > 0 {
		state = job.Created
	}
	next := ev.Job.Next(t.env.NewID(), ev.ContinuationToken, state, due)
	a.Job = next.ID
	t.openJob(next)
	if state == job.Created {
		a.JobDue = due
	}
	return nil
}

// jobFailed ends a job and its action badly (PutJobFailureResult).
func (t *turn) jobFailed(ev JobFailed) error {
	w, ok := t.open(ev.Job)
	if !ok {
		return closedMeanwhile(ev.Job)
	}
	t.add(JobClosed{ID: ev.Job.ID, State: job.Failed, Digest: ev.Digest, At: t.env.Now})
	if ev.Job.Timeout > 0 {
		t.add(TimerCleared{JobTimer(ev.Job)})
	}
	t.end(w, Failed, "FAILED", Result{ErrorCode: ev.Type, ErrorMessage: ev.Message, ExternalID: ev.ExternalID})
	t.advance(w.e)
	return nil
}

// JobTimer is the timer of a job's own time limit. It is armed by the
// acknowledgement, which needs no decision, and so is derived from the job;
// that of a pushed job is armed when the job is opened.
func JobTimer(j *job.Job) Timer {
	at := j.ReportBy
	if at.IsZero() {
		at = j.AckedAt.Add(j.Timeout)
	}
	return Timer{at, JobDeadline, j.ID, j.ExecutionID}
}

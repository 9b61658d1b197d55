package job

import "time"

// A pushed job is not polled: the server calls a function with it, and the
// function reports by the calls of custom actions, whenever it likes. To all
// callers the job is InProgress from its start. Within, Queued and Dispatched
// say that the function is yet to be called, so that a server that starts anew
// calls it; InProgress says that nobody needs to call it any more.

// calls is the family of calls that a job is open to.
func (j *Job) calls() Kind {
	if j.Kind == Pushed {
		return Custom
	}
	return j.Kind
}

// Shown is the state as callers see it.
func (j *Job) Shown() State {
	if j.Kind == Pushed && j.waiting() {
		return InProgress
	}
	return j.State
}

func (j *Job) waiting() bool { return j.State == Queued || j.State == Dispatched }

// Called notes that the function of a pushed job need not be called again. It
// reports whether that changed the job.
func (j *Job) Called(now time.Time) bool {
	if j.Kind != Pushed || !j.waiting() {
		return false
	}
	j.State, j.AckedAt = InProgress, now
	return true
}

// Limit sets ReportBy: each job of an action has its whole time from when it
// can be taken.
func (j *Job) Limit() {
	if j.Kind == Pushed && j.Timeout > 0 {
		j.ReportBy = j.QueuedAt.Add(j.Timeout)
	}
}

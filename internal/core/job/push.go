package job

// A pushed job is not polled: the server calls a function with it, and the
// function reports by the calls of custom actions, whenever it likes. To all
// callers the job is InProgress from its start. Within, a worker of the server
// takes it like any other, and lets go of it when it has called the function; a
// server that dies before that hands the job out again.

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

// letGo is the nonce of pushed jobs that no worker holds any more.
const letGo = -1

// LetGo notes that the function of a pushed job need not be called again. It
// reports whether that changed the job.
func (j *Job) LetGo() bool {
	if j.Kind != Pushed || j.State != InProgress || j.Nonces.Acked == letGo {
		return false
	}
	j.Nonces.Acked = letGo
	return true
}

// Held reports whether a worker within the server has the job in hand, so that
// it must be handed out again when the server dies.
func (j *Job) Held() bool {
	return (j.Kind == Native || j.Kind == Called || j.Kind == Pushed) && j.State == InProgress && j.Nonces.Acked != letGo
}

// Limit sets ReportBy: each job of an action has its whole time from when it
// can be taken.
func (j *Job) Limit() {
	if j.Kind == Pushed && j.Timeout > 0 {
		j.ReportBy = j.QueuedAt.Add(j.Timeout)
	}
}

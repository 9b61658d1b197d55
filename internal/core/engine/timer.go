package engine

import (
	"time"

	"penstock/internal/core/job"
)

// timerFired takes what has become due. A timer whose action or job has ended
// meanwhile does nothing.
func (t *turn) timerFired(timer Timer) {
	e := t.exec(timer.Execution)
	if e == nil {
		return
	}
	for i := range e.Runs {
		run := &e.Runs[i]
		for k := range run.Actions {
			a := &run.Actions[k]
			if a.Status == InProgress && (timer.ID == a.ID || timer.ID == a.Job) {
				t.due(e, run, a, timer)
				return
			}
		}
	}
}

func (t *turn) due(e *Execution, run *StageRun, a *Action, timer Timer) {
	if timer.Kind == ContinuationDue {
		a.JobDue = time.Time{}
		t.add(JobQueued{ID: a.Job, At: t.env.Now})
		return
	}
	if a.Job != "" {
		t.add(JobClosed{ID: a.Job, State: job.TimedOut, At: t.env.Now})
	}
	res := timeoutResult(a)
	if timer.Kind == JobDeadline {
		res.ErrorMessage = "The job '" + a.Job + "' of action '" + a.Name + "' did not report within the time limit of its action type"
	}
	t.endAction(e, run, a, Failed, "FAILED", res)
	t.advance(e)
}

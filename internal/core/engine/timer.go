package engine

import (
	"time"

	"penstock/internal/core/job"
)

// timerFired takes what has become due. A timer fires once; one whose action
// or job has ended meanwhile does nothing more.
func (t *turn) timerFired(timer Timer) {
	t.add(TimerCleared{timer})
	e := t.peek(timer.Execution)
	if e == nil || e.Terminal() {
		return
	}
	for i := range e.Runs {
		for a := range e.Runs[i].attempts() {
			if a.Status == InProgress && a.waitsFor(timer) {
				e = t.exec(e.ID)
				t.due(t.find(e, &e.Runs[i], a.ID), timer)
				return
			}
		}
	}
}

func (a *Action) waitsFor(timer Timer) bool {
	switch timer.Kind {
	case ActionDeadline:
		return timer.ID == a.ID
	case ContinuationDue:
		return timer.ID == a.Job && !a.JobDue.IsZero()
	default:
		return timer.ID == a.Job
	}
}

func (t *turn) due(w work, timer Timer) {
	a := w.a
	if timer.Kind == ContinuationDue {
		a.JobDue = time.Time{}
		t.add(JobQueued{ID: a.Job, At: t.env.Now})
		return
	}
	if a.Job != "" {
		t.add(JobClosed{ID: a.Job, State: job.TimedOut, At: t.env.Now})
	}
	res := w.timeout()
	if name, pushed := t.function(w); pushed && timer.Kind == JobDeadline {
		res = silent(name)
	} else if timer.Kind == JobDeadline {
		res.ErrorMessage = "The job '" + a.Job + "' of action '" + a.Name + "' did not report within the time limit of its action type"
	}
	t.end(w, Failed, "FAILED", res)
	t.advance(w.e)
}

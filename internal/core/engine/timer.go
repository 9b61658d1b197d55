package engine

import (
	"time"

	"penstock/internal/core/job"
)

// timerFired takes what has become due. A timer fires once; one that comes too
// early or too late does nothing more than that.
func (t *turn) timerFired(timer Timer) {
	e := t.peek(timer.Execution)
	live := e != nil && !e.Terminal()
	rings := live && timer.Kind == Alarm && timer.At.Equal(e.Alarm)
	if !rings {
		t.add(TimerCleared{timer})
	}
	switch {
	case !live:
	case timer.Kind == JobDeadline:
		t.unreported(e, timer.ID)
	default:
		e = t.exec(e.ID)
		if rings {
			e.Alarm = time.Time{} // setAlarm arms it anew
		}
		for t.overdue(e) {
		}
	}
}

// overdue does what is due first of the execution, and reports whether anything
// was.
func (t *turn) overdue(e *Execution) bool {
	w, at := e.nextDue()
	if at.IsZero() || at.After(t.env.Now) {
		return false
	}
	if limit := inTimer(w.a.Deadline); limit.IsZero() || limit.After(t.env.Now) {
		w.a.JobDue = time.Time{}
		t.add(JobQueued{ID: w.a.Job, At: t.env.Now})
		return true
	}
	t.timeOut(w, w.timeout())
	return true
}

// unreported ends the attempt whose job did not report in time.
func (t *turn) unreported(e *Execution, jobID string) {
	run := e.Run(e.Stage)
	if run == nil {
		return
	}
	for a := range run.attempts() {
		if a.Status != InProgress || a.Job != jobID {
			continue
		}
		e = t.exec(e.ID)
		w := t.find(e, e.Run(run.Stage), a.ID)
		res := w.timeout()
		if name, pushed := t.function(w); pushed {
			res = silent(name)
		} else {
			res.ErrorMessage = "The job '" + jobID + "' of action '" + a.Name + "' did not report within the time limit of its action type"
		}
		t.timeOut(w, res)
		return
	}
}

// timeOut ends an attempt that has taken too long.
func (t *turn) timeOut(w work, res Result) {
	if w.a.Job != "" {
		t.add(JobClosed{ID: w.a.Job, State: job.TimedOut, At: t.env.Now})
	}
	t.end(w, Failed, "FAILED", res)
	t.advance(w.e)
}

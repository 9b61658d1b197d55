package engine

import "time"

// An execution has one timer, its alarm, for all that its attempts wait for:
// their time limits and the pauses of their continuations. It is moved when
// something comes to be due earlier, but not when what it was armed for has
// ended: then it rings too early, finds nothing due and is armed for what is
// left. So most actions cost no timer of their own.

// setAlarm arms the alarm of an execution that has changed for the first thing
// that becomes due, unless it rings before that anyway, and disarms that of an
// execution that has ended.
func (t *turn) setAlarm(e *Execution) {
	var armed time.Time
	if old := t.snap.Executions[e.ID]; old != nil {
		armed = old.Alarm
	}
	switch _, due := e.nextDue(); {
	case e.Terminal():
		e.Alarm = time.Time{}
	case e.Alarm.IsZero() || !due.IsZero() && due.Before(e.Alarm):
		e.Alarm = due
	}
	switch {
	case e.Alarm.Equal(armed):
	case armed.IsZero():
		t.add(TimerSet{e.timer(e.Alarm)})
	case e.Alarm.IsZero():
		t.add(TimerCleared{e.timer(armed)})
	default:
		t.add(TimerMoved{e.timer(armed), e.Alarm})
	}
}

// timer is the alarm of the execution when it is armed for the time.
func (e *Execution) timer(at time.Time) Timer { return Timer{at, Alarm, e.ID, e.ID} }

// nextDue finds the attempt that time does something to next, and when; zero
// when there is none.
func (e *Execution) nextDue() (next work, at time.Time) {
	run := e.Run(e.Stage)
	if run == nil {
		return next, at
	}
	for a, c := range run.attempts() {
		if a.Status != InProgress {
			continue
		}
		if due := a.due(); !due.IsZero() && (at.IsZero() || due.Before(at)) {
			next, at = work{e, run, a, c}, due
		}
	}
	return next, at
}

// due is when the attempt's continuation or its time limit is due, whichever
// is first; zero when it has none.
func (a *Action) due() time.Time {
	if !a.JobDue.IsZero() && (a.Deadline.IsZero() || a.JobDue.Before(a.Deadline)) {
		return inTimer(a.JobDue)
	}
	return inTimer(a.Deadline)
}

// inTimer is the time as a timer holds it.
func inTimer(at time.Time) time.Time { return at.Truncate(time.Millisecond) }

package engine

import "time"

// checkTimers: a live execution with something that becomes due has an alarm
// that rings by then, one that has ended has none, and none has two. Jobs in
// progress have their own timers; what is left over from a job that ended
// without a report, or from an earlier version, does nothing.
func (w *world) checkTimers() {
	want := map[Timer]bool{}
	for _, e := range w.execs {
		if !e.Alarm.IsZero() {
			want[e.timer(e.Alarm)] = true
		}
		if e.Terminal() && !e.Alarm.IsZero() {
			w.complain("%s is %s and has an alarm at %s", e.ID, e.Status, e.Alarm)
		}
		for i := range e.Runs {
			for a := range e.Runs[i].attempts() {
				if a.Status == InProgress {
					w.checkAlarm(e, a)
					if j := w.jobs[a.Job]; j != nil && j.Timeout > 0 && (!j.AckedAt.IsZero() || !j.ReportBy.IsZero()) {
						want[JobTimer(j)] = true
					}
				}
			}
		}
	}
	for t := range want {
		if !w.timers[t] {
			w.complain("the timer %+v is not set", t)
		}
	}
	for t := range w.timers {
		j := w.jobs[t.ID]
		switch {
		case want[t] || t.Kind == oldAction || t.Kind == oldContinuation:
		case t.Kind != JobDeadline || j == nil || !j.State.Terminal():
			w.complain("the timer %+v is left over", t)
		}
	}
}

func (w *world) checkAlarm(e *Execution, a *Action) {
	if a.Deadline.IsZero() {
		w.complain("%s runs without a time limit", a.Name)
	}
	late := func(t Timer) bool { return e.Alarm.IsZero() || e.Alarm.After(t.At) }
	if w.aged[e.ID] {
		late = func(t Timer) bool { return !w.timers[t] }
	}
	for _, t := range oldTimers(e, a) {
		if late(t) {
			w.complain("%s of %s is due at %s, its alarm rings at %s", a.Name, e.ID, t.At, e.Alarm)
		}
	}
}

// The timers that earlier versions had in place of alarms.
const (
	oldAction       TimerKind = "action"
	oldContinuation TimerKind = "continuation"
)

func oldTimers(e *Execution, a *Action) []Timer {
	timers := []Timer{{a.Deadline, oldAction, a.ID, e.ID}}
	if !a.JobDue.IsZero() {
		timers = append(timers, Timer{a.JobDue, oldContinuation, a.Job, e.ID})
	}
	return timers
}

// age makes of the execution what an earlier version would have left.
func (w *world) age(e *Execution) {
	delete(w.timers, e.timer(e.Alarm))
	e = e.clone()
	e.Alarm = time.Time{}
	w.execs[e.ID], w.saved[e.ID], w.aged[e.ID] = e, dump(e), true
	for i := range e.Runs {
		for a := range e.Runs[i].attempts() {
			if a.Status == InProgress {
				for _, t := range oldTimers(e, a) {
					w.arm(t)
				}
			}
		}
	}
	w.check()
}

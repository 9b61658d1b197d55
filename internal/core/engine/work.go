package engine

import (
	"fmt"
	"time"
)

// work is a started attempt: at an action, or at a rule of a condition.
type work struct {
	e    *Execution
	run  *StageRun
	a    *Action    // nil = there is none
	cond *Condition // of a rule
}

// find finds the attempt of the id in a stage of e, for changing.
func (t *turn) find(e *Execution, run *StageRun, id string) work {
	for a, c := range run.attempts() {
		if a.ID == id {
			return work{e, run, a, c}
		}
	}
	return work{}
}

// end ends the attempt; the caller advances the execution. Rules have no
// events.
func (t *turn) end(w work, s Status, event string, res Result) {
	if w.cond == nil {
		t.endAction(w.e, w.run, w.a, s, event, res)
		return
	}
	t.endRule(w.a, s, res)
	t.settle(w.cond)
}

// report adds what a worker says while it goes on to the history.
func (w work) report(t *turn, res Result) {
	u := ActionUpdated{ID: w.a.ID, Status: InProgress, At: t.env.Now, Result: res}
	if w.cond != nil {
		t.add(RuleUpdated(u))
		return
	}
	t.add(u)
}

// timeout describes an attempt whose time is over.
func (w work) timeout() Result {
	what := "action"
	if w.cond != nil {
		what = "rule"
	}
	limit, unit := w.a.Deadline.Sub(w.a.Started), "minutes"
	n := int(limit.Minutes())
	if limit >= 2*time.Hour && limit%time.Hour == 0 {
		n, unit = int(limit.Hours()), "hours"
	}
	return Result{ErrorCode: TimeoutError, ErrorMessage: fmt.Sprintf("The %s '%s' did not finish within its time limit of %d %s", what, w.a.Name, n, unit)}
}

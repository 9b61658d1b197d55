package engine

import (
	"bytes"
	"slices"
	"time"
)

// staleTimer fires a timer that was cleared: nothing happens.
func (g *gambler) staleTimer() {
	old := slices.DeleteFunc(slices.Clone(g.past), func(t Timer) bool { return g.timers[t] })
	if len(old) > 0 {
		g.untimely(one(g, old))
	}
}

// earlyTimer fires an alarm, or what an earlier version left in place of one,
// before its time.
func (g *gambler) earlyTimer() {
	var armed []Timer
	for t := range g.timers {
		if t.Kind != JobDeadline && t.At.After(g.now) {
			armed = append(armed, t)
		}
	}
	if len(armed) > 0 {
		slices.SortFunc(armed, compareTimers)
		g.untimely(one(g, armed))
	}
}

// untimely fires a timer while nothing is due, which changes no more than an
// alarm.
func (g *gambler) untimely(t Timer) {
	plan, err := g.decide(TimerFired{t})
	if err != nil || plan.State != nil || len(plan.Executions) > 1 {
		g.complain("the untimely %+v did something: %+v %v", t, plan, err)
	}
	for _, e := range plan.Executions {
		e = e.clone()
		e.Alarm = g.execs[e.ID].Alarm
		if e.ID != t.Execution || !bytes.Equal(dump(e), g.saved[e.ID]) {
			g.complain("the untimely %+v changed %s", t, e.ID)
		}
	}
	for _, c := range plan.Changes {
		switch c.(type) {
		case TimerSet, TimerMoved, TimerCleared:
		default:
			g.complain("the untimely %+v led to %T", t, c)
		}
	}
	g.note(g.fire(t))
}

// wakeLate lets time pass of which no server knows; a worker may come before
// the timers do.
func (g *gambler) wakeLate() {
	g.now = g.now.Add(time.Duration(g.upTo(30*60)) * time.Minute)
	if g.chance(50) {
		g.work()
	}
	g.note(g.pass(0))
}

// ageOne lets an earlier version have worked on an execution.
func (g *gambler) ageOne() {
	if len(g.state.Live) > 0 {
		g.age(g.execs[one(g, g.state.Live)])
	}
}

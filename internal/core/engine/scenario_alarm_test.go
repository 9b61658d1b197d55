package engine

import (
	"slices"
	"testing"
	"time"
)

// alarms lists when the alarms that are armed ring, counted from the start of
// the pipeline's time.
func (p *play) alarms() (at []time.Duration) {
	begin := newWorld().now
	for t := range p.timers {
		if t.Kind == Alarm {
			at = append(at, t.At.Sub(begin))
		}
	}
	slices.Sort(at)
	return at
}

func (p *play) rings(at ...time.Duration) {
	p.Helper()
	if got := p.alarms(); !slices.Equal(got, at) {
		p.Errorf("alarms at %v, want %v", got, at)
	}
}

func TestAlarm(t *testing.T) {
	const day = 24 * time.Hour
	t.Run("one for many actions", func(t *testing.T) {
		p := stage(t, "SUPERSEDED\nS: X=custom Y=custom\nT: Z=custom gate=approval/2")
		p.starts(1)
		for _, action := range []string{"X", "Y", "Z"} {
			p.rings(day)
			p.ok(p.pass(time.Hour))
			p.done("E1", action)
		}
		p.rings(day)
		p.ok(p.approves("E1", "T", "gate"))
		p.see(`E1 Succeeded at T Succeeded: Z Succeeded gate Succeeded`)
		p.rings()
		if len(p.past) != 1 {
			p.Errorf("timers were armed %d times: %v", len(p.past), p.past)
		}
	})
	t.Run("moved to what is due earlier", func(t *testing.T) {
		p := stage(t, "SUPERSEDED\nS: X=custom\nT: Y=commands")
		p.starts(1)
		p.done("E1", "X")
		p.rings(55 * time.Minute)
		p.ok(p.pass(55 * time.Minute))
		p.see(`E1 Failed at T Failed: Y Failed`)
		p.rings()
	})
	t.Run("rings too early", func(t *testing.T) {
		p := stage(t, "SUPERSEDED\nS: X=custom\nT: Y=custom")
		p.starts(1)
		p.ok(p.pass(time.Hour))
		p.done("E1", "X")
		p.rings(day)
		heard := len(p.events)
		p.ok(p.pass(day - time.Hour))
		p.heard("E1", heard)
		p.rings(day + time.Hour)
		p.ok(p.pass(time.Hour - 1))
		p.see(`E1 InProgress in T InProgress: Y InProgress`)
		p.ok(p.pass(1))
		p.see(`E1 Failed at T Failed: Y Failed`)
	})
	t.Run("rings by a clock that is set back", func(t *testing.T) {
		p := stage(t, "SUPERSEDED\nS: X=custom")
		p.starts(1)
		p.ok(p.fire(p.exec("E1").timer(p.exec("E1").Alarm)))
		p.see(`E1 InProgress in S InProgress: X InProgress`)
		p.rings(day)
	})
	t.Run("continuation", func(t *testing.T) {
		p := stage(t, "SUPERSEDED\nS: X=custom")
		p.starts(1)
		j := p.job("E1", "X")
		p.ok(p.take(j))
		p.ok(p.carryOn(j, "more", Details{}))
		p.rings(30 * time.Second)
		p.ok(p.pass(30 * time.Second))
		p.rings(day)
		p.done("E1", "X")
		p.see(`E1 Succeeded at S Succeeded: X Succeeded`)
	})
	t.Run("times of less than a millisecond", func(t *testing.T) {
		p := stage(t, "SUPERSEDED\nS: X=custom")
		p.delay = 1500 * time.Microsecond
		p.starts(1)
		j := p.job("E1", "X")
		p.ok(p.take(j))
		p.ok(p.carryOn(j, "more", Details{}))
		p.rings(time.Millisecond)
		p.ok(p.pass(time.Millisecond))
		p.done("E1", "X")
		p.see(`E1 Succeeded at S Succeeded: X Succeeded`)
	})
	t.Run("in line", func(t *testing.T) {
		p := stage(t, "SUPERSEDED\nS: X=custom\nT: Y=custom")
		p.ok(p.gate("T", false, true))
		p.starts(1)
		p.done("E1", "X")
		p.rings(day)
		p.ok(p.pass(2 * day))
		p.rings()
		p.ok(p.gate("T", false, false))
		p.rings(3 * day)
	})
	t.Run("retry", func(t *testing.T) {
		p := stage(t, "SUPERSEDED\nS: X=custom")
		p.starts(1)
		p.fails("E1", "X")
		p.rings()
		p.ok(p.pass(time.Hour))
		p.ok(p.retries("E1", "S", false))
		p.rings(day + time.Hour)
	})
	t.Run("automatic retry", func(t *testing.T) {
		p := stage(t, "SUPERSEDED\nS failure=RETRY_FAILED: X=custom")
		p.starts(1)
		p.ok(p.pass(day))
		p.see(`E1 InProgress in S InProgress: X InProgress`)
		p.rings(2 * day)
		p.ok(p.pass(day))
		p.see(`E1 Failed at S Failed: X Failed`)
		p.rings()
	})
	t.Run("deleted", func(t *testing.T) {
		p := stage(t, "PARALLEL\nS: X=custom")
		p.starts(3)
		p.rings(day, day, day)
		_, err := p.do(Deleted{})
		p.ok(err)
		p.rings()
	})
}

// What became due while no server ran is done in the order of its time, in one
// turn of each execution.
func TestAlarmAfterAnOutage(t *testing.T) {
	p := stage(t, "SUPERSEDED\nS: X=custom Y=commands Z=source W=custom")
	p.starts(1)
	j := p.job("E1", "W")
	p.ok(p.take(j))
	p.ok(p.carryOn(j, "more", Details{}))
	heard := len(p.events)
	p.now = p.now.Add(2 * time.Hour)
	p.ok(p.pass(0))
	p.see(`E1 InProgress in S InProgress: X InProgress Y Failed Z Failed W InProgress`)
	p.heard("E1", heard, "Y FAILED", "Z FAILED")
	p.done("E1", "W")
	p.now = p.now.Add(30 * time.Hour)
	p.ok(p.pass(0))
	p.heard("E1", heard, "Y FAILED", "Z FAILED", "W SUCCEEDED", "X FAILED", "S FAILED", "pipeline FAILED")
	p.rings()
}

// A continuation whose action's time is over as well is not offered any more.
func TestContinuationAfterAnOutage(t *testing.T) {
	p := stage(t, "SUPERSEDED\nS: X=source")
	p.starts(1)
	j := p.job("E1", "X")
	p.ok(p.take(j))
	p.ok(p.carryOn(j, "more", Details{}))
	next := p.job("E1", "X").ID
	p.now = p.now.Add(time.Hour)
	p.ok(p.pass(0))
	p.see(`E1 Failed at S Failed: X Failed`)
	if p.seen[transition{"job", "Created", "Queued"}] != 0 || p.jobs[next].State != "TimedOut" {
		p.Errorf("the continuation is %s; seen %v", p.jobs[next].State, p.seen)
	}
}

// An execution of an earlier version has a timer for each of its attempts and
// no alarm before something happens to it.
func TestAlarmOfAnEarlierVersion(t *testing.T) {
	old := func(t *testing.T) *play {
		p := stage(t, "SUPERSEDED\nS: X=custom Y=custom")
		p.starts(1)
		j := p.job("E1", "X")
		p.ok(p.take(j))
		p.ok(p.carryOn(j, "more", Details{}))
		p.age(p.exec("E1"))
		p.rings()
		return p
	}
	t.Run("its timers fire", func(t *testing.T) {
		p := old(t)
		p.ok(p.pass(30 * time.Second))
		p.rings(24 * time.Hour)
		p.done("E1", "X")
		heard := len(p.events)
		p.ok(p.pass(24 * time.Hour))
		p.see(`E1 Failed at S Failed: X Succeeded Y Failed`)
		p.heard("E1", heard, "Y FAILED", "S FAILED", "pipeline FAILED")
		if len(p.timers) > 0 {
			p.Errorf("left over: %v", p.timers)
		}
	})
	t.Run("a worker reports", func(t *testing.T) {
		p := old(t)
		p.done("E1", "Y")
		p.rings(30 * time.Second)
		p.ok(p.pass(30 * time.Second))
		p.rings(24 * time.Hour)
		p.done("E1", "X")
		p.ok(p.pass(24 * time.Hour))
		p.see(`E1 Succeeded at S Succeeded: X Succeeded Y Succeeded`)
		if len(p.timers) > 0 {
			p.Errorf("left over: %v", p.timers)
		}
	})
	t.Run("its pipeline is deleted", func(t *testing.T) {
		p := old(t)
		_, err := p.do(Deleted{})
		p.ok(err)
	})
}

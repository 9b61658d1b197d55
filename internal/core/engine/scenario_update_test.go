package engine

import (
	"testing"
)

func TestUpdateWithOpenApproval(t *testing.T) { // T-10
	p := stage(t, "SUPERSEDED"+threeStages)
	threeStarts(p)
	mark := len(p.events)
	p.ok(p.declare(parse("SUPERSEDED" + threeStages)))
	p.see(`
		E1 Cancelled at A Cancelled: gate Failed
		E2 Superseded before A
		E3 Cancelled before A`)
	p.heard("E1", mark, "gate CANCELED", "A CANCELED", "pipeline CANCELED")
	p.heard("E3", mark, "pipeline CANCELED")
	updated := "The pipeline orders has been updated, and the approval request you responded to is now out of date."
	p.refused(p.approves("E1", "A", "gate"), "InvalidApprovalTokenException", updated)
	p.refused(p.retries("E1", "A", true), "StageNotRetryableException",
		"Stage 'A' of execution 'E1' cannot be retried: the pipeline has been updated since")
	p.starts(1)
	p.done("E4", "app")
	p.see(`
		E1 Cancelled at A Cancelled: gate Failed
		E2 Superseded before A
		E3 Cancelled before A
		E4 InProgress in A InProgress: gate InProgress`)
	p.refused(p.approves("E1", "A", "gate"), "InvalidApprovalTokenException", updated)
}

func TestUpdateLetsRunningActionsEnd(t *testing.T) {
	p := stage(t, `QUEUED
		S: X=custom Y=custom Z=custom/2`)
	p.starts(2)
	p.done("E1", "X")
	p.ok(p.declare(parse("QUEUED\nT: X=custom")))
	p.see(`
		E1 InProgress in S InProgress: X Succeeded Y InProgress
		E2 Cancelled before S`)
	p.starts(1)
	p.done("E1", "Y")
	p.see(`
		E1 Cancelled at S Cancelled: X Succeeded Y Succeeded
		E2 Cancelled before S
		E3 InProgress in T InProgress: X InProgress`)
}

func TestUpdateWhileStopping(t *testing.T) {
	p := stage(t, "SUPERSEDED\nS: X=custom gate=approval")
	p.starts(1)
	p.ok(p.stops("E1", false, ""))
	p.ok(p.declare(parse("SUPERSEDED\nS: X=custom")))
	p.see(`E1 Stopping in S Stopping: X InProgress gate Failed`)
	p.done("E1", "X")
	p.see(`E1 Stopped at S Stopped: X Succeeded gate Failed`)
}

func TestUpdateOutOfParallelMode(t *testing.T) {
	p := stage(t, `PARALLEL
		S: X=custom
		Old: gate=approval
		T: Y=custom`)
	p.starts(2)
	p.ok(p.gate("Old", false, true))
	p.done("E1", "X")
	p.ok(p.declare(parse("SUPERSEDED\nS: X=custom\nT: Y=custom")))
	// The stage Old is gone, and with it the gate that nobody could open; who
	// waited there goes on with the version it started with.
	p.starts(3)
	p.see(`
		E1 InProgress in Old InProgress: gate InProgress
		E2 InProgress in S InProgress: X InProgress
		E3 InProgress in S InProgress: X InProgress
		E4 Superseded before S
		E5 InProgress before S`)
	p.ok(p.approves("E1", "Old", "gate"))
	p.done("E3", "X")
	p.done("E2", "X")
	p.see(`
		E1 InProgress in T InProgress: Y InProgress
		E2 InProgress in Old InProgress: gate InProgress
		E3 InProgress in T InProgress: Y InProgress
		E4 Superseded before S
		E5 InProgress in S InProgress: X InProgress`)
}

func TestParallelNeitherWaitsNorHoldsUp(t *testing.T) {
	p := stage(t, "PARALLEL\nS: X=custom\nT: Y=custom")
	p.starts(1)
	p.ok(p.gate("T", false, true))
	p.done("E1", "X")
	p.ok(p.declare(parse("SUPERSEDED\nS: X=custom\nT: Y=custom")))
	p.starts(1)
	p.done("E2", "X")
	p.see(`
		E1 InProgress before T
		E2 InProgress before T`)
	p.ok(p.gate("T", false, false))
	p.see(`
		E1 InProgress in T InProgress: Y InProgress
		E2 InProgress in T InProgress: Y InProgress`)
}

func TestDelete(t *testing.T) {
	p := stage(t, "QUEUED\nS: X=partner gate=approval")
	p.starts(3)
	j := p.job("E1", "X")
	p.ok(p.take(j))
	p.ok(p.carryOn(j, "later", Details{}))
	_, err := p.do(Deleted{})
	p.ok(err)
	if n := len(p.openJobs()); n > 0 || len(p.timers) > 0 {
		p.Errorf("%d open jobs, timers %v", n, p.timers)
	}
}

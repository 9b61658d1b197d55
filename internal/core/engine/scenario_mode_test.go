package engine

import (
	"strconv"
	"testing"
)

// Stories, as the worked checks of the specification (appendix B, whose names
// they carry) tell them: this file about modes, gates and limits, the others
// about stop and retry, updates, and the work of actions.

const threeStages = `
	S: app=source>App
	A: gate=approval
	D: ship=custom<App`

// threeStarts brings three executions through the source stage.
func threeStarts(p *play) {
	p.Helper()
	for _, e := range []string{"E1", "E2", "E3"} {
		p.starts(1)
		p.done(e, "app")
	}
}

func TestSupersededWaiting(t *testing.T) { // T-01, T-02
	p := stage(t, "SUPERSEDED"+threeStages)
	threeStarts(p)
	p.see(`
		E1 InProgress in A InProgress: gate InProgress
		E2 Superseded before A
		E3 InProgress before A`)
	p.heard("E2", 0, "pipeline STARTED", "S STARTED", "app STARTED", "app SUCCEEDED", "S SUCCEEDED", "pipeline SUPERSEDED")

	p.ok(p.rejects("E1", "A", "gate"))
	p.see(`
		E1 Failed at A Failed: gate Failed
		E2 Superseded before A
		E3 InProgress in A InProgress: gate InProgress`)
	p.refused(p.retries("E1", "A", false), "NotLatestPipelineExecutionException",
		"The execution 'E1' is not the latest one in stage 'A' of pipeline 'orders'")
}

func TestSupersededInFrontOfTheFirstStage(t *testing.T) {
	p := stage(t, "SUPERSEDED"+threeStages)
	p.starts(3)
	p.see(`
		E1 InProgress in S InProgress: app InProgress
		E2 Superseded before S
		E3 InProgress before S`)
	p.done("E1", "app")
	p.see(`
		E1 InProgress in A InProgress: gate InProgress
		E2 Superseded before S
		E3 InProgress in S InProgress: app InProgress`)
}

func TestQueuedWaiting(t *testing.T) { // T-03
	p := stage(t, "QUEUED"+threeStages)
	threeStarts(p)
	p.see(`
		E1 InProgress in A InProgress: gate InProgress
		E2 InProgress before A
		E3 InProgress before A`)
	p.ok(p.approves("E1", "A", "gate"))
	p.see(`
		E1 InProgress in D InProgress: ship InProgress
		E2 InProgress in A InProgress: gate InProgress
		E3 InProgress before A`)
}

func TestParallelExecutions(t *testing.T) { // T-04
	p := stage(t, "PARALLEL"+threeStages)
	threeStarts(p)
	p.see(`
		E1 InProgress in A InProgress: gate InProgress
		E2 InProgress in A InProgress: gate InProgress
		E3 InProgress in A InProgress: gate InProgress`)
	p.ok(p.approves("E3", "A", "gate"))
	p.done("E3", "ship")
	p.see(`
		E1 InProgress in A InProgress: gate InProgress
		E2 InProgress in A InProgress: gate InProgress
		E3 Succeeded at D Succeeded: ship Succeeded`)
	p.refused(p.approves("E3", "A", "gate"), "ApprovalAlreadyCompletedException",
		"The approval request of action 'gate' in stage 'A' has been answered already")
}

func TestParallelRunsFiveActionsAtATime(t *testing.T) {
	p := stage(t, `PARALLEL
		S: a=custom b=custom c=custom d=custom e=custom f=custom g=custom`)
	p.starts(1)
	p.see(`E1 InProgress in S InProgress: a InProgress b InProgress c InProgress d InProgress e InProgress`)
	p.done("E1", "c")
	p.see(`E1 InProgress in S InProgress: a InProgress b InProgress c Succeeded d InProgress e InProgress f InProgress`)
}

func TestConcurrencyLimit(t *testing.T) { // T-05
	for _, mode := range []string{"QUEUED", "PARALLEL"} {
		t.Run(mode, func(t *testing.T) {
			p := stage(t, mode+`
				S: a=custom
				T: b=custom`)
			p.starts(50)
			_, err := p.start()
			text := "The pipeline 'orders' has 50 executions in progress, which is the limit in execution mode " + mode
			p.refused(err, "ConcurrentPipelineExecutionsLimitExceededException", text)

			id, err := p.do(Start{Trigger: Trigger{Type: "Webhook"}})
			p.ok(err)
			if e := p.execs[id]; e.Status != Failed || e.Summary != "" {
				p.Errorf("an automatic start made %+v", e)
			}
			p.heard("E51", 0, "pipeline STARTED", "pipeline FAILED")

			p.fails("E1", "a")
			p.starts(1)
			if mode == "PARALLEL" { // in QUEUED mode E2 has taken the stage
				p.refused(p.retries("E1", "S", true), "ConcurrentPipelineExecutionsLimitExceededException", text)
				p.done("E2", "a")
				p.done("E2", "b")
				p.ok(p.retries("E1", "S", true))
			}
		})
	}
	t.Run("SUPERSEDED has none", func(t *testing.T) {
		p := stage(t, "SUPERSEDED\nS: a=custom")
		p.starts(60)
	})
	t.Run("a replay is answered at the limit", func(t *testing.T) {
		p := stage(t, "QUEUED\nS: a=custom")
		p.starts(50)
		id, err := p.do(Start{Trigger: Trigger{Type: "StartPipelineExecution"}, Replay: "first"})
		if err != nil || id != "first" {
			p.Errorf("got %q, %v", id, err)
		}
	})
}

func TestGates(t *testing.T) {
	for _, outbound := range []bool{false, true} {
		t.Run("outbound "+strconv.FormatBool(outbound), func(t *testing.T) {
			p := stage(t, "QUEUED\nS: X=custom\nT: Y=custom")
			at := "T"
			if outbound {
				at = "S"
			}
			p.ok(p.gate(at, outbound, true))
			for _, e := range []string{"E1", "E2"} {
				p.starts(1)
				p.done(e, "X")
			}
			p.see(`
				E1 InProgress before T
				E2 InProgress before T`)
			p.ok(p.gate(at, outbound, false))
			p.see(`
				E1 InProgress in T InProgress: Y InProgress
				E2 InProgress before T`)
			st := p.state.Stage(at)
			gate := st.Inbound
			if outbound {
				gate = st.Outbound
			}
			if want := (Transition{ChangedBy: "ana", ChangedAt: p.now}); gate != want {
				p.Errorf("the opened gate is %+v, want %+v", gate, want)
			}
		})
	}
	t.Run("first stage", func(t *testing.T) {
		p := stage(t, "PARALLEL\nS: X=custom")
		p.ok(p.gate("S", false, true))
		p.starts(2)
		p.see(`
			E1 InProgress before S
			E2 InProgress before S`)
		p.ok(p.gate("S", false, false))
		p.see(`
			E1 InProgress in S InProgress: X InProgress
			E2 InProgress in S InProgress: X InProgress`)
	})
	t.Run("opening an open one changes nothing", func(t *testing.T) {
		p := stage(t, "SUPERSEDED\nS: X=custom")
		p.ok(p.gate("S", false, false))
		if len(p.state.Stages) > 0 {
			p.Errorf("state %+v", p.state)
		}
	})
}

package engine

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"penstock/internal/core/job"
)

// The worked checks of the specification (appendix B) and what else is best
// told as a story. The names T-01 … are those of the appendix.

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

func TestFailureAmongSiblings(t *testing.T) { // T-07
	p := stage(t, `SUPERSEDED
		S: X=custom Y=custom Z=custom/2`)
	p.starts(1)
	p.fails("E1", "X")
	p.see(`E1 InProgress in S InProgress: X Failed Y InProgress`)
	p.refused(p.retries("E1", "S", true), "StageNotRetryableException",
		"Stage 'S' of execution 'E1' cannot be retried: an action is still in progress")
	p.ok(p.retries("E1", "S", false))
	p.see(`E1 InProgress in S InProgress: Y InProgress X InProgress`)
	p.refused(p.retries("E1", "S", false), "StageNotRetryableException",
		"Stage 'S' of execution 'E1' cannot be retried: no action has failed")
	p.done("E1", "X")
	p.fails("E1", "Y")
	p.see(`E1 Failed at S Failed: Y Failed X Succeeded`)

	mark := len(p.events)
	p.ok(p.retries("E1", "S", false))
	p.heard("E1", mark, "pipeline RESUMED", "S RESUMED", "Y STARTED")
	p.done("E1", "Y")
	p.done("E1", "Z")
	p.see(`E1 Succeeded at S Succeeded: X Succeeded Y Succeeded Z Succeeded`)
	if run := p.exec("E1").Run("S"); run.ManualRetries != 2 || run.LatestRetry != "ManualStageRetry" || p.exec("E1").Attempt != 3 {
		p.Errorf("after two retries: %+v, attempt %d", run, p.exec("E1").Attempt)
	}
}

func TestRetryAllActions(t *testing.T) {
	p := stage(t, `SUPERSEDED
		S: X=custom Y=custom/2`)
	p.starts(1)
	p.done("E1", "X")
	p.fails("E1", "Y")
	p.ok(p.retries("E1", "S", true))
	p.see(`E1 InProgress in S InProgress: X InProgress`)
}

func TestStop(t *testing.T) { // T-08, T-24
	p := stage(t, "SUPERSEDED"+threeStages)
	p.starts(1)
	p.done("E1", "app")
	mark := len(p.events)
	p.ok(p.stops("E1", false, "not today"))
	p.see(`E1 Stopping in A Stopping: gate InProgress`)
	if s := p.exec("E1").Summary; s != "" {
		p.Errorf("while stopping the summary is %q", s)
	}
	twice := "The execution with ID E1 in orders is already in a stopping state. If you already chose to stop and wait, you cannot make that request again. You can choose to stop and abandon now, but be aware that this option can lead to failed actions. If you already chose to stop and abandon, you cannot make that request again."
	p.refused(p.stops("E1", false, ""), "DuplicatedStopRequestException", twice)
	p.ok(p.stops("E1", true, ""))
	p.see(`E1 Stopped at A Stopped: gate Abandoned`)
	p.heard("E1", mark, "pipeline STOPPING", "A STOPPING", "gate ABANDONED", "A STOPPED", "pipeline STOPPED")
	if e := p.exec("E1"); e.Summary != "not today" || e.Stop.Reason != "not today" {
		p.Errorf("stopped for %q, %+v", e.Summary, e.Stop)
	}
	r := p.request("E1", "A", "gate")
	if s := p.records[r.token].Result.Summary; s != "The approval action has been canceled." {
		p.Errorf("the abandoned approval says %q", s)
	}
	p.refused(p.approves("E1", "A", "gate"), "InvalidApprovalTokenException",
		"The approval request of action 'gate' in stage 'A' is closed")
	p.refused(p.stops("E1", true, ""), "PipelineExecutionNotStoppableException",
		"The pipeline execution with ID 'E1' in 'orders' can't be stopped now. Either it does not exist in the pipeline, or the pipeline execution has no action executions in progress.")

	p.ok(p.retries("E1", "A", false))
	p.see(`E1 InProgress in A InProgress: gate InProgress`)
	if e := p.exec("E1"); e.Summary != "" || e.Stop != nil {
		p.Errorf("after the retry still stopped for %q, %+v", e.Summary, e.Stop)
	}
	p.ok(p.stops("E1", true, ""))
	if e := p.exec("E1"); e.Summary != "" || e.Stop.Reason != "" {
		p.Errorf("stopped without a reason, got %q, %+v", e.Summary, e.Stop)
	}
}

func TestStopAndWait(t *testing.T) { // T-09
	p := stage(t, "SUPERSEDED"+threeStages)
	p.starts(1)
	p.done("E1", "app")
	p.ok(p.stops("E1", false, ""))
	p.ok(p.approves("E1", "A", "gate"))
	p.see(`E1 Stopped at A Stopped: gate Succeeded`)
	p.refused(p.retries("E1", "A", false), "StageNotRetryableException",
		"Stage 'A' of execution 'E1' cannot be retried: no action has failed")
	p.ok(p.retries("E1", "A", true))
	p.see(`E1 InProgress in A InProgress: gate InProgress`)
}

func TestStopLetsWorkGoOn(t *testing.T) {
	p := stage(t, "SUPERSEDED\nS: X=custom Y=custom/2")
	p.starts(1)
	j := p.job("E1", "X")
	p.ok(p.take(j))
	p.ok(p.stops("E1", false, ""))
	p.ok(p.carryOn(j, "later", Details{}))
	p.ok(p.pass(time.Minute))
	p.done("E1", "X")
	p.see(`E1 Stopped at S Stopped: X Succeeded`)
}

func TestStopWhileWaiting(t *testing.T) {
	p := stage(t, "QUEUED"+threeStages)
	threeStarts(p)
	mark := len(p.events)
	p.ok(p.stops("E2", false, "too many"))
	p.see(`
		E1 InProgress in A InProgress: gate InProgress
		E2 Stopped before A
		E3 InProgress before A`)
	p.heard("E2", mark, "pipeline STOPPING", "pipeline STOPPED")
	p.refused(p.retries("E2", "A", true), "NotLatestPipelineExecutionException", "")
	p.refused(p.retries("E2", "S", true), "NotLatestPipelineExecutionException", "")
	p.refused(p.retries("E3", "S", true), "StageNotRetryableException",
		"Stage 'S' of execution 'E3' cannot be retried: the execution did not end in this stage")
}

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

func TestRequiredVariables(t *testing.T) { // T-11
	p := stage(t, "SUPERSEDED\nS: X=custom")
	value := "b"
	d := p.decls[1]
	d.Variables = append(d.Variables, declared("A", nil), declared("B", &value), declared("C", nil))
	p.saved["1"] = dump(d)
	p.starts(1)
	if e := p.exec("E1"); e.Summary != "Values for required variables haven't been provided: A,C" || e.Status != Failed || e.Variables != nil {
		p.Errorf("got %+v", e)
	}
	p.heard("E1", 0, "pipeline STARTED", "pipeline FAILED")
	if len(p.records) > 0 {
		p.Errorf("action rows: %v", p.records)
	}
	p.refused(p.stops("E1", false, ""), "PipelineExecutionNotStoppableException", "")

	_, err := p.start(Variable{"C", "3"}, Variable{"a", "wrong case"}, Variable{"A", "1"}, Variable{"Unknown", "x"})
	p.ok(err)
	if got, want := p.exec("E2").Variables, []Variable{{"A", "1"}, {"B", "b"}, {"C", "3"}}; !slices.Equal(got, want) {
		p.Errorf("got variables %v, want %v", got, want)
	}
}

func TestOverrideValueIsLiteral(t *testing.T) { // T-14
	p := stage(t, "SUPERSEDED\nS: gate=approval?CustomData=#{variables.A}/#{codepipeline.PipelineExecutionId}")
	d := p.decls[1]
	d.Variables = append(d.Variables, declared("A", nil))
	p.saved["1"] = dump(d)
	_, err := p.start(Variable{"A", "#{codepipeline.PipelineExecutionId}"})
	p.ok(err)
	want := "#{codepipeline.PipelineExecutionId}/" + p.exec("E1").ID
	r := p.records[p.request("E1", "S", "gate").token]
	if got := r.Resolved["CustomData"]; got != want {
		p.Errorf("got %q, want %q", got, want)
	}
	if r.Declared["CustomData"] != "#{variables.A}/#{codepipeline.PipelineExecutionId}" {
		p.Errorf("declared configuration %v", r.Declared)
	}
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

func TestTimeouts(t *testing.T) {
	t.Run("action", func(t *testing.T) {
		p := stage(t, "SUPERSEDED\nS: X=custom")
		p.starts(1)
		id := p.exec("E1").Run("S").Action("X").ID
		p.ok(p.pass(24*time.Hour - time.Second))
		p.see(`E1 InProgress in S InProgress: X InProgress`)
		p.ok(p.pass(time.Second))
		p.see(`E1 Failed at S Failed: X Failed`)
		r := p.records[id].Result
		if r.ErrorCode != "TimeoutError" || r.ErrorMessage != "The action 'X' did not finish within its time limit of 24 hours" {
			p.Errorf("got %+v", r)
		}
		for _, j := range p.jobs {
			if j.State != job.TimedOut {
				p.Errorf("the job is %s", j.State)
			}
		}
	})
	t.Run("approval", func(t *testing.T) {
		p := stage(t, "SUPERSEDED\nS: gate=approval")
		p.decls[1].Stages[0].Actions[0].TimeoutInMinutes = 5
		p.saved["1"] = dump(p.decls[1])
		p.starts(1)
		p.ok(p.pass(5 * time.Minute))
		p.see(`E1 Failed at S Failed: gate Failed`)
		p.refused(p.approves("E1", "S", "gate"), "InvalidApprovalTokenException",
			"The approval request of action 'gate' in stage 'S' is closed")
	})
	t.Run("job", func(t *testing.T) {
		p := stage(t, "SUPERSEDED\nS: X=partner")
		p.starts(1)
		p.ok(p.pass(50 * time.Minute))
		j := p.job("E1", "X")
		p.ok(p.take(j))
		p.ok(p.pass(9 * time.Minute))
		p.ok(p.carryOn(j, "next", Details{}))
		// The first job's limit is gone with it; the action's own comes first.
		p.ok(p.pass(59 * time.Second))
		p.see(`E1 InProgress in S InProgress: X InProgress`)
		p.ok(p.pass(time.Second))
		p.see(`E1 Failed at S Failed: X Failed`)
	})
	t.Run("job in hand", func(t *testing.T) {
		p := stage(t, "SUPERSEDED\nS: X=partner")
		p.starts(1)
		j := p.job("E1", "X")
		p.ok(p.take(j))
		p.ok(p.pass(10 * time.Minute))
		p.see(`E1 Failed at S Failed: X Failed`)
		if want := "The job '" + j.ID + "' of action 'X' did not report within the time limit of its action type"; p.records[j.ActionExecutionID].Result.ErrorMessage != want {
			p.Errorf("got %+v", p.records[j.ActionExecutionID].Result)
		}
	})
}

func TestContinuation(t *testing.T) {
	p := stage(t, "SUPERSEDED\nS: X=custom@ns>Out\nT: Y=custom<Out?Ref=#{ns.id}")
	p.starts(1)
	first := p.job("E1", "X")
	p.ok(p.take(first))
	half := 50
	p.ok(p.carryOn(first, "t1", Details{Summary: "running", ExternalID: "42", PercentComplete: &half}))
	p.ok(p.carryOn(first, "t1", Details{})) // a repeat opens no second job
	second := p.job("E1", "X")
	if second.ID == first.ID || second.State != job.Created || second.Data.ContinuationToken != "t1" ||
		second.ActionExecutionID != first.ActionExecutionID || second.Data.Outputs[0] != first.Data.Outputs[0] {
		p.Errorf("the continuation is %+v", second)
	}
	p.ok(p.pass(29 * time.Second))
	if second.State != job.Created {
		p.Errorf("after 29 s it is %s", second.State)
	}
	p.ok(p.pass(time.Second))
	p.ok(p.take(second))
	p.ok(p.succeed(second, map[string]string{"id": "v1"}, nil))
	r := p.records[first.ActionExecutionID].Result
	if r.ExternalID != "42" || r.Summary != "running" || *r.Percent != 50 {
		p.Errorf("what the first report said is lost: %+v", r)
	}
	for _, c := range p.events {
		if c.State == "SUCCEEDED" && c.Action != nil && c.Action.Result.ExternalID != "42" {
			p.Errorf("the event says %+v", c.Action.Result)
		}
	}
	next := p.job("E1", "Y")
	if next.Data.Configuration["Ref"] != "v1" || next.Data.Inputs[0].Key != first.Data.Outputs[0].Key {
		p.Errorf("the next action got %+v", next.Data)
	}
}

func TestOutputsOfSeveralActions(t *testing.T) {
	p := stage(t, "SUPERSEDED\nS: X=custom@one Y=custom@two\nT: Z=custom?Ref=#{one.id}+#{two.id}")
	p.starts(1)
	p.fails("E1", "X")
	for i, action := range []string{"Y", "X"} {
		if action == "X" {
			p.ok(p.retries("E1", "S", false))
		}
		j := p.job("E1", action)
		p.ok(p.take(j))
		p.ok(p.succeed(j, map[string]string{"id": strconv.Itoa(i)}, nil))
	}
	if got := p.job("E1", "Z").Data.Configuration["Ref"]; got != "1+0" {
		p.Errorf("resolved %q", got)
	}
}

func TestSourceRevision(t *testing.T) {
	p := stage(t, "SUPERSEDED\nS: app=source>App\nB: build=custom<App")
	p.starts(1)
	j := p.job("E1", "app")
	p.ok(p.take(j))
	rev := &Revision{ID: "v7", Summary: "Amazon S3 version id: v7"}
	own := *j
	p.ok(p.report(j, "1", JobSucceeded{Job: &own, Digest: "1", ContinuationToken: "more", Revision: rev}))
	seen := p.now
	p.ok(p.pass(time.Minute))
	p.done("E1", "app") // without a revision: the one reported before stays
	want := []SourceRevision{{Action: "app", Artifacts: []string{"App"}, ID: "v7", Summary: rev.Summary, Created: seen}}
	got := p.exec("E1").Revisions
	if len(got) != 1 || dumpString(got) != dumpString(want) {
		p.Errorf("got %+v, want %+v", got, want)
	}
	if in := p.job("E1", "build").Data.Inputs[0]; in.Revision != "v7" {
		p.Errorf("the next action reads %+v", in)
	}
}

func TestEventsOfARun(t *testing.T) {
	p := stage(t, "SUPERSEDED\nS: X=custom\nT: Y=custom")
	p.starts(1)
	p.done("E1", "X")
	p.fails("E1", "Y")
	p.heard("E1", 0, "pipeline STARTED", "S STARTED", "X STARTED", "X SUCCEEDED", "S SUCCEEDED",
		"T STARTED", "Y STARTED", "Y FAILED", "T FAILED", "pipeline FAILED")
	if len(p.passed) != 1 || p.passed[0].Stage != "S" || p.passed[0].Version != 1 {
		p.Errorf("passed: %+v", p.passed)
	}
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

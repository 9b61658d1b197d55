package engine

import (
	"slices"
	"testing"
	"time"
)

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

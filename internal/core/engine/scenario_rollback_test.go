package engine

import (
	"reflect"
	"testing"
)

const deployed = "QUEUED\nS: app=source>App@src\nD: ship=custom<App?Ref=#{src.id}\nE: test=custom"

// deploy is the story until E1 has succeeded in D and E2 has failed there.
func deploy(t *testing.T, declaration string) *play {
	p := stage(t, declaration)
	p.starts(2)
	for _, e := range []string{"E1", "E2"} {
		p.fetches(e)
	}
	p.done("E1", "ship")
	p.fails("E2", "ship")
	return p
}

// fetches lets the source action succeed.
func (p *play) fetches(execution string) {
	p.Helper()
	j := p.job(execution, "app")
	p.ok(p.take(j))
	p.ok(p.succeed(j, map[string]string{"id": j.ActionExecutionID}, &Revision{ID: "of " + execution}))
}

// T-17: only the stage runs, with what the target brought there.
func TestRollback(t *testing.T) {
	p := deploy(t, deployed)
	p.see(`E1 InProgress in E InProgress: test InProgress
		E2 Failed at D Failed: ship Failed`)
	from := len(p.events)
	p.ok(p.rollsBack("D", "E1"))
	p.see(`E1 InProgress in E InProgress: test InProgress
		E2 Failed at D Failed: ship Failed
		E3 InProgress in D InProgress: ship InProgress`)
	e1, e3 := p.exec("E1"), p.exec("E3")
	if !reflect.DeepEqual(e1.Revisions, e3.Revisions) || e3.RollbackTarget != e1.ID || e3.Trigger != (Trigger{"ManualRollback", `{"AwsUserArn":"ana"}`}) {
		p.Errorf("the rollback is %+v", e3)
	}
	j := p.job("E3", "ship")
	if j.Data.Inputs[0].Key != e1.Artifacts[0].Key || j.Data.Configuration["Ref"] != e1.Run("S").Actions[0].ID {
		p.Errorf("its job has %+v", j.Data)
	}
	p.refused(p.rollsBack("D", "E1"), "UnableToRollbackStageException", "Stage 'D' cannot be rolled back: execution 'E3' is in progress in it")
	p.done("E3", "ship")
	p.heard("E3", from, "pipeline STARTED", "D STARTED", "ship STARTED", "ship SUCCEEDED", "D SUCCEEDED", "pipeline SUCCEEDED")
	p.refused(p.rollsBack("D", "E3"), "UnableToRollbackStageException", "Target Pipeline Execution with id 'E3' is a rollback itself")
	p.refused(p.rollsBack("D", "E2"), "UnableToRollbackStageException", "Target Pipeline Execution with id 'E2' has not completed in stage with name 'D'")
	p.refused(p.rollsBack("S", "E1"), "UnableToRollbackStageException", "Stage 'S' cannot be rolled back: it contains source actions")
	p.refused(p.retries("E2", "D", false), "NotLatestPipelineExecutionException", "")
	// T-18
	p.ok(p.declare(parse(deployed)))
	p.refused(p.rollsBack("D", "E1"), "PipelineExecutionOutdatedException", "")
}

// A rollback passes no transition and goes before who waits.
func TestRollbackBehindAClosedGate(t *testing.T) {
	p := deploy(t, deployed)
	p.ok(p.gate("D", false, true))
	p.starts(1)
	p.fetches("E3")
	p.ok(p.rollsBack("D", "E1"))
	p.see(`E1 InProgress in E InProgress: test InProgress
		E2 Failed at D Failed: ship Failed
		E3 InProgress before D
		E4 InProgress in D InProgress: ship InProgress`)
	p.ok(p.gate("D", false, false))
	p.done("E4", "ship")
	p.see(`E1 InProgress in E InProgress: test InProgress
		E2 Failed at D Failed: ship Failed
		E3 InProgress in D InProgress: ship InProgress
		E4 Succeeded at D Succeeded: ship Succeeded`)
}

// A rollback can be stopped and retried like any execution.
func TestRollbackStoppedAndRetried(t *testing.T) {
	p := deploy(t, deployed)
	p.ok(p.rollsBack("D", "E1"))
	p.ok(p.stops("E3", true, "wait"))
	p.ok(p.retries("E3", "D", true))
	p.done("E3", "ship")
	if e := p.exec("E3"); e.Status != Succeeded || e.Attempt != 2 {
		p.Errorf("%+v", e)
	}
}

func TestRollbackRefusals(t *testing.T) {
	t.Run("PARALLEL", func(t *testing.T) {
		p := stage(t, "PARALLEL\nS: app=source\nD: ship=custom")
		p.starts(1)
		p.done("E1", "app")
		p.done("E1", "ship")
		p.refused(p.rollsBack("D", "E1"), "UnableToRollbackStageException", "Stage 'D' cannot be rolled back: pipeline 'orders' runs in PARALLEL mode")
	})
	t.Run("V1", func(t *testing.T) {
		d := parse(deployed)
		d.Type = "V1"
		p := deploy(t, deployed)
		p.ok(p.declare(d))
		p.refused(p.rollsBack("D", "E1"), "ValidationException", "A stage can only be rolled back in a V2 pipeline; 'orders' is a V1 pipeline")
	})
	t.Run("unknown", func(t *testing.T) {
		p := deploy(t, deployed)
		p.refused(p.rollsBack("Z", "E1"), "StageNotFoundException", "Stage 'Z' was not found in pipeline 'orders'")
		p.refused(p.rollsBack("D", "nobody"), "PipelineExecutionNotFoundException", "Pipeline 'orders' does not have an execution with ID 'nobody'")
	})
	t.Run("limit", func(t *testing.T) {
		p := deploy(t, deployed)
		p.starts(49)
		p.refused(p.rollsBack("D", "E1"), "UnableToRollbackStageException",
			"Stage 'D' cannot be rolled back: pipeline 'orders' has 50 executions in progress, which is the limit in execution mode QUEUED")
	})
	t.Run("skipped", func(t *testing.T) {
		p := stage(t, "QUEUED\nS: app=source\nD entry=SKIP(no): ship=custom")
		p.starts(1)
		p.done("E1", "app")
		p.refused(p.rollsBack("D", "E1"), "UnableToRollbackStageException", "Target Pipeline Execution with id 'E1' has not completed in stage with name 'D'")
	})
}

// A failure goes back to who passed last, before who waits enters; a rollback
// that fails does not go back further.
func TestAutomaticRollback(t *testing.T) {
	for name, failing := range map[string]string{
		"failure":           "QUEUED\nS: app=source>App@src\nD failure=ROLLBACK: ship=custom<App?Ref=#{src.id}\nE: test=custom",
		"failure condition": "QUEUED\nS: app=source>App@src\nD failure=ROLLBACK(no): ship=custom<App?Ref=#{src.id}\nE: test=custom",
	} {
		t.Run(name, func(t *testing.T) {
			p := deploy(t, failing)
			e3 := p.exec("E3")
			if e3.RollbackTarget != p.exec("E1").ID || e3.Trigger != (Trigger{"AutomatedRollback", `{"FailedPipelineExecutionId":"` + p.exec("E2").ID + `"}`}) {
				p.Fatalf("the rollback is %+v", e3)
			}
			p.starts(1)
			p.fetches("E4")
			p.fails("E3", "ship")
			if e := p.exec("E4"); e.Stage != "D" || !e.Inside || len(p.executions()) != 4 {
				p.Errorf("after the rollback's failure: %+v", e)
			}
		})
	}
	t.Run("condition that does not ask for it", func(t *testing.T) {
		p := deploy(t, "QUEUED\nS: app=source>App@src\nD failure=ROLLBACK(yes): ship=custom<App?Ref=#{src.id}\nE: test=custom")
		if n := len(p.executions()); n != 2 {
			p.Errorf("%d executions", n)
		}
	})
	t.Run("success condition", func(t *testing.T) {
		p := stage(t, "SUPERSEDED\nS: app=source\nD success=ROLLBACK(lambda): ship=custom")
		p.starts(1)
		p.done("E1", "app")
		p.done("E1", "ship")
		p.done("E1", "lambda")
		p.starts(1)
		p.done("E2", "app")
		p.done("E2", "ship")
		p.fails("E2", "lambda")
		p.see(`E1 Succeeded at D Succeeded: ship Succeeded success Succeeded
			E2 Failed at D Failed: ship Succeeded success Failed
			E3 InProgress in D InProgress: ship InProgress`)
		p.refused(p.overrides("E2", "D", OnSuccess), "NotLatestPipelineExecutionException", "")
		p.done("E3", "ship") // and no condition is asked
		p.see(`E1 Succeeded at D Succeeded: ship Succeeded success Succeeded
			E2 Failed at D Failed: ship Succeeded success Failed
			E3 Succeeded at D Succeeded: ship Succeeded`)
	})
	t.Run("nobody to go back to", func(t *testing.T) {
		p := stage(t, "SUPERSEDED\nS: app=source\nD failure=ROLLBACK: ship=custom")
		p.starts(1)
		p.done("E1", "app")
		p.fails("E1", "ship")
		p.see(`E1 Failed at D Failed: ship Failed`)
		p.ok(p.retries("E1", "D", false))
		p.done("E1", "ship")
		p.ok(p.declare(p.decls[1])) // a new version: what passed under the old one does not count
		p.starts(1)
		p.done("E2", "app")
		p.fails("E2", "ship")
		if n := len(p.executions()); n != 2 {
			p.Errorf("%d executions", n)
		}
	})
}

// T-19, and what the retry runs again.
func TestAutomaticRetry(t *testing.T) {
	t.Run("FAILED_ACTIONS", func(t *testing.T) {
		p := stage(t, "SUPERSEDED\nS: app=source\nD failure=RETRY_FAILED: X=custom Y=custom Z=custom/2")
		p.starts(1)
		p.done("E1", "app")
		p.fails("E1", "X")
		from := len(p.events)
		p.done("E1", "Y")
		p.see(`E1 InProgress in D InProgress: Y Succeeded X InProgress`)
		p.heard("E1", from, "Y SUCCEEDED", "D FAILED", "D RESUMED", "X STARTED")
		run := p.exec("E1").Run("D")
		if run.AutoRetries != 1 || run.ManualRetries != 0 || run.LatestRetry != "AutomatedStageRetry" || !run.Retried.Equal(p.now) || p.exec("E1").Attempt != 2 {
			p.Errorf("%+v", run)
		}
		p.fails("E1", "X")
		p.see(`E1 Failed at D Failed: Y Succeeded X Failed`)
		p.ok(p.retries("E1", "D", false))
		p.fails("E1", "X") // once a passage: a manual retry does not rearm it
		p.see(`E1 Failed at D Failed: Y Succeeded X Failed`)
	})
	t.Run("ALL_ACTIONS", func(t *testing.T) {
		p := stage(t, "SUPERSEDED\nS: app=source\nD entry=FAIL(yes) failure=RETRY_ALL: X=custom Y=custom/2")
		p.starts(1)
		p.done("E1", "app")
		p.done("E1", "X")
		p.fails("E1", "Y")
		p.see(`E1 InProgress in D InProgress: X InProgress entry Succeeded`)
	})
	t.Run("rejected approval", func(t *testing.T) {
		p := stage(t, "SUPERSEDED\nS: app=source\nD failure=RETRY_FAILED: gate=approval")
		p.starts(1)
		p.done("E1", "app")
		old := p.request("E1", "D", "gate")
		p.ok(p.rejects("E1", "D", "gate"))
		p.see(`E1 InProgress in D InProgress: gate InProgress`)
		p.refused(p.answer(old, true, ""), "InvalidApprovalTokenException", "")
		p.ok(p.approves("E1", "D", "gate"))
		p.see(`E1 Succeeded at D Succeeded: gate Succeeded`)
	})
	t.Run("entry condition", func(t *testing.T) {
		p := stage(t, "SUPERSEDED\nS: app=source\nD entry=FAIL(lambda) failure=RETRY_FAILED: X=custom")
		p.starts(1)
		p.done("E1", "app")
		p.fails("E1", "lambda")
		p.see(`E1 InProgress in D InProgress: entry InProgress`)
		p.fails("E1", "lambda")
		p.see(`E1 Failed at D Failed: entry Failed`)
	})
	t.Run("first stage, PARALLEL", func(t *testing.T) {
		p := stage(t, "PARALLEL\nS failure=RETRY_FAILED: app=source\nD: X=custom")
		p.starts(1)
		p.fails("E1", "app")
		p.done("E1", "app")
		p.see(`E1 InProgress in D InProgress: X InProgress`)
	})
}

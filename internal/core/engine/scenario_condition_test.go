package engine

import (
	"strings"
	"testing"
	"time"

	"penstock/internal/core/job"
)

// T-20: an entry condition that fails with SKIP passes the stage by.
func TestEntrySkips(t *testing.T) {
	p := stage(t, `SUPERSEDED
		S: app=source
		A entry=SKIP(no): X=custom
		B: Y=custom`)
	p.starts(1)
	from := len(p.events)
	p.done("E1", "app")
	p.see(`E1 InProgress in B InProgress: Y InProgress`)
	if run := p.exec("E1").Run("A"); run.Status != Skipped || len(run.Actions) != 0 {
		p.Errorf("the skipped stage: %+v", run)
	}
	// The event stream has no state for a skipped stage.
	p.heard("E1", from, "app SUCCEEDED", "S SUCCEEDED", "A STARTED", "B STARTED", "Y STARTED")
	p.refused(p.overrides("E1", "A", BeforeEntry), "ConditionNotOverridableException",
		"The BEFORE_ENTRY condition of stage 'A' cannot be overridden for execution 'E1': its result is SKIP")
	p.refused(p.retries("E1", "A", true), "StageNotRetryableException", "")
}

func TestSkippedLastStage(t *testing.T) {
	p := stage(t, "QUEUED\nS: app=source\nA entry=SKIP(no): X=custom")
	p.starts(2)
	p.done("E1", "app")
	p.see(`E1 Succeeded at A Skipped: entry Failed
		E2 InProgress in S InProgress: app InProgress`)
	if len(p.passed) != 1 {
		p.Errorf("passed: %v", p.passed)
	}
}

// An entry condition waits for its rules, with the stage's lock held.
func TestEntryByJob(t *testing.T) {
	const pipeline = "QUEUED\nS: app=source\nA entry=FAIL(lambda,yes): X=custom"
	t.Run("met", func(t *testing.T) {
		p := stage(t, pipeline)
		p.starts(2)
		p.done("E1", "app")
		p.done("E2", "app")
		p.see(`E1 InProgress in A InProgress: entry InProgress
			E2 InProgress before A`)
		j := p.job("E1", "lambda")
		if j.Kind != job.Native || j.Type != kinds["lambda"] || j.ActionExecutionID != p.exec("E1").Run("A").Condition(BeforeEntry).Rules[0].ID {
			p.Errorf("the rule's job is %+v", j)
		}
		p.done("E1", "lambda")
		p.see(`E1 InProgress in A InProgress: X InProgress entry Succeeded
			E2 InProgress before A`)
		p.refused(p.overrides("E1", "A", BeforeEntry), "ConditionNotOverridableException",
			"The BEFORE_ENTRY condition of stage 'A' cannot be overridden for execution 'E1': it is Succeeded")
	})
	t.Run("not met", func(t *testing.T) {
		p := stage(t, pipeline)
		p.starts(2)
		p.done("E1", "app")
		p.done("E2", "app")
		p.fails("E1", "lambda")
		p.see(`E1 Failed at A Failed: entry Failed
			E2 InProgress in A InProgress: entry InProgress`)
		if got := p.exec("E1").Run("A").Condition(BeforeEntry).Summary; got != "Rule 'lambda' failed: it broke" {
			p.Errorf("summary %q", got)
		}
		p.refused(p.overrides("E1", "A", BeforeEntry), "NotLatestPipelineExecutionException", "")
	})
	t.Run("overridden while it runs", func(t *testing.T) {
		p := stage(t, pipeline)
		p.starts(1)
		p.done("E1", "app")
		j := p.job("E1", "lambda")
		p.ok(p.take(j))
		p.ok(p.overrides("E1", "A", BeforeEntry))
		p.see(`E1 InProgress in A InProgress: X InProgress entry Overridden`)
		c := p.exec("E1").Run("A").Condition(BeforeEntry)
		if c.Rules[0].Status != Abandoned || c.Rules[1].Status != Succeeded || j.State != job.Failed {
			p.Errorf("rules %+v, job %s", c.Rules, j.State)
		}
		p.refused(p.succeed(j, nil, nil), "InvalidJobStateException", "")
	})
	t.Run("overridden when it has failed", func(t *testing.T) {
		p := stage(t, pipeline)
		p.starts(1)
		p.done("E1", "app")
		p.fails("E1", "lambda")
		from := len(p.events)
		p.ok(p.overrides("E1", "A", BeforeEntry))
		p.see(`E1 InProgress in A InProgress: X InProgress entry Overridden`)
		p.heard("E1", from, "pipeline RESUMED", "A RESUMED", "X STARTED")
		p.done("E1", "X")
		p.see(`E1 Succeeded at A Succeeded: X Succeeded entry Overridden`)
	})
	t.Run("retried", func(t *testing.T) {
		p := stage(t, pipeline)
		p.starts(1)
		p.done("E1", "app")
		p.refused(p.retries("E1", "A", true), "StageNotRetryableException",
			"Stage 'A' of execution 'E1' cannot be retried: a condition is being evaluated")
		p.fails("E1", "lambda")
		p.ok(p.retries("E1", "A", false))
		p.see(`E1 InProgress in A InProgress: entry InProgress`)
		p.done("E1", "lambda")
		p.see(`E1 InProgress in A InProgress: X InProgress entry Succeeded`)
		p.fails("E1", "X")
		p.ok(p.retries("E1", "A", true)) // who was let in need not ask again
		p.see(`E1 InProgress in A InProgress: X InProgress entry Succeeded`)
	})
	t.Run("time over", func(t *testing.T) {
		p := stage(t, pipeline)
		p.decls[1].Stages[1].BeforeEntry[0].Rules[0].TimeoutInMinutes = 5
		p.saved["1"] = dump(p.decls[1])
		p.starts(1)
		p.done("E1", "app")
		p.ok(p.pass(5 * time.Minute))
		p.see(`E1 Failed at A Failed: entry Failed`)
		if r := p.exec("E1").Run("A").Condition(BeforeEntry).Rules[0].Reported; r.ErrorCode != "TimeoutError" || r.ErrorMessage != "The rule 'lambda' did not finish within its time limit of 5 minutes" {
			p.Errorf("%+v", r)
		}
	})
	t.Run("continued", func(t *testing.T) {
		p := stage(t, pipeline)
		p.starts(1)
		p.done("E1", "app")
		j := p.job("E1", "lambda")
		p.ok(p.take(j))
		p.ok(p.carryOn(j, "later", Details{Summary: "half way"}))
		if r := p.exec("E1").Run("A").Condition(BeforeEntry).Rules[0]; r.Status != InProgress || r.Reported.Summary != "half way" {
			p.Errorf("%+v", r)
		}
		p.ok(p.pass(time.Minute))
		p.done("E1", "lambda")
		p.see(`E1 InProgress in A InProgress: X InProgress entry Succeeded`)
	})
}

// What disturbs an execution whose conditions run.
func TestConditionsDisturbed(t *testing.T) {
	const pipeline = "SUPERSEDED\nS: app=source\nA entry=FAIL(lambda): X=custom"
	begin := func(t *testing.T) *play {
		p := stage(t, pipeline)
		p.starts(1)
		p.done("E1", "app")
		return p
	}
	t.Run("stop and wait", func(t *testing.T) {
		p := begin(t)
		p.ok(p.stops("E1", false, ""))
		p.see(`E1 Stopping in A Stopping: entry InProgress`)
		p.refused(p.overrides("E1", "A", BeforeEntry), "ConditionNotOverridableException",
			"The BEFORE_ENTRY condition of stage 'A' cannot be overridden for execution 'E1': the execution is being stopped")
		p.done("E1", "lambda")
		p.see(`E1 Stopped at A Stopped: entry Succeeded`)
		p.ok(p.retries("E1", "A", true))
		p.see(`E1 InProgress in A InProgress: X InProgress entry Succeeded`)
	})
	t.Run("stop and abandon", func(t *testing.T) {
		p := begin(t)
		p.ok(p.stops("E1", true, ""))
		p.see(`E1 Stopped at A Stopped: entry Abandoned`)
		p.refused(p.overrides("E1", "A", BeforeEntry), "ConditionNotOverridableException",
			"The BEFORE_ENTRY condition of stage 'A' cannot be overridden for execution 'E1': it is Abandoned")
		p.ok(p.retries("E1", "A", false))
		p.see(`E1 InProgress in A InProgress: entry InProgress`)
	})
	t.Run("update", func(t *testing.T) {
		p := begin(t)
		p.ok(p.declare(parse(pipeline)))
		p.see(`E1 Cancelled at A Cancelled: entry Cancelled`)
		p.refused(p.overrides("E1", "A", BeforeEntry), "ConditionNotOverridableException",
			"The BEFORE_ENTRY condition of stage 'A' cannot be overridden for execution 'E1': the pipeline has been updated since")
	})
	t.Run("delete", func(t *testing.T) {
		p := begin(t)
		_, err := p.do(Deleted{})
		p.ok(err)
	})
}

func TestSuccessCondition(t *testing.T) {
	t.Run("FAIL", func(t *testing.T) {
		p := stage(t, "SUPERSEDED\nA success=FAIL(lambda): X=custom\nB: Y=custom")
		p.starts(1)
		p.done("E1", "X")
		p.see(`E1 InProgress in A InProgress: X Succeeded success InProgress`)
		p.fails("E1", "lambda")
		p.see(`E1 Failed at A Failed: X Succeeded success Failed`)
		if len(p.passed) != 0 {
			p.Errorf("passed: %v", p.passed)
		}
		p.ok(p.overrides("E1", "A", OnSuccess))
		p.see(`E1 InProgress in B InProgress: Y InProgress`)
	})
	t.Run("met", func(t *testing.T) {
		p := stage(t, "SUPERSEDED\nA success=FAIL(yes,hours): X=custom")
		p.starts(1)
		p.now = p.now.Add(2 * time.Hour) // 10:00
		p.done("E1", "X")
		p.see(`E1 Succeeded at A Succeeded: X Succeeded success Succeeded`)
	})
	t.Run("overridden while it runs", func(t *testing.T) {
		p := stage(t, "SUPERSEDED\nS: app=source\nA success=ROLLBACK(run): X=custom\nB: Y=custom")
		p.starts(1)
		p.done("E1", "app")
		p.done("E1", "X")
		if j := p.job("E1", "run"); strings.Join(j.Data.Commands, ";") != "make check" {
			p.Errorf("the job has %+v", j.Data)
		}
		p.ok(p.overrides("E1", "A", OnSuccess))
		p.see(`E1 InProgress in B InProgress: Y InProgress`)
	})
}

// A rule that cannot be evaluated makes its condition Errored, which counts as
// failed; a verdict weighs more.
func TestErrored(t *testing.T) {
	for rules, want := range map[string]string{
		"norule": "Errored", "yes,norule": "Errored", "norule,yes": "Errored", "norule,no": "Failed", "no,norule": "Failed",
	} {
		t.Run(rules, func(t *testing.T) {
			p := stage(t, "SUPERSEDED\nA entry=FAIL("+rules+"): X=custom")
			p.starts(1)
			p.see(`E1 Failed at A Failed: entry ` + want)
		})
	}
}

// A condition without a result has no consequence.
func TestConditionWithoutResult(t *testing.T) {
	p := stage(t, "SUPERSEDED\nA entry=(no) success=(no) failure=(no): X=custom")
	p.starts(2)
	p.fails("E1", "X")
	p.done("E2", "X")
	p.see(`E1 Failed at A Failed: X Failed entry Failed failure Failed
		E2 Succeeded at A Succeeded: X Succeeded entry Failed success Failed`)
}

// Nor is it a reason to retry, and who was let in need not ask again.
func TestRetryBehindAConditionWithoutResult(t *testing.T) {
	p := stage(t, "SUPERSEDED\nA entry=(no,lambda): X=custom Y=custom")
	p.starts(1)
	p.done("E1", "lambda")
	p.refused(p.retries("E1", "A", false), "StageNotRetryableException", "Stage 'A' of execution 'E1' cannot be retried: no action has failed")
	p.fails("E1", "X")
	p.ok(p.retries("E1", "A", false))
	p.see(`E1 InProgress in A InProgress: Y InProgress X InProgress entry Failed`)
}

func TestOverrideRefusals(t *testing.T) {
	t.Run("while the failure is looked at", func(t *testing.T) {
		p := stage(t, "SUPERSEDED\nS: app=source\nA entry=FAIL(no) failure=ROLLBACK(lambda): X=custom")
		p.starts(1)
		p.done("E1", "app")
		p.see(`E1 InProgress in A InProgress: entry Failed failure InProgress`)
		p.refused(p.overrides("E1", "A", BeforeEntry), "ConditionNotOverridableException",
			"The BEFORE_ENTRY condition of stage 'A' cannot be overridden for execution 'E1': the stage is InProgress")
		p.done("E1", "lambda")
		p.see(`E1 Failed at A Failed: entry Failed failure Succeeded`)
		p.ok(p.overrides("E1", "A", BeforeEntry))
		p.see(`E1 InProgress in A InProgress: X InProgress entry Overridden`)
	})
	t.Run("rolled back, to nobody", func(t *testing.T) {
		p := stage(t, "SUPERSEDED\nS: app=source\nA success=ROLLBACK(no): X=custom")
		p.starts(1)
		p.done("E1", "app")
		p.done("E1", "X")
		p.see(`E1 Failed at A Failed: X Succeeded success Failed`)
		p.refused(p.overrides("E1", "A", OnSuccess), "ConditionNotOverridableException",
			"The ON_SUCCESS condition of stage 'A' cannot be overridden for execution 'E1': its result, ROLLBACK, has been carried out")
		p.refused(p.overrides("E1", "A", BeforeEntry), "ConditionNotOverridableException",
			"The BEFORE_ENTRY condition of stage 'A' cannot be overridden for execution 'E1': it has not been evaluated")
		p.refused(p.overrides("E1", "Z", BeforeEntry), "StageNotFoundException", "Stage 'Z' was not found in pipeline 'orders'")
	})
	t.Run("limit", func(t *testing.T) {
		p := stage(t, "QUEUED\nS: app=source\nA entry=FAIL(no): X=custom")
		p.starts(1)
		p.done("E1", "app")
		p.starts(50)
		p.refused(p.overrides("E1", "A", BeforeEntry), "ConcurrentPipelineExecutionsLimitExceededException", "")
	})
}

// A rule whose configuration makes no sense has no verdict.
func TestRuleWithoutSense(t *testing.T) {
	p := stage(t, "SUPERSEDED\nA entry=FAIL(yes): X=custom")
	p.decls[1].Stages[0].BeforeEntry[0].Rules[0].Configuration["Operator"] = "GT"
	p.saved["1"] = dump(p.decls[1])
	p.starts(1)
	p.see(`E1 Failed at A Failed: entry Errored`)
	if c := p.exec("E1").Run("A").Condition(BeforeEntry); c.Summary != "Rule 'yes' could not be evaluated: the operator 'GT' is not one of EQ, NE, CONTAINS and MATCHES" {
		p.Errorf("summary %q", c.Summary)
	}
}

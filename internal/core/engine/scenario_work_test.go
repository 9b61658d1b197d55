package engine

import (
	"strconv"
	"testing"
	"time"

	"penstock/internal/core/job"
)

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

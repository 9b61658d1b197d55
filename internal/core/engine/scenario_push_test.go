package engine

import (
	"strings"
	"testing"
	"time"

	"penstock/internal/core/job"
)

// A function that says nothing fails its action after a time that runs whether
// it could be called or not, and anew with each continuation.
func TestSilence(t *testing.T) {
	const silent = "The AWS Lambda function f-E1 failed to return a result. Check the function"
	const pipeline = "SUPERSEDED\nS: X=push?FunctionName=f-#{codepipeline.PipelineExecutionId}"
	begin := func(t *testing.T) (*play, *job.Job) {
		p := stage(t, pipeline)
		p.starts(1)
		return p, p.job("E1", "X")
	}
	end := func(t *testing.T, p *play, j *job.Job, code, text string) {
		t.Helper()
		r := p.records[j.ActionExecutionID]
		text = strings.ReplaceAll(text, "E1", p.exec("E1").ID)
		if r.Status != Failed || r.Result.ErrorCode != code || !strings.HasPrefix(r.Result.ErrorMessage, text) {
			t.Errorf("the action is %s: %+v", r.Status, r.Result)
		}
		if s := p.jobs[j.ID].State; s != job.TimedOut {
			t.Errorf("the job is %s", s)
		}
	}
	t.Run("called", func(t *testing.T) {
		p, j := begin(t)
		p.ok(p.pass(time.Minute))
		p.ok(p.take(j))
		p.ok(p.pass(19*time.Minute - time.Second))
		p.see(`E1 InProgress in S InProgress: X InProgress`)
		p.ok(p.pass(time.Second))
		p.see(`E1 Failed at S Failed: X Failed`)
		end(t, p, j, "JobFailed", silent)
	})
	t.Run("never called", func(t *testing.T) {
		p, j := begin(t)
		p.ok(p.pass(20 * time.Minute))
		end(t, p, j, "JobFailed", silent)
	})
	t.Run("continuations", func(t *testing.T) {
		p, j := begin(t)
		for range 3 {
			p.ok(p.pass(19 * time.Minute))
			p.ok(p.carryOn(j, "more", Details{})) // also before the note that it was called
			p.ok(p.pass(30 * time.Second))
			j = p.job("E1", "X")
		}
		p.ok(p.pass(20*time.Minute - time.Second))
		p.see(`E1 InProgress in S InProgress: X InProgress`)
		p.ok(p.pass(time.Second))
		end(t, p, j, "JobFailed", silent)
	})
	t.Run("all in all", func(t *testing.T) {
		p, j := begin(t)
		for range 24*4 - 1 {
			p.ok(p.pass(14*time.Minute + 30*time.Second))
			p.ok(p.carryOn(j, "more", Details{}))
			p.ok(p.pass(30 * time.Second))
			j = p.job("E1", "X")
		}
		p.see(`E1 InProgress in S InProgress: X InProgress`)
		p.ok(p.pass(15 * time.Minute))
		end(t, p, j, "TimeoutError", "The action 'X' did not finish within its time limit of 24 hours")
	})
	t.Run("reported", func(t *testing.T) {
		p, j := begin(t)
		p.ok(p.succeed(j, map[string]string{"id": "v"}, nil))
		p.see(`E1 Succeeded at S Succeeded: X Succeeded`)
	})
	t.Run("abandoned", func(t *testing.T) {
		p, j := begin(t)
		p.ok(p.take(j))
		p.ok(p.stops("E1", true, "enough"))
		p.ok(p.pass(time.Hour))
		p.see(`E1 Stopped at S Stopped: X Abandoned`)
	})
}

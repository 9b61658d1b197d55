package storetest

import (
	"errors"
	"time"

	"penstock/internal/core/engine"
	"penstock/internal/core/job"
	"penstock/internal/store"
)

// flow takes an execution through both stages, reopening at each step.
func flow(f *fixture) {
	p := f.pipeline("p")
	e := f.startExecution(p)
	f.reopen()
	first := f.claimOne(sourceLine)
	f.equal("state of a claimed job", first.State, job.Dispatched)
	f.equal("execution of the job", first.ExecutionID, e)
	f.equal("claim of a hidden job", len(f.claim(sourceLine, 1)), 0)
	f.mustAcknowledge(first)
	f.reopen()
	f.equal("state after the acknowledgement", f.job(first.ID).State, job.InProgress)
	f.succeed(first.ID, "")
	f.equal("state after the report", f.job(first.ID).State, job.Succeeded)

	second := f.claimOne(buildLine)
	f.equal("secret in the hands of the worker", second.Data.Configuration["Token"], "hunter2")
	f.equal("input", second.Data.Inputs[0].Key, first.Data.Outputs[0].Key)
	f.reopen()
	f.equal("secret after a restart", f.job(second.ID).Data.Configuration["Token"], "hunter2")
	f.mustAcknowledge(second)
	f.succeed(second.ID, "")
	f.reopen()

	got := read(f, func(r store.Reader) (*engine.Execution, error) { return r.Execution(p, e) })
	f.equal("status of the execution", got.Status, engine.Succeeded)
	f.equal("number", got.Number, int64(1))
	state := read(f, func(r store.Reader) (*engine.State, error) { return r.State(p) })
	f.equal("live executions", len(state.Live), 0)
	f.equal("latest of the stage", state.Stage("Build").Latest, e)
	latest := read(f, func(r store.Reader) (map[store.StageAction]engine.ActionRecord, error) { return r.LatestActions(p) })
	made := latest[store.StageAction{Stage: "Build", Action: "Make"}]
	f.equal("latest actions", len(latest), 2)
	f.equal("status of the action", made.Status, engine.Succeeded)
	f.equal("outputs of the action", made.HasOutputs, true)
	f.equal("result of the action", made.Result, engine.Result{Summary: "done", ExternalID: "ext"})
	f.equal("masked configuration", made.Resolved["Token"], "****")
	due := read(f, func(r store.Reader) ([]store.DueTimer, error) { return r.Due(f.now().Add(1000*time.Hour), 10) })
	f.equal("timers left", len(due), 0)
	passed := read(f, func(r store.Reader) ([]*engine.Execution, error) { return r.ExecutionsPassed(p, "Build", 1, "", 10) })
	f.equal("executions that passed", len(passed), 1)
}

// flowFails fails an execution and takes it up again, after it has left the
// live ones.
func flowFails(f *fixture) {
	p := f.pipeline("p")
	e := f.startExecution(p)
	f.work(sourceLine)
	j := f.claimOne(buildLine)
	f.mustAcknowledge(j)
	f.update(func(tx store.Tx) error {
		j, err := tx.Job(j.ID)
		if err != nil {
			return err
		}
		_, err = f.s.Step(tx, p, engine.JobFailed{Job: j, Digest: "d", Type: "JobFailed", Message: "no"})
		return err
	})
	f.equal("job", f.job(j.ID).State, job.Failed)
	other := f.pipeline("q")
	f.startExecution(other)
	f.step(p, engine.RetryStage{Stage: "Build", Execution: e})
	again := f.work(buildLine)
	f.equal("execution of the retry", again.ExecutionID, e)
	got := read(f, func(r store.Reader) (*engine.Execution, error) { return r.Execution(p, e) })
	f.equal("status", got.Status, engine.Succeeded)
	recs := read(f, func(r store.Reader) ([]engine.ActionRecord, error) { return r.Actions(p, e, "", 10) })
	f.equal("attempts", len(recs), 3)
	f.equal("newest attempt", recs[0].Status, engine.Succeeded)
	f.equal("failed attempt", recs[1].Result.ErrorMessage, "no")
}

// continuation hands an action on to a job that cannot be polled before its
// time.
func continuation(f *fixture) {
	f.delay = 30 * time.Second
	f.use(f.d)
	p := f.pipeline("p")
	f.startExecution(p)
	first := f.claimOne(sourceLine)
	f.mustAcknowledge(first)
	f.hint("the time limit")
	limit := f.nextTimer()
	f.equal("the time limit", limit, f.now().Add(24*time.Hour))
	f.succeed(first.ID, "token")
	f.hint("the pause, which is over earlier")
	f.equal("the end of the pause", f.nextTimer(), f.now().Add(30*time.Second))
	f.equal("jobs before their time", len(f.claim(sourceLine, 1)), 0)
	f.reopen()
	f.equal("jobs before their time, after a restart", len(f.claim(sourceLine, 1)), 0)
	f.advance(30 * time.Second)
	due := read(f, func(r store.Reader) ([]store.DueTimer, error) { return r.Due(f.now(), 10) })
	f.equal("due timers", len(due), 1)
	f.step(due[0].PipelineID, engine.TimerFired{Timer: due[0].Timer})
	f.equal("the time limit, afterwards", f.nextTimer(), limit)
	second := f.claimOne(sourceLine)
	if second.ID == first.ID || second.Data.ContinuationToken != "token" {
		f.Fatalf("continuation job %+v", second)
	}
	f.mustAcknowledge(second)
	f.succeed(second.ID, "")
	rec := read(f, func(r store.Reader) (engine.ActionRecord, error) { return r.Action(p, second.ActionExecutionID) })
	f.equal("merged result", rec.Result, engine.Result{Summary: "done", ExternalID: "ext"})
	f.claimOne(buildLine)
}

var errRefused = errors.New("refused")

// failedUpdate lets an update fail after it has saved a decision: neither the
// database nor what a driver keeps in memory may show it.
func failedUpdate(f *fixture) {
	p := f.pipeline("p")
	f.startExecution(p)
	j := f.claimOne(sourceLine)
	f.mustAcknowledge(j)
	wanted := read(f, func(r store.Reader) (*engine.State, error) { return r.State(p) })
	fail := true
	attempt := func(tx store.Tx) error {
		got, err := tx.Job(j.ID)
		if err != nil {
			return err
		}
		if _, err := f.s.Step(tx, p, engine.JobSucceeded{Job: got, Digest: "d"}); err != nil {
			return err
		}
		if _, err := f.s.Step(tx, p, engine.Start{}); err != nil {
			return err
		}
		at := customType(sourceType)
		if err := tx.PutActionType(store.ActionType{Account: account, Region: region, Type: at, Deleted: true}); err != nil {
			return err
		}
		if seen, err := tx.ActionType(account, region, sourceType); err != nil || !seen.Deleted {
			f.Errorf("the call does not see its own write: %+v, %v", seen, err)
		}
		if err := tx.SetTags("arn", map[string]string{"a": "b"}); err != nil {
			return err
		}
		if fail {
			return errRefused
		}
		return nil
	}
	check := func(tx store.Reader) error {
		got, err := tx.Job(j.ID)
		f.equal("job", got.State, job.InProgress)
		if err != nil {
			return err
		}
		state, err := tx.State(p)
		f.equal("state", state, wanted)
		if err != nil {
			return err
		}
		at, err := tx.ActionType(account, region, sourceType)
		if err == nil {
			f.equal("deleted", at.Deleted, false)
		}
		return err
	}
	if err := f.d.Update(f.Context(), attempt); err != errRefused {
		f.Fatalf("Update: %v", err)
	}
	f.both(check)
	f.update(func(tx store.Tx) error {
		snap, err := tx.Snapshot(p, engine.Updated{})
		if err != nil {
			return err
		}
		f.equal("state of the snapshot", string(store.AppendState(nil, &snap.State)), string(store.AppendState(nil, wanted)))
		f.equal("live executions of the snapshot", len(snap.Executions), 1)
		return nil
	})
	f.equal("jobs of the next stage", len(f.claim(buildLine, 1)), 0)
	func() {
		defer func() { _ = recover() }()
		err := f.d.Update(f.Context(), func(tx store.Tx) error {
			if err := attempt(tx); err != errRefused {
				return err
			}
			panic("on the way")
		})
		if err == nil {
			f.Error("a panicking Update returned nil")
		}
	}()
	f.both(check)
	fail = false
	f.update(attempt)
	f.claimOne(buildLine)
}

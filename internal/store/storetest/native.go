package storetest

import (
	"time"

	"penstock/internal/core/engine"
	"penstock/internal/core/job"
	"penstock/internal/core/pipeline"
	"penstock/internal/store"
)

// nativeAcrossReopen: the workers of built-in actions live in the process, so
// what they had in hand when it ended is handed out again, once.
func nativeAcrossReopen(f *fixture) {
	builtIn := pipeline.ActionType{Category: "Source", Owner: "AWS", Provider: "S3", Version: "1"}
	line := job.Queue(job.Native, "", "", builtIn, "")
	f.startExecution(f.beginningWith(builtIn))
	first := f.claimOne(line)
	f.mustAcknowledge(first)
	f.equal("jobs while it runs", len(f.claim(line, 1)), 0)
	f.reopen()
	_, err := f.acknowledge(first.ID, first.Nonces.String())
	invalidNonce(f, "the nonce of the worker that is gone", err)
	again := f.claimOne(line)
	f.equal("job", again.ID, first.ID)
	f.mustAcknowledge(again)
	f.succeed(again.ID, "")
	f.reopen()
	f.equal("jobs when it is done", len(f.claim(line, 1)), 0)
}

// beginningWith makes a pipeline whose first action is of the type.
func (f *fixture) beginningWith(t pipeline.ActionType) (id int64) {
	f.Helper()
	f.update(func(tx store.Tx) (err error) {
		d := declaration("p", 1)
		d.Stages[0].Actions[0].Type = t
		id, err = tx.InsertPipeline(store.Pipeline{
			Pipeline: engine.Pipeline{Account: account, Region: region, Name: "p"},
			Version:  1, Mode: pipeline.Superseded, Type: pipeline.V2, Created: f.now(), Updated: f.now(),
		}, d)
		return err
	})
	return id
}

var invokeType = pipeline.ActionType{Category: "Invoke", Owner: "AWS", Provider: "Lambda", Version: "1"}

// pushedAcrossReopen: a job whose worker was in the middle of a call is handed
// out again; one that its worker has let go stays open for the report.
func pushedAcrossReopen(f *fixture) {
	line := job.Queue(job.Pushed, "", "", invokeType, "")
	f.startExecution(f.beginningWith(invokeType))
	first := f.claimOne(line)
	due := f.nextTimer()
	f.equal("the report is due", due, first.ReportBy)
	f.mustAcknowledge(first)
	f.reopen()
	again := f.claimOne(line)
	f.equal("job", again.ID, first.ID)
	f.equal("the time for its report", again.ReportBy, first.ReportBy)
	f.mustAcknowledge(again)
	f.update(func(tx store.Tx) error {
		j, err := tx.Job(again.ID)
		f.equal("let go", j.LetGo(), true)
		if err != nil {
			return err
		}
		return tx.SaveJob(j)
	})
	f.reopen()
	f.equal("jobs when its function was called", len(f.claim(line, 1)), 0)
	j := read(f, func(r store.Reader) (*job.Job, error) { return r.Job(again.ID) })
	f.equal("held", j.Held(), false)
	f.equal("state", j.State, job.InProgress)
	f.succeed(again.ID, "")
	due = read(f, func(r store.Reader) (time.Time, error) { return r.NextTimer() })
	f.equal("the time for the report has no end any more", due.Equal(first.ReportBy), false)
}

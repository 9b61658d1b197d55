package storetest

import (
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
	var id int64
	f.update(func(tx store.Tx) (err error) {
		d := declaration("p", 1)
		d.Stages[0].Actions[0].Type = builtIn
		id, err = tx.InsertPipeline(store.Pipeline{
			Pipeline: engine.Pipeline{Account: account, Region: region, Name: "p"},
			Version:  1, Mode: pipeline.Superseded, Type: pipeline.V2, Created: f.now(), Updated: f.now(),
		}, d)
		return err
	})
	f.startExecution(id)
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

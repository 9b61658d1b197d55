package storetest

import (
	"errors"
	"time"

	"penstock/internal/core/job"
	"penstock/internal/core/pipeline"
	"penstock/internal/store"
)

func (f *fixture) waiting() map[job.Kind]store.Waiting {
	f.Helper()
	w, err := f.d.Waiting(f.Context())
	if err != nil {
		f.Fatalf("Waiting: %v", err)
	}
	return w
}

func waitingCounted(f *fixture) {
	f.equal("at first", len(f.waiting()), 0)
	f.startExecution(f.pipeline("a"))
	f.advance(time.Second)
	f.startExecution(f.pipeline("b"))
	f.client("c")
	f.queued("c", 1)
	f.startExecution(f.beginningWith(pipeline.ActionType{Category: "Source", Owner: "AWS", Provider: "S3", Version: "1"}))
	later := f.start.Add(time.Second)
	f.equal("queued", f.waiting(), map[job.Kind]store.Waiting{
		job.Custom:  {Ready: 2, Oldest: f.start},
		job.Partner: {Ready: 1, Oldest: later},
		job.Native:  {Ready: 1, Oldest: f.now()},
	})
	first := f.claimFirst(sourceLine)
	f.equal("handed out", f.waiting()[job.Custom], store.Waiting{Ready: 1, HandedOut: 1, Oldest: later})
	f.mustAcknowledge(first)
	f.equal("acknowledged", f.waiting()[job.Custom], store.Waiting{Ready: 1, Oldest: later})
	second := f.claimFirst(sourceLine)
	f.equal("none is ready", f.waiting()[job.Custom], store.Waiting{HandedOut: 1})
	f.mustAcknowledge(second)
	f.equal("all are acknowledged", f.waiting()[job.Custom], store.Waiting{})
}

// claimFirst claims one of the jobs of a queue.
func (f *fixture) claimFirst(queue string) *job.Job {
	f.Helper()
	jobs := f.claim(queue, 1)
	f.equal("jobs", len(jobs), 1)
	return jobs[0]
}

// workCounted: what is shared and what is alone depends on who else is there,
// so only sums are compared.
func workCounted(f *fixture) {
	before := f.d.Work()
	f.update(func(tx store.Tx) error { return tx.SetTags("arn", map[string]string{"a": "b"}) })
	refused := errors.New("refused")
	if err := f.d.Update(f.Context(), func(store.Tx) error { return refused }); !errors.Is(err, refused) {
		f.Fatalf("Update: %v", err)
	}
	after := f.d.Work()
	f.equal("updates", after.Updates-before.Updates, int64(2))
	if n := after.Groups + after.Alone - before.Groups - before.Alone; n < 1 {
		f.Errorf("%d transactions", n)
	}
	f.equal("an update that refuses is no failure of the database", after.Failures, before.Failures)
	if (after.File == nil) == (after.Pool == nil) {
		f.Errorf("a database is either a file or reached by connections: %+v", after)
	}
	if p := after.Pool; p != nil && (p.Most < 1 || p.Open > p.Most || p.Busy > p.Open) {
		f.Errorf("connections: %+v", *p)
	}
	if w := after.File; w != nil && w.LogBytes < 1 {
		f.Errorf("write-ahead log: %+v", *w)
	}
}

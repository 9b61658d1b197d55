package storetest

import (
	"bytes"
	"testing"
	"time"

	"penstock/internal/core/engine"
	"penstock/internal/core/pipeline"
	"penstock/internal/store"
)

func actionTypes(f *fixture) {
	put := func(provider, category, version string, age time.Duration, deleted bool) {
		f.update(func(tx store.Tx) error {
			id := pipeline.ActionType{Category: category, Owner: "Custom", Provider: provider, Version: version}
			return tx.PutActionType(store.ActionType{
				Account: account, Region: region, Type: customType(id), Deleted: deleted, Created: f.now().Add(-age),
			})
		})
	}
	put("B", "Build", "1", time.Hour, false)
	put("B", "Build", "2", 0, false)
	put("A", "Test", "1", 0, false)
	put("A", "Build", "1", 0, false)
	put("C", "Build", "1", 0, true)
	want := []string{"A Build 1", "A Test 1", "B Build 2", "B Build 1"}
	check := func(r store.Reader) error {
		list, err := r.ActionTypes(account, region)
		var got []string
		for _, t := range list {
			got = append(got, t.ID.Provider+" "+t.ID.Category+" "+t.ID.Version)
		}
		f.equal("types", got, want)
		if err != nil {
			return err
		}
		gone, err := r.ActionType(account, region, pipeline.ActionType{Category: "Build", Owner: "Custom", Provider: "C", Version: "1"})
		if err == nil {
			f.equal("deleted type", gone.Deleted, true)
		}
		return err
	}
	f.both(check)
	f.reopen()
	f.both(check)
	put("C", "Build", "1", 0, false)
	want = append(want, "C Build 1")
	f.both(func(r store.Reader) error {
		back, err := r.ActionType(account, region, pipeline.ActionType{Category: "Build", Owner: "Custom", Provider: "C", Version: "1"})
		if err == nil {
			f.equal("type that came back", *back, store.ActionType{Account: account, Region: region, Type: customType(back.ID), Created: f.now()})
		}
		return err
	})
}

func clients(f *fixture) {
	first := store.Client{ID: "c1", Account: account, Region: region, Type: buildType, Token: secret(), Created: f.now()}
	second := first
	second.ID, second.Token, second.Created = "c2", secret(), f.now().Add(time.Second)
	f.update(func(tx store.Tx) error {
		if err := tx.PutClient(second); err != nil {
			return err
		}
		return tx.PutClient(first)
	})
	check := func(r store.Reader) error {
		list, err := r.Clients(account, region)
		f.equal("clients", list, []store.Client{first, second})
		if err != nil {
			return err
		}
		c, err := r.Client("c2")
		f.equal("client", c, second)
		return err
	}
	f.both(check)
	f.reopen()
	f.both(check)
	second.Previous, second.PreviousUntil, second.Token = second.Token, f.now().Add(time.Hour), secret()
	f.update(func(tx store.Tx) error { return tx.PutClient(second) })
	f.both(check)
	first.Revoked = f.now().Add(time.Minute)
	f.update(func(tx store.Tx) error { return tx.PutClient(first) })
	f.reopen()
	f.both(check)
	f.equal("clients elsewhere", len(read(f, func(r store.Reader) ([]store.Client, error) { return r.Clients(account, "x") })), 0)
}

func tags(f *fixture) {
	for _, want := range []map[string]string{{"a": "1", "b": ""}, {"b": "2"}, {}} {
		f.update(func(tx store.Tx) error {
			if err := tx.SetTags("arn:x", want); err != nil {
				return err
			}
			return tx.SetTags("arn:y", map[string]string{"other": "z"})
		})
		f.equal("tags", read(f, func(r store.Reader) (map[string]string, error) { return r.Tags("arn:x") }), want)
	}
}

func timers(f *fixture) {
	f.equal("next of none", f.nextTimer(), time.Time{})
	p := f.pipeline("p")
	e := f.startExecution(p)
	f.hint("the first timer")
	at := f.now().Add(24 * time.Hour)
	f.equal("next", f.nextTimer(), at)
	f.equal("due before", len(read(f, func(r store.Reader) ([]store.DueTimer, error) { return r.Due(at.Add(-time.Millisecond), 10) })), 0)
	f.reopen()
	due := read(f, func(r store.Reader) ([]store.DueTimer, error) { return r.Due(at, 10) })
	f.equal("due", len(due), 1)
	f.equal("timer", []any{due[0].PipelineID, due[0].At, due[0].Kind, due[0].Execution}, []any{p, at, engine.Alarm, e})
	f.advance(24 * time.Hour)
	f.step(p, engine.TimerFired{Timer: due[0].Timer})
	got := read(f, func(r store.Reader) (*engine.Execution, error) { return r.Execution(p, e) })
	f.equal("execution", got.Status, engine.Failed)
	f.equal("due after", len(read(f, func(r store.Reader) ([]store.DueTimer, error) { return r.Due(at, 10) })), 0)
	f.equal("jobs", len(f.claim(sourceLine, 1)), 0)
}

// clearedTimer removes the timer of an execution whose pipeline is not there any
// more.
func clearedTimer(f *fixture) {
	p := f.pipeline("p")
	f.startExecution(p)
	at := f.nextTimer()
	due := read(f, func(r store.Reader) ([]store.DueTimer, error) { return r.Due(at, 10) })
	f.update(func(tx store.Tx) error { return tx.DeletePipeline(p) })
	f.update(func(tx store.Tx) error { return tx.ClearTimer(due[0].Timer) })
	f.equal("next", f.nextTimer(), time.Time{})
	f.update(func(tx store.Tx) error { return tx.ClearTimer(due[0].Timer) }) // again
}

// hint waits until the driver tells of a timer.
func (f *fixture) hint(of string) {
	f.Helper()
	select {
	case <-f.d.Timers():
	case <-time.After(patience):
		f.Fatalf("no hint of %s", of)
	}
}

func (f *fixture) nextTimer() time.Time {
	f.Helper()
	return read(f, func(r store.Reader) (time.Time, error) { return r.NextTimer() })
}

// SecretsAtRest writes secrets through an open driver and searches for them in
// the bytes that raw returns, which are all that the database keeps.
func SecretsAtRest(t *testing.T, d store.Driver, raw func() []byte) {
	f := &fixture{T: t, start: time.Now().UTC().Truncate(time.Millisecond)}
	f.use(d)
	token := secret()
	f.update(func(tx store.Tx) error {
		return tx.PutClient(store.Client{ID: "c", Account: account, Region: region, Type: buildType, Token: token, Created: f.now()})
	})
	hook := webhook("w")
	f.update(func(tx store.Tx) error { return tx.PutWebhook(hook) })
	f.startExecution(f.pipeline("p"))
	f.work(sourceLine)
	f.work(buildLine)
	bytesAtRest := raw()
	if !bytes.Contains(bytesAtRest, []byte("Target")) {
		t.Error("the bytes do not even hold what is not secret")
	}
	for name, clear := range map[string]string{
		"client token": token, "configuration": "hunter2", "secret of a webhook": hook.Secret, "token of a webhook": hook.Token,
	} {
		if bytes.Contains(bytesAtRest, []byte(clear)) {
			t.Errorf("the %s lies in the database in clear text", name)
		}
	}
}

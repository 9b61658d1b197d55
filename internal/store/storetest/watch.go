package storetest

import (
	"time"

	"penstock/internal/store"
)

func watch(id int64, name, action, bucket, key string) store.Watch {
	return store.Watch{PipelineID: id, Account: account, Region: region, Name: name, Action: action, Bucket: bucket, Key: key}
}

func (f *fixture) watches() []store.Watch {
	f.Helper()
	return read(f, func(r store.Reader) ([]store.Watch, error) { return r.Watches() })
}

func (f *fixture) setWatches(id int64, w ...store.Watch) {
	f.Helper()
	f.update(func(tx store.Tx) error { return tx.SetWatches(id, w) })
}

func watches(f *fixture) {
	p, q := f.pipeline("p"), f.pipeline("q")
	a, b, c := watch(p, "p", "a", "bucket", "x"), watch(p, "p", "b", "bucket", "y"), watch(q, "q", "a", "bucket", "x")
	all := func(want ...store.Watch) {
		f.Helper()
		f.equal("watches", f.watches(), want)
	}
	f.setWatches(p, a, b)
	f.setWatches(q, c)
	all(a, b, c)
	f.equal("watches of an object", read(f, func(r store.Reader) ([]store.Watch, error) { return r.WatchesOf("bucket", "x") }), []store.Watch{a, c})
	f.update(func(tx store.Tx) error {
		if err := tx.Saw(p, "a", "v1"); err != nil {
			return err
		}
		return tx.Saw(p, "b", "v2")
	})
	moved := b
	moved.Key = "z"
	f.setWatches(p, a, moved)
	a.Seen = "v1"
	f.reopen()
	all(a, moved, c)
	f.setWatches(p)
	all(c)
}

// claim is ClaimRevision in an update of its own.
func (f *fixture) claimRevision(w store.Watch, revision string) (claimed bool) {
	f.Helper()
	f.update(func(tx store.Tx) (err error) {
		claimed, err = tx.ClaimRevision(w, revision)
		return err
	})
	return claimed
}

func watchProblems(f *fixture) {
	p := f.pipeline("p")
	a, b := watch(p, "p", "a", "bucket", "x"), watch(p, "p", "b", "bucket", "y")
	f.setWatches(p, b, a)
	problem := store.WatchProblem{Code: "ConfigurationError", Message: "It is not there.", Since: f.now()}
	f.update(func(tx store.Tx) error { return tx.SetWatchProblem(a, problem) })
	broken := a
	broken.Problem = problem
	f.reopen()
	f.equal("watches", read(f, func(r store.Reader) ([]store.Watch, error) { return r.PipelineWatches(p) }), []store.Watch{broken, b})
	f.setWatches(p, a, b)
	f.equal("watches that were set again", f.watches(), []store.Watch{broken, b})
	f.equal("a claim", f.claimRevision(a, "v1"), true)
	f.equal("the same claim", f.claimRevision(a, "v1"), false)
	f.equal("a claim of what was seen before", f.claimRevision(a, "v0"), false)
	a.Seen = "v1"
	f.equal("watches after the claim", f.watches(), []store.Watch{a, b})
	moved := a
	moved.Key = "z"
	f.equal("a claim of another key", f.claimRevision(moved, "v2"), false)
	f.update(func(tx store.Tx) error { return tx.SetWatchProblem(moved, problem) })
	f.equal("watches after a problem of another key", f.watches(), []store.Watch{a, b})
	for _, end := range []func(tx store.Tx) error{
		func(tx store.Tx) error { return tx.SetWatchProblem(a, store.WatchProblem{}) },
		func(tx store.Tx) error { return tx.Saw(p, "a", "v1") },
	} {
		f.update(func(tx store.Tx) error { return tx.SetWatchProblem(a, problem) })
		f.update(end)
		f.equal("watches after the problem", f.watches(), []store.Watch{a, b})
	}
}

func pollingStops(f *fixture) {
	p, q, silent := f.pipeline("p"), f.pipeline("q"), f.pipeline("r")
	count := func() int {
		f.Helper()
		return read(f, func(r store.Reader) (int, error) { return r.CountPolling(account, region) })
	}
	stopped := func(id int64) time.Time {
		f.Helper()
		return read(f, func(r store.Reader) (time.Time, error) { return r.PollingStopped(id) })
	}
	a, b, c := watch(p, "p", "a", "bucket", "x"), watch(p, "p", "b", "bucket", "y"), watch(q, "q", "a", "bucket", "x")
	f.setWatches(p, a, b)
	f.setWatches(q, c)
	f.setWatches(silent)
	f.equal("polling pipelines", count(), 2)
	f.equal("those elsewhere", read(f, func(r store.Reader) (int, error) { return r.CountPolling(account, "x") }), 0)
	f.equal("not stopped", stopped(p), time.Time{})
	f.update(func(tx store.Tx) error { return tx.StopPolling(p, f.now()) })
	f.reopen()
	f.equal("stopped", stopped(p), f.now())
	f.equal("watches", f.watches(), []store.Watch{c})
	f.equal("polling pipelines without the one that stopped", count(), 1)
	f.setWatches(p, a)
	f.equal("not stopped any more", stopped(p), time.Time{})
	f.equal("polling pipelines again", count(), 2)
	f.update(func(tx store.Tx) error { return tx.StopPolling(p, f.now()) })
	f.update(func(tx store.Tx) error { return tx.DeletePipeline(p) })
	f.equal("of a deleted pipeline", stopped(p), time.Time{})
}

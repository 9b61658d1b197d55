package storetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"penstock/internal/core/engine"
	"penstock/internal/store"
)

// entries reads the outbox after the given number and checks that the numbers
// have no gaps.
func (f *fixture) entries(after int64) []store.OutboxEntry {
	f.Helper()
	list := read(f, func(r store.Reader) ([]store.OutboxEntry, error) { return r.Outbox(after, 1000) })
	for i := range list {
		f.equal("number", list[i].Number, after+int64(i)+1)
	}
	return list
}

// told renders the changes of entries, one line each.
func (f *fixture) told(list []store.OutboxEntry) (lines []string) {
	f.Helper()
	for _, e := range list {
		changes, err := e.Changes()
		if err != nil {
			f.Fatal(err)
		}
		for _, c := range changes {
			at := c.Stage
			if c.Action != nil {
				at += "/" + c.Action.Name
			}
			lines = append(lines, fmt.Sprintf("%s %s %s", e.Pipeline.Name, at, c.State))
		}
	}
	return lines
}

func (f *fixture) span() (oldest, newest int64) {
	f.Helper()
	f.view(func(r store.Reader) (err error) {
		oldest, newest, err = r.OutboxSpan()
		return err
	})
	return oldest, newest
}

// outbox keeps what decisions emit, in their order, until it is purged.
func outbox(f *fixture) {
	if oldest, newest := f.span(); oldest != 0 || newest != 0 {
		f.Fatalf("span of an empty outbox: %d, %d", oldest, newest)
	}
	f.equal("before anything", read(f, func(r store.Reader) (int64, error) { return r.OutboxBefore(f.now()) }), int64(0))
	p, q := f.pipeline("p"), f.pipeline("q")
	f.startExecution(p)
	f.reopen()
	f.work(sourceLine)
	f.startExecution(q)
	err := f.d.Update(f.Context(), func(tx store.Tx) error {
		if _, err := f.s.Step(tx, p, engine.Start{}); err != nil {
			return err
		}
		return errRefused
	})
	f.equal("failed update", err, errRefused)
	f.reopen()
	f.work(sourceLine)
	list := f.entries(0)
	f.equal("what was told", f.told(list), []string{
		"p  STARTED", "p Source STARTED", "p Source/Fetch STARTED",
		"p Source/Fetch SUCCEEDED", "p Source SUCCEEDED", "p Build STARTED", "p Build/Make STARTED",
		"q  STARTED", "q Source STARTED", "q Source/Fetch STARTED",
		"q Source/Fetch SUCCEEDED", "q Source SUCCEEDED", "q Build STARTED", "q Build/Make STARTED",
	})
	f.equal("pipeline", list[2].Pipeline, engine.Pipeline{ID: q, Account: account, Region: region, Name: "q"})
	f.equal("after the second", f.told(f.entries(2)), f.told(list[2:]))
	page := read(f, func(r store.Reader) ([]store.OutboxEntry, error) { return r.Outbox(1, 2) })
	f.equal("page", page, list[1:3])
	for _, tc := range []struct {
		at   time.Time
		want int64
	}{{time.Now().Add(-time.Hour), 0}, {time.Now().Add(time.Hour), 4}} {
		got := read(f, func(r store.Reader) (int64, error) { return r.OutboxBefore(tc.at) })
		f.equal("entries before "+tc.at.String(), got, tc.want)
	}

	purge := func(now time.Time) {
		f.update(func(tx store.Tx) error {
			_, err := tx.Purge(now, 100)
			return err
		})
	}
	purge(time.Now().Add(23 * time.Hour))
	f.equal("what is kept for a day", len(f.entries(0)), 4)
	purge(time.Now().Add(25 * time.Hour))
	if oldest, newest := f.span(); oldest != 4 || newest != 4 {
		f.Errorf("span after the purge: %d, %d", oldest, newest)
	}
	f.reopen()
	f.startExecution(p)
	f.equal("the next number", f.entries(4)[0].Number, int64(5))
}

// outboxOfDeleted: entries outlive the pipeline that they tell of, and keep
// its name.
func outboxOfDeleted(f *fixture) {
	p := f.pipeline("p")
	f.startExecution(p)
	f.update(func(tx store.Tx) error { return tx.DeletePipeline(p) })
	for range 3 {
		f.update(func(tx store.Tx) error {
			_, err := tx.Purge(f.now(), 100)
			return err
		})
	}
	want := engine.Pipeline{ID: p, Account: account, Region: region, Name: "p"}
	f.equal("pipeline of the entry", f.entries(0)[0].Pipeline, want)
	again := f.pipeline("p")
	f.startExecution(again)
	list := f.entries(0)
	f.equal("pipelines of the entries", []engine.Pipeline{list[0].Pipeline, list[1].Pipeline},
		[]engine.Pipeline{want, {ID: again, Account: account, Region: region, Name: "p"}})
}

func awaitOutbox(f *fixture) {
	p := f.pipeline("p")
	ctx, cancel := context.WithTimeout(f.Context(), patience)
	defer cancel()
	const waiters = 3
	woken := make(chan error, waiters)
	for range waiters {
		go func() { woken <- f.d.AwaitOutbox(ctx, 0) }()
	}
	f.startExecution(p)
	for range waiters {
		if err := <-woken; err != nil {
			f.Fatal(err)
		}
	}
	f.equal("wait for what is there", f.d.AwaitOutbox(ctx, 0), nil)
	f.reopen()
	f.equal("wait for what was there before", f.d.AwaitOutbox(ctx, 0), nil)
	ended, end := context.WithCancel(ctx)
	end()
	if err := f.d.AwaitOutbox(ended, 1); !errors.Is(err, context.Canceled) {
		f.Errorf("wait for what never comes: %v", err)
	}
}

// outboxAfterJobs: who sees that an action has started can claim its job.
func outboxAfterJobs(f *fixture) {
	const runs = 60
	ctx, cancel := context.WithTimeout(f.Context(), patience)
	defer cancel()
	failed := make(chan error, 1)
	go func() {
		failed <- func() error {
			after := int64(0)
			for range runs {
				var list []store.OutboxEntry
				for len(list) == 0 && ctx.Err() == nil { // no wait: it must hold at any moment
					err := f.d.View(ctx, func(r store.Reader) (err error) {
						list, err = r.Outbox(after, 1)
						return err
					})
					if err != nil {
						return err
					}
				}
				jobs, err := f.d.Claim(ctx, sourceLine, 1, f.now(), window)
				if err != nil || len(jobs) != 1 {
					return fmt.Errorf("entry %d is visible, and %d jobs can be claimed (%v)", after+1, len(jobs), err)
				}
				after++
			}
			return nil
		}()
	}()
	for i := range runs {
		f.startExecution(f.pipeline(fmt.Sprint("p", i)))
	}
	if err := <-failed; err != nil {
		f.Error(err)
	}
}

func sinkCursors(f *fixture) {
	f.both(func(r store.Reader) error {
		if _, err := r.SinkCursor("a"); !errors.Is(err, store.ErrNotFound) {
			f.Errorf("cursor of a new sink: %v", err)
		}
		return nil
	})
	for _, n := range []int64{7, 9} {
		f.update(func(tx store.Tx) error {
			if err := tx.SetSinkCursor("a", n); err != nil {
				return err
			}
			return tx.SetSinkCursor("b", 1)
		})
		f.reopen()
		f.equal("cursor", read(f, func(r store.Reader) (int64, error) { return r.SinkCursor("a") }), n)
		f.equal("cursor of another", read(f, func(r store.Reader) (int64, error) { return r.SinkCursor("b") }), int64(1))
	}
}

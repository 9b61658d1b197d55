package event

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"penstock/internal/store"
)

// Sink takes events.
type Sink interface {
	// Deliver hands over events in their order. It returns how many of them
	// the sink has taken for good, counted from the first; when that is not
	// all, err says why.
	Deliver(ctx context.Context, events []Event) (taken int, err error)
	// Close ends the use of the sink.
	Close() error
}

// Meter counts what a feed does.
type Meter interface {
	Delivered(events int)
	Failed()               // an attempt that left events behind
	Lost(entries int64)    // outbox entries that were purged before the sink took them
	Waiting(entries int64) // outbox entries that the sink has yet to take
}

// Feed brings the outbox to one sink: Load it, then Run it.
type Feed struct {
	Name  string // of the sink: its cursor is kept under it
	Sink  Sink
	Store *store.Store
	Log   *slog.Logger
	Meter Meter
	// Render makes the events of an entry; nil is the function Render.
	Render func(store.Reader, *store.OutboxEntry) ([]Event, error)
	// Pause waits for d or until ctx ends; nil waits by the clock.
	Pause func(ctx context.Context, d time.Duration)

	read     int64 // entries up to here were read, or are lost
	taken    int64 // entries up to here were taken by the sink
	saved    int64 // the durable cursor
	savedAt  time.Time
	failures int // in a row
}

const (
	// readEntries bounds what a feed holds in memory.
	readEntries = 64
	// saveEvery bounds what is delivered again after a crash. Each save is a
	// transaction, so not every event has its own.
	saveEvery = time.Second
	// slowPoll is how late an event can be whose notice was lost.
	slowPoll = time.Minute

	firstRetry = 500 * time.Millisecond
	lastRetry  = time.Minute
)

// Load finds the cursor. A new sink starts with the event that comes next.
func (f *Feed) Load(ctx context.Context) error {
	err := f.Store.Update(ctx, func(tx store.Tx) (err error) {
		if f.saved, err = tx.SinkCursor(f.Name); !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if _, f.saved, err = tx.OutboxSpan(); err != nil {
			return err
		}
		return tx.SetSinkCursor(f.Name, f.saved)
	})
	f.read, f.taken = f.saved, f.saved
	return err
}

// Run feeds the sink until ctx ends. It returns only then: what fails is tried
// again.
func (f *Feed) Run(ctx context.Context) {
	if f.Pause == nil {
		f.Pause = pause
	}
	for ctx.Err() == nil {
		f.step(ctx)
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := f.save(last); err != nil {
		f.Log.Warn("the cursor of an event sink was not saved; some events will be delivered again", "sink", f.Name, "error", err)
	}
}

// step delivers what there is, or waits for more.
func (f *Feed) step(ctx context.Context) {
	before := f.read
	events, err := f.next(ctx)
	if err != nil {
		f.failed(ctx, "the outbox cannot be read", err)
		return
	}
	if !f.deliver(ctx, events) {
		return
	}
	f.taken = f.read // also entries without events, and those that are lost
	if f.failures > 0 {
		f.failures = 0
		f.Log.Info("an event sink works again", "sink", f.Name)
	}
	if f.saved != f.taken && f.Store.Now().Sub(f.savedAt) >= saveEvery {
		if err := f.save(ctx); err != nil {
			f.failed(ctx, "the cursor of an event sink cannot be saved", err)
			return
		}
	}
	if f.read == before {
		f.wait(ctx)
	}
}

// deliver gives the events to the sink until it has taken all, and reports
// whether it has before ctx ended.
func (f *Feed) deliver(ctx context.Context, events []Event) bool {
	for len(events) > 0 {
		n, err := f.Sink.Deliver(ctx, events)
		for _, e := range events[:n] {
			if e.last {
				f.taken = e.entry
			}
		}
		f.Meter.Delivered(n)
		if events = events[n:]; err == nil {
			continue
		}
		if ctx.Err() != nil {
			return false
		}
		f.Meter.Failed()
		if err := errors.Join(f.save(ctx), f.Store.View(ctx, f.behind)); err != nil {
			f.Log.Warn("the cursor of an event sink cannot be kept", "sink", f.Name, "error", err)
		}
		f.failed(ctx, "an event sink takes no events; they wait", err)
	}
	return ctx.Err() == nil
}

// next reads entries and renders them.
func (f *Feed) next(ctx context.Context) (events []Event, err error) {
	read, render := f.read, f.Render
	if render == nil {
		render = Render
	}
	err = f.Store.View(ctx, func(r store.Reader) error {
		if err := f.behind(r); err != nil {
			return err
		}
		events, read = nil, f.read
		entries, err := r.Outbox(read, readEntries)
		for i := range entries {
			if err != nil {
				break
			}
			var more []Event
			more, err = render(r, &entries[i])
			for k := range more {
				more[k].entry, more[k].last = entries[i].Number, k == len(more)-1
			}
			events, read = append(events, more...), entries[i].Number
		}
		return err
	})
	if err == nil {
		f.read = read
	}
	return events, err
}

// behind notices what the purge has taken away before the sink could.
func (f *Feed) behind(r store.Reader) error {
	oldest, newest, err := r.OutboxSpan()
	if err != nil {
		return err
	}
	if lost := oldest - 1 - f.read; oldest > 0 && lost > 0 {
		f.read = oldest - 1
		f.Meter.Lost(lost)
		f.Log.Error("events were removed before the sink took them: it was away for longer than they are kept",
			"sink", f.Name, "decisions", lost, "next", oldest)
	}
	f.Meter.Waiting(max(newest-f.taken, 0))
	return nil
}

// save makes the cursor durable.
func (f *Feed) save(ctx context.Context) error {
	taken := f.taken
	if taken == f.saved {
		return nil
	}
	err := f.Store.Update(ctx, func(tx store.Tx) error { return tx.SetSinkCursor(f.Name, taken) })
	if err == nil {
		f.saved, f.savedAt = taken, f.Store.Now()
	}
	return err
}

// wait waits for more entries, or until the cursor is to be saved.
func (f *Feed) wait(ctx context.Context) {
	limit := slowPoll
	if f.saved != f.taken {
		limit = saveEvery
	}
	waiting, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	_ = f.Store.AwaitOutbox(waiting, f.read) // its error is that the time is over
}

// failed tells of a failure and pauses, longer after each one in a row.
func (f *Feed) failed(ctx context.Context, what string, err error) {
	if ctx.Err() != nil {
		return
	}
	d := backoff(f.failures)
	f.failures++
	f.Log.Warn(what, "sink", f.Name, "error", err, "attempt", f.failures, "again_in", d.Round(time.Millisecond))
	f.Pause(ctx, d)
}

// backoff doubles from firstRetry to lastRetry; half of it is by chance, so
// that senders who failed together do not come back together.
func backoff(failures int) time.Duration {
	d := lastRetry
	if failures < 7 { // 500 ms × 2⁷ is over a minute
		d = firstRetry << failures
	}
	return d/2 + rand.N(d/2)
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

package eventbridge

import (
	"context"
	"errors"
	"time"

	"penstock/internal/event"
	"penstock/internal/store"
)

const (
	// sinkName is what the store keeps the place in the outbox under. All
	// servers on a database share it: who moves it on starts what is between.
	sinkName    = "event rules"
	readEntries = 64
	// maxStarts bounds what one transaction starts, give or take an entry.
	maxStarts = 50
	// saveAfter bounds what is read again after a crash of entries that no
	// rule was for.
	saveAfter = 500
	// slowPoll is how late a state change can be whose notice was lost.
	slowPoll = time.Minute
	// rulePoll is how late the first state change can be that the first rule
	// of all is for: while there is none, the outbox is read no more often.
	rulePoll   = time.Second
	retryAfter = time.Second
)

// Follower brings the state changes of pipelines to the rules: Load it, then
// Run it.
type Follower struct {
	bus    *Bus
	cursor int64 // the durable place, as it was read last
	read   int64 // entries up to here were looked at
	idle   bool  // there has never been a rule
}

// NewFollower returns the follower of a bus.
func NewFollower(b *Bus) *Follower { return &Follower{bus: b} }

// Load makes sure that there is a place: at first it is behind what there is.
func (f *Follower) Load(ctx context.Context) error {
	return f.bus.store.Update(ctx, func(tx store.Tx) error {
		if _, err := tx.SinkCursor(sinkName); !errors.Is(err, store.ErrNotFound) {
			return err
		}
		_, newest, err := tx.OutboxSpan()
		if err != nil {
			return err
		}
		_, err = tx.AdvanceSinkCursor(sinkName, 0, newest)
		return err
	})
}

// Run follows until ctx ends.
func (f *Follower) Run(ctx context.Context) {
	for ctx.Err() == nil {
		more, err := f.Step(ctx)
		wait := slowPoll
		switch {
		case ctx.Err() != nil:
		case err != nil:
			f.bus.log.Error("state changes did not reach the rules; they will", "error", err)
			wait = retryAfter
			fallthrough
		case !more:
			f.wait(ctx, wait, err == nil)
		}
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := f.save(last); err != nil {
		f.bus.log.Warn("the place in the outbox was not saved; some state changes will be looked at again", "error", err)
	}
}

// wait waits for more entries, or only for the time.
func (f *Follower) wait(ctx context.Context, d time.Duration, entries bool) {
	waiting, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	if !entries {
		<-waiting.Done()
		return
	}
	if f.idle {
		pause := time.NewTimer(rulePoll)
		defer pause.Stop()
		select {
		case <-pause.C:
		case <-ctx.Done():
			return
		}
	}
	_ = f.bus.store.AwaitOutbox(waiting, f.read) // its error is that the time is over
}

// Step looks at the next entries, starts what they start, and reports whether
// there may be more.
func (f *Follower) Step(ctx context.Context) (more bool, err error) {
	var starts []start
	upto := int64(0)
	err = f.bus.store.View(ctx, func(r store.Reader) error {
		if f.cursor, err = r.SinkCursor(sinkName); err != nil {
			return err
		}
		f.read = max(f.read, f.cursor)
		upto, starts = f.read, nil
		version, err := r.EventRuleVersion()
		if err != nil {
			return err
		}
		if f.idle = version == 0; f.idle {
			_, newest, err := r.OutboxSpan()
			upto = max(upto, newest)
			return err
		}
		entries, err := r.Outbox(f.read, readEntries)
		for i := 0; i < len(entries) && len(starts) < maxStarts && err == nil; i++ {
			starts, err = f.bus.entry(r, &entries[i], starts)
			upto = entries[i].Number
		}
		more = len(entries) == readEntries || len(starts) > 0
		return err
	})
	if err != nil {
		return false, err
	}
	if len(starts) == 0 {
		f.read = upto
		if f.read-f.cursor >= saveAfter {
			err = f.save(ctx)
		}
		return more, err
	}
	var done []outcome
	err = f.bus.store.Update(ctx, func(tx store.Tx) error {
		done = nil
		moved, err := tx.AdvanceSinkCursor(sinkName, f.cursor, upto)
		if err != nil || !moved { // another server was faster
			return err
		}
		done, err = f.bus.startAll(tx, starts)
		return err
	})
	f.bus.tell(done, err)
	return true, err
}

// save moves the durable place on over entries that no rule was for.
func (f *Follower) save(ctx context.Context) error {
	if f.read == f.cursor {
		return nil
	}
	return f.bus.store.Update(ctx, func(tx store.Tx) error {
		_, err := tx.AdvanceSinkCursor(sinkName, f.cursor, f.read)
		return err
	})
}

// entry adds what the state changes of an outbox entry start to list.
func (b *Bus) entry(r store.Reader, e *store.OutboxEntry, list []start) ([]start, error) {
	listeners, err := b.rules.at(r, e.Pipeline.Account, e.Pipeline.Region)
	if err != nil || len(listeners) == 0 {
		return list, err
	}
	changes, err := e.Changes()
	if err != nil {
		return nil, err
	}
	rendered, err := event.Render(r, e)
	if err != nil {
		return nil, err
	}
	for i := range rendered {
		ev, err := readEvent(e.Pipeline.Account, e.Pipeline.Region, rendered[i].JSON, changes[i].At)
		if err != nil {
			return nil, err
		}
		before := len(list)
		if list, err = b.matches(r, ev, list); err != nil {
			return nil, err
		}
		if len(list) == before {
			continue
		}
		x, err := r.Execution(e.Pipeline.ID, changes[i].Execution)
		switch {
		case err == nil:
			ev.chain = x.Chain + 1
		case !errors.Is(err, store.ErrNotFound):
			return nil, err
		}
	}
	return list, nil
}

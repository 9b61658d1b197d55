package store

import (
	"bytes"
	"context"
	"time"

	"penstock/internal/core/engine"
)

// OutboxEntry holds the state changes of one decision.
type OutboxEntry struct {
	// Number counts the decisions that changed a state, over all pipelines
	// and without gaps; those of one pipeline are in the order in which they
	// were taken.
	Number int64
	// Pipeline is what the changes are about. It has no name when the
	// pipeline was deleted so long ago that nothing is known of it.
	Pipeline engine.Pipeline
	doc      []byte
}

// NewOutboxEntry is for drivers; doc is what AppendStateChanges wrote.
func NewOutboxEntry(number int64, p engine.Pipeline, doc []byte) OutboxEntry {
	return OutboxEntry{Number: number, Pipeline: p, doc: doc}
}

// Changes returns the state changes in their order.
func (e *OutboxEntry) Changes() ([]engine.StateChange, error) { return DecodeStateChanges(e.doc) }

// Requests reports whether the changes may open approvals that have a topic,
// for less than it takes to read them.
func (e *OutboxEntry) Requests() bool { return bytes.Contains(e.doc, []byte(`"Request":{`)) }

// OutboxReader reads the outbox and how far its sinks are. An entry is visible
// when the jobs that its decision opened can be claimed, not before.
type OutboxReader interface {
	// Outbox lists the visible entries after the given number, oldest first.
	Outbox(after int64, limit int) ([]OutboxEntry, error)
	// OutboxSpan returns the numbers of the oldest entry that is kept and of
	// the newest that is visible; 0, 0 when there has never been one.
	OutboxSpan() (oldest, newest int64, err error)
	// OutboxBefore returns the number of the newest visible entry that was
	// made before t; when none that is kept was, the number before the oldest.
	OutboxBefore(t time.Time) (int64, error)
	// SinkCursor returns the number up to which the sink has taken entries;
	// ErrNotFound for a sink that never had a cursor.
	SinkCursor(sink string) (int64, error)
}

// OutboxWriter keeps how far the sinks are. Entries come by Apply and go by
// Purge, whether they were taken or not.
type OutboxWriter interface {
	SetSinkCursor(sink string, number int64) error
	// AdvanceSinkCursor moves the cursor of a sink that several servers may
	// feed, and reports false, without doing so, when it does not stand at from
	// any more. A sink that never had a cursor stands at 0.
	AdvanceSinkCursor(sink string, from, to int64) (moved bool, err error)
}

// OutboxWaiter waits for entries.
type OutboxWaiter interface {
	// AwaitOutbox waits until an entry after the given number is visible. It
	// is a hint: it may return for nothing and may miss one. It returns
	// ctx.Err() when ctx ends first.
	AwaitOutbox(ctx context.Context, after int64) error
}

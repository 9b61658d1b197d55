package sqlite

import (
	"penstock/internal/core/engine"
	"penstock/internal/store"
)

// insertOutbox keeps the state changes of one decision for the sinks of
// events, as one row.
func (t *txn) insertOutbox(pipelineID int64, changes []engine.Change) error {
	t.d.buf = store.AppendStateChanges(t.d.buf[:0], changes)
	return t.tx.Exec(`INSERT INTO outbox (pipeline_id, at, doc) VALUES (?, ?, ?)`, pipelineID, millis(t.now), t.d.buf)
}

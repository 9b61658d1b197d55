package sqlite

import (
	"context"
	"time"

	"penstock/internal/core/engine"
	"penstock/internal/sqlite"
	"penstock/internal/store"
)

// insertOutbox keeps the state changes of one decision for the sinks of
// events, as one row.
func (t *txn) insertOutbox(pipelineID int64, changes []engine.Change) error {
	t.d.buf = store.AppendStateChanges(t.d.buf[:0], changes)
	if err := t.tx.Exec(`INSERT INTO outbox (pipeline_id, at, doc) VALUES (?, ?, ?)`, pipelineID, millis(t.now), t.d.buf); err != nil {
		return err
	}
	t.atCommit()
	t.outbox = t.tx.LastInsertID()
	return nil
}

// loadOutbox makes all that was committed before the start visible.
func (d *Driver) loadOutbox(tx *sqlite.Tx) error {
	r, ok := tx.QueryRow(`SELECT max(seq) FROM outbox`)
	if ok && !r.IsNull(0) {
		d.newest = r.Int64(0)
		d.outbox.set(d.newest)
	}
	return r.Err()
}

// showOutbox tells that what is durable can be read now. It runs after the
// board has changed: jobs can be claimed before their events are seen.
func (d *Driver) showOutbox() {
	if d.newest > d.outbox.get() {
		d.outbox.set(d.newest)
	}
}

// shown is the newest entry of the outbox that may be read. The writer reads what
// is durable, which others see a little later.
func (v *reader) shown() int64 {
	if v.writer {
		return v.d.newest
	}
	return v.d.outbox.get()
}

// AwaitOutbox implements store.OutboxWaiter.
func (d *Driver) AwaitOutbox(ctx context.Context, after int64) error {
	return d.outbox.await(ctx, after)
}

// Outbox implements store.OutboxReader. A committed row becomes visible when
// its commit has put the jobs on the board.
func (v *reader) Outbox(after int64, limit int) ([]store.OutboxEntry, error) {
	rows := v.tx.Query(`SELECT o.seq, o.pipeline_id, o.doc,
			coalesce(p.account, f.account, ''), coalesce(p.region, f.region, ''), coalesce(p.name, f.name, '')
		FROM outbox o
		LEFT JOIN pipeline p ON p.id = o.pipeline_id
		LEFT JOIN former_pipeline f ON f.id = o.pipeline_id
		WHERE o.seq > ? ORDER BY o.seq LIMIT ?`, after, limit)
	defer rows.Close()
	shown := v.shown() // after Query, which may make more visible
	var list []store.OutboxEntry
	for rows.Next() && rows.Int64(0) <= shown {
		list = append(list, store.NewOutboxEntry(rows.Int64(0), engine.Pipeline{
			ID: rows.Int64(1), Account: rows.Text(3), Region: rows.Text(4), Name: rows.Text(5),
		}, rows.Blob(2)))
	}
	return list, rows.Err()
}

// OutboxSpan implements store.OutboxReader.
func (v *reader) OutboxSpan() (oldest, newest int64, err error) {
	r, ok := v.tx.QueryRow(`SELECT (SELECT min(seq) FROM outbox), (SELECT max(seq) FROM outbox)`)
	if !ok || r.IsNull(0) {
		return 0, 0, r.Err()
	}
	newest = min(r.Int64(1), v.shown())
	return min(r.Int64(0), newest), newest, nil
}

// OutboxBefore implements store.OutboxReader. Rows have no index on their
// time; as it grows with their number, it is searched by halves.
func (v *reader) OutboxBefore(t time.Time) (int64, error) {
	low, high, err := v.OutboxSpan()
	if err != nil || low == 0 {
		return 0, err
	}
	for low <= high {
		mid := low + (high-low)/2
		r, ok := v.tx.QueryRow(`SELECT at FROM outbox WHERE seq = ?`, mid)
		if err := r.Err(); err != nil {
			return 0, err
		}
		if !ok || r.Int64(0) < millis(t) {
			low = mid + 1
		} else {
			high = mid - 1
		}
	}
	return high, nil
}

// SinkCursor implements store.OutboxReader.
func (v *reader) SinkCursor(sink string) (int64, error) {
	r, ok := v.tx.QueryRow(`SELECT seq FROM event_sink WHERE name = ?`, sink)
	if !ok {
		return 0, missing(r)
	}
	return r.Int64(0), nil
}

// SetSinkCursor implements store.OutboxWriter.
func (t *txn) SetSinkCursor(sink string, number int64) error {
	return t.tx.Exec(`INSERT INTO event_sink (name, seq) VALUES (?, ?)
		ON CONFLICT (name) DO UPDATE SET seq = excluded.seq`, sink, number)
}

// AdvanceSinkCursor implements store.OutboxWriter.
func (t *txn) AdvanceSinkCursor(sink string, from, to int64) (bool, error) {
	err := t.tx.Exec(`INSERT INTO event_sink (name, seq) VALUES (?, ?)
		ON CONFLICT (name) DO UPDATE SET seq = excluded.seq WHERE event_sink.seq = ?`, sink, to, from)
	return t.tx.Changes() > 0, err
}

// bury removes a pipeline of which no history is left, but for its name.
func (t *txn) bury(pipelineID int64) error {
	err := t.tx.Exec(`INSERT INTO former_pipeline (id, account, region, name, removed)
		SELECT id, account, region, name, ? FROM pipeline WHERE id = ?`, millis(t.now), pipelineID)
	if err != nil {
		return err
	}
	return t.tx.Exec(`DELETE FROM pipeline WHERE id = ?`, pipelineID)
}

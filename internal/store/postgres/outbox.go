package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"penstock/internal/core/engine"
	"penstock/internal/store"
)

// numberedAtOnce bounds the rows that get their numbers in one step.
const numberedAtOnce = 2000

// numberPause is how long rows gather that get their numbers in one step, when
// somebody waits for them.
const numberPause = 20 * time.Millisecond

// insertOutbox keeps the state changes of one decision for the sinks of
// events, as one row. It gets its number when somebody looks.
func (t *txn) insertOutbox(pipelineID int64, changes []engine.Change) error {
	t.emitted = true
	return t.put(row{}, `INSERT INTO outbox (pipeline_id, at, doc)
		SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[]) LIMIT $4`,
		pipelineID, millis(t.now), store.AppendStateChanges(nil, changes))
}

// numberOutbox gives numbers to the rows that were committed since the last
// time. A row is seen here together with all rows of its pipeline from before,
// since each is written under the lock of the pipeline; so that the order of
// seq among those that are new keeps the order of each pipeline, and numbers
// have no gaps whatever the order of the commits was.
func (d *Driver) numberOutbox(ctx context.Context) error {
	for {
		// From the end: before it are the index entries of rows that got theirs.
		var seq int64
		err := d.pool.QueryRow(ctx, `SELECT seq FROM outbox WHERE number IS NULL ORDER BY seq DESC LIMIT 1`).Scan(&seq)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return plain(d.closing(err))
		}
		err = pgx.BeginFunc(ctx, d.pool, func(tx pgx.Tx) error {
			// The rows are looked for by a statement of its own: what was
			// committed while it waited for the lock is numbered, too.
			if _, err := tx.Exec(ctx, `SELECT number FROM outbox_number FOR UPDATE`); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, `WITH fresh AS (SELECT seq, row_number() OVER (ORDER BY seq) AS place
					FROM (SELECT seq FROM outbox WHERE number IS NULL ORDER BY seq LIMIT $1) new),
				numbered AS (UPDATE outbox SET number = outbox_number.number + fresh.place
					FROM fresh, outbox_number WHERE outbox.seq = fresh.seq RETURNING 1)
				UPDATE outbox_number SET number = number + (SELECT count(*) FROM numbered)`, numberedAtOnce)
			return err
		})
		if err != nil {
			return plain(d.closing(err))
		}
	}
}

// AwaitOutbox implements store.OutboxWaiter.
func (d *Driver) AwaitOutbox(ctx context.Context, after int64) error {
	for {
		rung := d.outbox.next()
		if err := d.numberOutbox(ctx); err != nil {
			return err
		}
		var newest int64
		if err := d.pool.QueryRow(ctx, `SELECT number FROM outbox_number`).Scan(&newest); err != nil {
			return plain(d.closing(err))
		}
		if newest > after {
			return nil
		}
		if err := wait(ctx, rung); err != nil {
			return err
		}
		select { // for more to come
		case <-time.After(numberPause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Outbox implements store.OutboxReader. Who sees an entry can claim its jobs:
// what this node knew of empty queues is forgotten.
func (v *reader) Outbox(after int64, limit int) ([]store.OutboxEntry, error) {
	ctx, done := context.WithTimeout(v.d.alive, patience)
	defer done()
	if err := v.d.numberOutbox(ctx); err != nil {
		return nil, err
	}
	var list []store.OutboxEntry
	err := v.query(`SELECT o.number, o.pipeline_id, o.doc,
			coalesce(p.account, f.account, ''), coalesce(p.region, f.region, ''), coalesce(p.name, f.name, '')
		FROM outbox o
		LEFT JOIN pipeline p ON p.id = o.pipeline_id
		LEFT JOIN former_pipeline f ON f.id = o.pipeline_id
		WHERE o.number > $1 ORDER BY o.number LIMIT $2`, func(r pgx.Rows) error {
		var number int64
		var p engine.Pipeline
		var doc []byte
		err := r.Scan(&number, &p.ID, &doc, &p.Account, &p.Region, &p.Name)
		list = append(list, store.NewOutboxEntry(number, p, doc))
		return err
	}, after, limit)
	if len(list) > 0 {
		v.d.room.forget()
	}
	return list, err
}

// OutboxSpan implements store.OutboxReader.
func (v *reader) OutboxSpan() (oldest, newest int64, err error) {
	ctx, done := context.WithTimeout(v.d.alive, patience)
	defer done()
	if err := v.d.numberOutbox(ctx); err != nil {
		return 0, 0, err
	}
	err = v.query(`SELECT coalesce((SELECT number FROM outbox WHERE number IS NOT NULL ORDER BY number LIMIT 1), 0),
		coalesce((SELECT number FROM outbox WHERE number IS NOT NULL ORDER BY number DESC LIMIT 1), 0)`,
		func(r pgx.Rows) error { return r.Scan(&oldest, &newest) })
	return oldest, newest, err
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
		at, err := v.number(`SELECT at FROM outbox WHERE number = $1`, mid)
		if err != nil {
			return 0, err
		}
		if at < millis(t) {
			low = mid + 1
		} else {
			high = mid - 1
		}
	}
	return high, nil
}

// SinkCursor implements store.OutboxReader.
func (v *reader) SinkCursor(sink string) (number int64, err error) {
	err = v.one(`SELECT seq FROM event_sink WHERE name = $1`, func(r pgx.Rows) error { return r.Scan(&number) }, sink)
	return number, err
}

// SetSinkCursor implements store.OutboxWriter.
func (t *txn) SetSinkCursor(sink string, number int64) error {
	return t.write(`INSERT INTO event_sink (name, seq) VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE SET seq = excluded.seq`, sink, number)
}

// AdvanceSinkCursor implements store.OutboxWriter.
func (t *txn) AdvanceSinkCursor(sink string, from, to int64) (bool, error) {
	n, err := t.affected(`INSERT INTO event_sink (name, seq) VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE SET seq = excluded.seq WHERE event_sink.seq = $3`, sink, to, from)
	return n > 0, err
}

// bury removes a pipeline of which no history is left, but for its name.
func (t *txn) bury(pipelineID int64) error {
	err := t.write(`INSERT INTO former_pipeline (id, account, region, name, removed)
		SELECT id, account, region, name, $1 FROM pipeline WHERE id = $2`, millis(t.now), pipelineID)
	if err != nil {
		return err
	}
	return t.write(`DELETE FROM pipeline WHERE id = $1`, pipelineID)
}

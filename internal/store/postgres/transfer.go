package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"penstock/internal/migration"
	"penstock/internal/store"
	"penstock/internal/transfer"
)

// derivedTables are not carried from database to database, and why.
var derivedTables = map[string]string{
	"meta":             "the canary of the master key, made by the first node",
	"outbox_number":    "the newest number of the outbox",
	"node":             "the nodes of this database",
	"turn":             "turns of clients need not outlive anything",
	"schema_migration": "each database has its own schema",
}

// derivedColumns are made anew.
var derivedColumns = map[string]string{
	"pipeline.change":  "no memory of it outlives the process",
	"execution.live":   "is in the pipeline's state",
	"job.pipeline_id":  "is in the job's document",
	"job.hidden_until": "hand-outs are not carried",
	"job.lease":        "nodes are not carried",
	"outbox.seq":       "the order of insertion",
}

// noLease is that of no node: what carries it is taken over at once.
const noLease = -1

// numberedOutbox is the outbox with the numbers that the rows would get if it
// was read now.
const numberedOutbox = `(SELECT coalesce(number, (SELECT number FROM outbox_number)
		+ row_number() OVER (PARTITION BY number IS NULL ORDER BY seq)) AS number, pipeline_id, at, doc FROM outbox) AS outbox`

// sequences are those whose numbers people or rows of other tables may know.
const sequences = `(SELECT name, value FROM (VALUES
		('audit', pg_sequence_last_value(pg_get_serial_sequence('audit', 'seq')::regclass)),
		('pipeline', pg_sequence_last_value(pg_get_serial_sequence('pipeline', 'id')::regclass)),
		('webhook', pg_sequence_last_value(pg_get_serial_sequence('webhook', 'id')::regclass))) AS s(name, value)
	WHERE value IS NOT NULL) AS sequence`

// selects is the statement that reads the table in the order of its key.
func selects(t transfer.Table) string {
	switch t.Name {
	case "outbox":
		t.Name = numberedOutbox
	case "sequence":
		t.Name = sequences
	}
	return t.Select()
}

// Export writes the state in the database at url, which may be in use, as of
// one moment. progress, if set, is told how many rows there were.
func Export(ctx context.Context, url string, sealer store.Sealer, out io.Writer, progress func(int64)) (sum transfer.Sum, err error) {
	err = onSchema(ctx, url, func(conn *pgx.Conn) error {
		return pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
			if err := upToDate(ctx, tx); err != nil {
				return err
			}
			if err := sameKey(ctx, tx, sealer); err != nil {
				return err
			}
			w, err := transfer.NewWriter(out, transfer.Header{
				Kind: store.StateKind, Created: time.Now().UTC().Truncate(time.Second), Source: "postgres", Key: store.SealCanary(sealer),
			})
			if err != nil {
				return err
			}
			w.Progress = progress
			if err := dump(ctx, tx, w); err != nil {
				return err
			}
			_, sum, err = w.Close()
			return err
		})
	})
	return sum, err
}

// upToDate refuses a schema that is not this version's.
func upToDate(ctx context.Context, tx pgx.Tx) error {
	seen, err := appliedMigrations(ctx, tx)
	if err != nil {
		return err
	}
	list, err := migration.Applied(migrations, seen)
	if err != nil {
		return err
	}
	return migration.Current(list)
}

// sameKey refuses a master key that is not the database's. One that no node
// has worked on has none.
func sameKey(ctx context.Context, tx pgx.Tx, sealer store.Sealer) error {
	var kept []byte
	err := tx.QueryRow(ctx, `SELECT value FROM meta WHERE name = 'key'`).Scan(&kept)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	if clear, err := sealer.Open(string(kept), "key"); err != nil || string(clear) != canary {
		return errKey
	}
	return nil
}

func dump(ctx context.Context, tx pgx.Tx, w *transfer.Writer) error {
	for _, t := range store.TransferTables {
		if err := dumpTable(ctx, tx, w, t); err != nil {
			return fmt.Errorf("table %s: %w", t.Name, err)
		}
	}
	return nil
}

func dumpTable(ctx context.Context, tx pgx.Tx, w *transfer.Writer, t transfer.Table) error {
	if err := w.Begin(t); err != nil {
		return err
	}
	rows, err := tx.Query(ctx, selects(t))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			return err
		}
		if err := w.Row(values); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return w.End()
}

// Import loads a state into the database at url, which must be empty and have
// no node at work: all of it or nothing.
func Import(ctx context.Context, url string, sealer store.Sealer, in *transfer.Reader) (sums []transfer.Sum, err error) {
	if err := store.CheckCanary(sealer, in.Header.Key); err != nil {
		return nil, err
	}
	err = onSchema(ctx, url, func(conn *pgx.Conn) error {
		if _, err := migrate(ctx, conn); err != nil {
			return err
		}
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			if err := mustBeIdle(ctx, tx); err != nil {
				return err
			}
			if err := sameKey(ctx, tx, sealer); err != nil {
				return err
			}
			sums, err = load(ctx, tx, sealer, in)
			return err
		})
	})
	return sums, err
}

// keepNodesAway refuses a database on which nodes work, and lets none begin
// until the transaction ends.
func keepNodesAway(ctx context.Context, tx pgx.Tx) error {
	if _, err := tx.Exec(ctx, `LOCK TABLE node IN ACCESS EXCLUSIVE MODE`); err != nil {
		return err
	}
	var node *string
	err := tx.QueryRow(ctx, `SELECT max(id) FROM node WHERE heartbeat > now() - $1::interval`,
		fmt.Sprint(leaseTime.Seconds(), " seconds")).Scan(&node)
	if err != nil {
		return err
	}
	if node != nil {
		return fmt.Errorf("node %s works on the database; stop all servers before", *node)
	}
	return nil
}

// mustBeIdle refuses a database with rows or nodes, and keeps nodes away until
// the transaction ends.
func mustBeIdle(ctx context.Context, tx pgx.Tx) error {
	if err := keepNodesAway(ctx, tx); err != nil {
		return err
	}
	for _, t := range store.TransferTables {
		if store.PresetTables[t.Name] {
			continue
		}
		rows, err := tx.Query(ctx, strings.Join([]string{"SELECT", "1 FROM", t.Name, "LIMIT 1"}, " "))
		if err != nil {
			return err
		}
		some := rows.Next()
		rows.Close()
		if some {
			return store.ErrNotEmpty
		}
	}
	_, err := tx.Exec(ctx, `TRUNCATE event_rule_version`)
	return err
}

func load(ctx context.Context, tx pgx.Tx, sealer store.Sealer, in *transfer.Reader) ([]transfer.Sum, error) {
	l := loader{in: in, read: transfer.NewDigest(), sealer: sealer, live: map[liveExecution]bool{}}
	for {
		t, err := in.Next()
		if err != nil {
			return nil, err
		}
		if t == nil {
			break
		}
		if err := l.table(ctx, tx, *t); err != nil {
			return nil, fmt.Errorf("table %s: %w", t.Name, err)
		}
	}
	for _, sql := range []string{
		`SELECT setval(pg_get_serial_sequence('outbox', 'seq'), max(seq)) FROM outbox`,
		`UPDATE outbox_number SET number = (SELECT coalesce(max(number), 0) FROM outbox)`,
	} {
		if _, err := tx.Exec(ctx, sql); err != nil {
			return nil, err
		}
	}
	sums, _, err := l.read.Close()
	if err != nil {
		return nil, err
	}
	again := transfer.NewDigest()
	if err := dump(ctx, tx, again); err != nil {
		return nil, err
	}
	loaded, _, err := again.Close()
	if err != nil {
		return nil, err
	}
	return sums, store.Difference(sums, loaded)
}

type liveExecution struct {
	pipelineID int64
	id         string
}

// loader copies the rows of a stream, and adds what other rows tell.
type loader struct {
	in     *transfer.Reader
	read   *transfer.Writer // what was read, for the sums
	sealer store.Sealer
	live   map[liveExecution]bool
}

// extra are the columns that are made anew and have no default.
var extra = map[string][]string{
	"execution": {"live"}, "job": {"pipeline_id", "lease"}, "outbox": {"seq"},
}

func (l *loader) table(ctx context.Context, tx pgx.Tx, t transfer.Table) error {
	if err := l.read.Begin(t); err != nil {
		return err
	}
	if t.Name == "sequence" {
		return l.sequences(ctx, tx)
	}
	rows := pgx.CopyFromFunc(func() ([]any, error) {
		values, err := l.row()
		if values == nil || err != nil {
			return nil, err
		}
		return l.complete(t, values)
	})
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{t.Name}, append(t.Names(), extra[t.Name]...), rows); err != nil {
		return err
	}
	return l.read.End()
}

func (l *loader) row() ([]any, error) {
	values, err := l.in.Row()
	if values == nil || err != nil {
		return nil, err
	}
	return values, l.read.Row(values)
}

// complete adds the values of the extra columns.
func (l *loader) complete(t transfer.Table, values []any) ([]any, error) {
	v := func(name string) any {
		for i, c := range t.Columns {
			if c.Name == name {
				return values[i]
			}
		}
		return nil
	}
	switch t.Name {
	case "pipeline":
		state, err := store.DecodeState(v("state").([]byte))
		if err != nil {
			return nil, err
		}
		for _, id := range state.Live {
			l.live[liveExecution{v("id").(int64), id}] = true
		}
		return values, nil
	case "execution":
		return append(values, l.live[liveExecution{v("pipeline_id").(int64), v("id").(string)}]), nil
	case "job":
		j, err := store.DecodeJob(v("doc").([]byte), l.sealer)
		if err != nil {
			return nil, err
		}
		lease := int64(0)
		if v("state") == "InProgress" && v("acked").(int64) > 0 && strings.HasPrefix(v("queue").(string), "*|") {
			lease = noLease
		}
		return append(values, j.PipelineID, lease), nil
	case "outbox":
		return append(values, v("number")), nil
	}
	return values, nil
}

// sequences has the tables go on with their numbers.
func (l *loader) sequences(ctx context.Context, tx pgx.Tx) error {
	columns := map[string]string{"audit": "seq", "pipeline": "id", "webhook": "id"}
	for {
		values, err := l.row()
		if err != nil {
			return err
		}
		if values == nil {
			return l.read.End()
		}
		column, ok := columns[values[0].(string)]
		if !ok {
			return fmt.Errorf("%w: sequence %v", transfer.ErrNewer, values[0])
		}
		if _, err := tx.Exec(ctx, `SELECT setval(pg_get_serial_sequence($1, $2), $3)`, values[0], column, values[1]); err != nil {
			return err
		}
	}
}

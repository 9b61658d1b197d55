package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"penstock/internal/migration"
	"penstock/internal/sqlite"
	"penstock/internal/store"
	"penstock/internal/transfer"
)

// derivedTables are not carried from database to database, and why.
var derivedTables = map[string]string{
	"master_key":       "the canary of the master key, made at the first start",
	"meta":             "the count of starts: made such that no nonce is given out twice",
	"schema_migration": "each database has its own schema",
	"redo_log":         "it belongs to the file beside the database",
}

// derivedColumns are made anew.
var derivedColumns = map[string]string{
	"execution.seq":        "the order of insertion",
	"action_execution.seq": "the order of insertion",
	"rule_execution.seq":   "the order of insertion",
	"job.seq":              "the order of insertion",
}

// expressions read columns that are not there under their names. A job that
// waits shows the nonces that it would have after a restart: what was given out
// is known in memory only.
var expressions = map[string]string{
	"job.last": `CASE WHEN state = 'Queued'
		THEN max(last, coalesce((SELECT (value + 1) << 32 FROM meta WHERE meta.name = 'boot'), 0)) ELSE last END`,
	"outbox.number":  `seq`,
	"sequence.value": `seq`,
}

// sources are tables that have another name here.
var sources = map[string]string{"sequence": "sqlite_sequence"}

func source(t transfer.Table) string {
	if name, ok := sources[t.Name]; ok {
		return name
	}
	return t.Name
}

// words puts a statement together that reads or writes all of a table, whose
// plan is of no interest.
func words(parts ...string) string { return strings.Join(parts, " ") }

// selects is the statement that reads the table in the order of its key.
func selects(t transfer.Table) string {
	var columns, key []string
	for i, c := range t.Columns {
		expression, ok := expressions[t.Name+"."+c.Name]
		if !ok {
			expression = c.Name
		}
		columns = append(columns, expression)
		if i < t.Key {
			key = append(key, expression)
		}
	}
	return words("SELECT", strings.Join(columns, ", "), "FROM", source(t), "ORDER BY", strings.Join(key, ", "))
}

// Export writes the state in the database at path, which may be in use, as of
// one moment. progress, if set, is told how many rows there were.
func Export(ctx context.Context, path string, sealer store.Sealer, out io.Writer, progress func(int64)) (sum transfer.Sum, err error) {
	err = sqlite.Snapshot(ctx, path, func(tx *sqlite.Tx) error {
		if err := upToDate(tx); err != nil {
			return err
		}
		w, err := transfer.NewWriter(out, transfer.Header{
			Kind: store.StateKind, Created: time.Now().UTC().Truncate(time.Second), Source: "sqlite", Key: store.SealCanary(sealer),
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
	return sum, err
}

// upToDate refuses a schema that is not this version's.
func upToDate(tx *sqlite.Tx) error {
	seen, err := seenMigrations(tx)
	if err != nil {
		return err
	}
	list, err := migration.Applied(migrations, seen)
	if err != nil {
		return err
	}
	return migration.Current(list)
}

func dump(ctx context.Context, tx *sqlite.Tx, w *transfer.Writer) error {
	for _, t := range store.TransferTables {
		if err := sqlite.Dump(ctx, tx, w, t, selects(t), nil); err != nil {
			return fmt.Errorf("table %s: %w", t.Name, err)
		}
	}
	return nil
}

// Import loads a state into the database at path, which is made if it is
// missing and must be empty and in nobody's use: all of it or nothing.
func Import(ctx context.Context, path string, sealer store.Sealer, in *transfer.Reader) (sums []transfer.Sum, err error) {
	if err := store.CheckCanary(sealer, in.Header.Key); err != nil {
		return nil, err
	}
	if err := refuseLeftovers(path); err != nil {
		return nil, err
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	db, err := sqlite.Open(path, sqlite.Options{Migrations: files})
	if err != nil {
		return nil, err
	}
	err = db.Update(ctx, func(tx *sqlite.Tx) error {
		sums, err = load(ctx, tx, in)
		return err
	})
	return sums, errors.Join(err, db.Close())
}

// refuseLeftovers refuses the files beside a database that is gone: they could be
// taken for those of the new one.
func refuseLeftovers(path string) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	for _, beside := range []string{"-wal", "-shm", "-journal", "-redo"} {
		if _, err := os.Stat(path + beside); err == nil {
			return fmt.Errorf("there is no %s, but %s%s, which is left of an earlier one; remove it, or put the database back", path, path, beside)
		}
	}
	return nil
}

func load(ctx context.Context, tx *sqlite.Tx, in *transfer.Reader) ([]transfer.Sum, error) {
	boot, err := clearEmpty(tx)
	if err != nil {
		return nil, err
	}
	read := transfer.NewDigest()
	sequences := map[string]int64{}
	for {
		t, err := in.Next()
		if err != nil {
			return nil, err
		}
		if t == nil {
			break
		}
		if err := loadTable(ctx, tx, in, *t, read, sequences); err != nil {
			return nil, fmt.Errorf("table %s: %w", t.Name, err)
		}
	}
	for name, value := range sequences { // rows have set those of their tables to their newest
		if err := setSequence(tx, name, value); err != nil {
			return nil, err
		}
	}
	sums, _, err := read.Close()
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
	if err := store.Difference(sums, loaded); err != nil {
		return nil, err
	}
	// Nonces of the next start are above all that any database has given out:
	// PostgreSQL takes them from the clock, in microseconds.
	return sums, tx.Exec(`INSERT INTO meta (name, value)
		SELECT 'boot', max(?, ? >> 32, coalesce((SELECT max(last) >> 32 FROM job), 0)) + 1`, boot, time.Now().UnixMicro())
}

func setSequence(tx *sqlite.Tx, name string, value int64) error {
	if err := tx.Exec(`UPDATE sqlite_sequence SET seq = ? WHERE name = ?`, value, name); err != nil || tx.Changes() > 0 {
		return err
	}
	return tx.Exec(`INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)`, name, value)
}

// clearEmpty refuses a database with rows, and returns how often it was started.
func clearEmpty(tx *sqlite.Tx) (boot int64, err error) {
	for _, t := range store.TransferTables {
		if store.PresetTables[t.Name] {
			if err := tx.Exec(words("DELETE", "FROM", source(t))); err != nil {
				return 0, err
			}
			continue
		}
		_, some := tx.QueryRow(words("SELECT", "1 FROM", t.Name, "LIMIT 1"))
		if some {
			return 0, store.ErrNotEmpty
		}
	}
	if r, ok := tx.QueryRow(`SELECT value FROM meta WHERE name = 'boot'`); ok {
		boot = r.Int64(0)
	}
	return boot, tx.Exec(`DELETE FROM meta WHERE name = 'boot'`)
}

func loadTable(ctx context.Context, tx *sqlite.Tx, in *transfer.Reader, t transfer.Table, read *transfer.Writer, sequences map[string]int64) error {
	if err := read.Begin(t); err != nil {
		return err
	}
	here := t
	if t.Name == "outbox" {
		here.Columns = slices.Clone(t.Columns)
		here.Columns[0].Name = "seq"
	}
	insert := here.Insert()
	for {
		values, err := in.Row()
		if err != nil {
			return err
		}
		if values == nil {
			return read.End()
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := read.Row(values); err != nil {
			return err
		}
		if t.Name == "sequence" {
			sequences[values[0].(string)] = values[1].(int64)
			continue
		}
		if err := tx.Exec(insert, values...); err != nil {
			return err
		}
	}
}

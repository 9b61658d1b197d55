package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

func TestValues(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ä0", keepBuffer)
	tests := []struct {
		name  string
		value any
		check func(r *Rows) bool
	}{
		{"nil", nil, func(r *Rows) bool { return r.IsNull(0) && r.Text(0) == "" && r.Blob(0) == nil && r.Int64(0) == 0 }},
		{"int", 42, func(r *Rows) bool { return r.Int64(0) == 42 && r.Text(0) == "42" && r.Bool(0) }},
		{"int64", int64(math.MinInt64), func(r *Rows) bool { return r.Int64(0) == math.MinInt64 }},
		{"true", true, func(r *Rows) bool { return r.Bool(0) && r.Int64(0) == 1 }},
		{"false", false, func(r *Rows) bool { return !r.Bool(0) && !r.IsNull(0) }},
		{"float", 2.5, func(r *Rows) bool { return r.Float64(0) == 2.5 }},
		{"empty text", "", func(r *Rows) bool { return !r.IsNull(0) && r.Text(0) == "" }},
		{"text", "zwölf", func(r *Rows) bool { return r.Text(0) == "zwölf" && string(r.RawBytes(0)) == "zwölf" }},
		{"text with zero byte", "a\x00b", func(r *Rows) bool { return r.Text(0) == "a\x00b" }},
		{"long text", long, func(r *Rows) bool { return r.Text(0) == long }},
		{"nil bytes", []byte(nil), func(r *Rows) bool { return r.IsNull(0) && r.Blob(0) == nil }},
		{"empty bytes", []byte{}, func(r *Rows) bool { b := r.Blob(0); return !r.IsNull(0) && b != nil && len(b) == 0 }},
		{"bytes", []byte{0, 1, 255}, func(r *Rows) bool { return bytes.Equal(r.Blob(0), []byte{0, 1, 255}) }},
	}
	db := open(t, Options{Migrations: schema(`CREATE TABLE v (k TEXT PRIMARY KEY, x ANY) STRICT`)})
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := db.Update(t.Context(), func(tx *Tx) error {
				return tx.Exec(`INSERT INTO v VALUES (?, ?)`, test.name, test.value)
			})
			if err != nil {
				t.Fatal(err)
			}
			err = db.View(t.Context(), func(tx *Tx) error {
				r, ok := tx.QueryRow(`SELECT x FROM v WHERE k = ?`, test.name)
				if !ok {
					return fmt.Errorf("no row: %w", r.Err())
				}
				if !test.check(r) {
					return fmt.Errorf("stored %#v, read %q", test.value, r.Text(0))
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestRefusedStatements(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, sql string
		args      []any
		text      string // part of the error
	}{
		{"time", `SELECT ?`, []any{time.Unix(0, 0)}, "time.Time"},
		{"struct pointer", `SELECT ?`, []any{&struct{}{}}, "cannot be stored"},
		{"too few arguments", `SELECT ?, ?`, []any{1}, "1 arguments for 2"},
		{"too many arguments", `SELECT 1`, []any{1}, "1 arguments for 0"},
		{"syntax", `SELEC 1`, nil, "syntax"},
		{"no such table", `SELECT 1 FROM nowhere`, nil, "nowhere"},
		{"two statements", `SELECT 1; SELECT 2`, nil, "more than one"},
		{"rest that is broken", `SELECT 1; x`, nil, "more than one"},
		{"empty", ` `, nil, "empty"},
		{"comment", `-- nothing`, nil, "empty"},
		{"commit", `COMMIT`, nil, "not allowed"},
		{"rollback", " \n rollback;", nil, "not allowed"},
		{"savepoint", `SAVEPOINT a`, nil, "not allowed"},
		{"attach", `ATTACH 'x' AS y`, nil, "not allowed"},
	}
	db := open(t, Options{})
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for range 2 { // once more from the cache
				err := db.Update(t.Context(), func(tx *Tx) error { return tx.Exec(test.sql, test.args...) })
				if err == nil || !strings.Contains(err.Error(), test.text) {
					t.Errorf("Exec: %v, want %q", err, test.text)
				}
				err = db.View(t.Context(), func(tx *Tx) error {
					rows := tx.Query(test.sql, test.args...)
					if rows.Next() {
						t.Error("a row of a refused statement")
					}
					rows.Close()
					return rows.Err()
				})
				if err == nil || !strings.Contains(err.Error(), test.text) {
					t.Errorf("Query: %v, want %q", err, test.text)
				}
			}
		})
	}
}

func TestSameQueryNested(t *testing.T) {
	t.Parallel()
	db := open(t, Options{})
	const all = `SELECT n FROM number ORDER BY n`
	err := db.Update(t.Context(), func(tx *Tx) error {
		for n := range 3 {
			if err := insert(n)(tx); err != nil {
				return err
			}
		}
		var got []int64
		outer := tx.Query(all)
		for outer.Next() {
			inner := tx.Query(all)
			for inner.Next() {
				got = append(got, outer.Int64(0)*10+inner.Int64(0))
			}
			if inner.Err() != nil {
				return inner.Err()
			}
		}
		if want := "[0 1 2 10 11 12 20 21 22]"; fmt.Sprint(got) != want {
			t.Errorf("got %v, want %s", got, want)
		}
		return outer.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestRowsLeftOpen(t *testing.T) {
	t.Parallel()
	db := open(t, Options{Readers: 1})
	for n := range 3 {
		if err := db.Update(t.Context(), insert(n)); err != nil {
			t.Fatal(err)
		}
	}
	var leaked *Rows
	var leakedTx *Tx
	err := db.View(t.Context(), func(tx *Tx) error {
		leakedTx = tx
		leaked = tx.Query(`SELECT n FROM number`)
		leaked.Next()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if leaked.Next() {
		t.Error("rows go on after their View")
	}
	leaked.Close()
	if err := leakedTx.Exec(`SELECT 1`); !errors.Is(err, ErrTxDone) {
		t.Errorf("leaked Tx: %v", err)
	}
	if leakedTx.Changes() != 0 || leakedTx.LastInsertID() != 0 {
		t.Error("leaked Tx has results")
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("reading a column of closed rows did not panic")
			}
		}()
		leaked.Int64(0)
	}()
	// The reader must see what is written now, so its snapshot has ended.
	if err := db.Update(t.Context(), insert(9)); err != nil {
		t.Fatal(err)
	}
	if got := list(t, db); len(got) != 4 {
		t.Errorf("numbers = %v, want four", got)
	}
}

func TestQueryRowIsClosedByNextCall(t *testing.T) {
	t.Parallel()
	db := open(t, Options{})
	err := db.Update(t.Context(), func(tx *Tx) error {
		for n := range 5 {
			r, ok := tx.QueryRow(`SELECT ? + 1`, n)
			if !ok || r.Int64(0) != int64(n+1) {
				t.Errorf("row of %d: %v", n, r.Err())
			}
		}
		if len(tx.open) != 1 {
			t.Errorf("%d rows are open, want 1", len(tx.open))
		}
		r, ok := tx.QueryRow(`SELECT n FROM number WHERE n = 1`)
		if ok || r.Err() != nil {
			t.Errorf("no row: %v, %v", ok, r.Err())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestChangesAndInsertID(t *testing.T) {
	t.Parallel()
	db := open(t, Options{})
	err := db.Update(t.Context(), func(tx *Tx) error {
		for n := range 4 {
			if err := insert(n + 10)(tx); err != nil {
				return err
			}
		}
		if id := tx.LastInsertID(); id != 13 {
			t.Errorf("last id = %d, want 13", id)
		}
		for where, want := range map[int]int64{12: 2, 99: 0} {
			if err := tx.Exec(`UPDATE number SET note = 'x' WHERE n >= ?`, where); err != nil {
				return err
			}
			if got := tx.Changes(); got != want {
				t.Errorf("n >= %d: %d changes, want %d", where, got, want)
			}
		}
		r, ok := tx.QueryRow(`INSERT INTO number (n) VALUES (77) RETURNING n`)
		if !ok || r.Int64(0) != 77 {
			t.Errorf("returning: %v", r.Err())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestViewIsOneSnapshot(t *testing.T) {
	t.Parallel()
	db := open(t, Options{})
	count := func(tx *Tx) int64 {
		r, ok := tx.QueryRow(`SELECT count(*) FROM number`)
		if !ok {
			t.Fatal(r.Err())
		}
		return r.Int64(0)
	}
	err := db.View(t.Context(), func(tx *Tx) error {
		before := count(tx)
		// Neither what is being written nor what was committed shows.
		err := db.Update(context.Background(), func(w *Tx) error {
			if err := insert(1)(w); err != nil {
				return err
			}
			if during := count(tx); during != before {
				t.Errorf("count went from %d to %d", before, during)
			}
			return nil
		})
		if after := count(tx); after != before {
			t.Errorf("count went from %d to %d", before, after)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := list(t, db); len(got) != 1 {
		t.Errorf("a later View reads %v", got)
	}
}

func TestViewPanicKeepsReader(t *testing.T) {
	t.Parallel()
	db := open(t, Options{Readers: 1})
	func() {
		defer func() {
			if p := recover(); p != "broken" {
				t.Errorf("recovered %v", p)
			}
		}()
		_ = db.View(t.Context(), func(tx *Tx) error {
			tx.Query(`SELECT 1`).Next()
			panic("broken")
		})
	}()
	if got := list(t, db); len(got) != 0 {
		t.Errorf("numbers = %v", got)
	}
}

func TestStatementCacheIsBounded(t *testing.T) {
	t.Parallel()
	db := open(t, Options{})
	err := db.Update(t.Context(), func(tx *Tx) error {
		held := tx.Query(`VALUES (1), (2)`)
		held.Next()
		for n := range 3 * maxStatements {
			if err := tx.Exec(fmt.Sprintf(`SELECT %d`, n)); err != nil {
				return err
			}
		}
		if n := len(tx.c.stmts); n > maxStatements {
			t.Errorf("%d statements are kept, want at most %d", n, maxStatements)
		}
		if !held.Next() || held.Int64(0) != 2 {
			t.Errorf("open rows were disturbed: %v", held.Err())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestExecDoesNotAllocate keeps the hot path lean: binding texts and blobs and
// running cached statements must not allocate.
func TestExecDoesNotAllocate(t *testing.T) {
	db := open(t, Options{})
	err := db.Update(t.Context(), func(tx *Tx) error {
		text, blob, n := strings.Repeat("x", 500), make([]byte, 500), int64(1<<40)
		got := testing.AllocsPerRun(100, func() {
			if err := tx.Exec(`UPDATE number SET note = ? WHERE n = ? AND note <> ?`, text, n, blob); err != nil {
				t.Error(err)
			}
		})
		// Boxing a text and a blob as arguments may cost one each.
		if got > 3 {
			t.Errorf("%v allocations for an Exec, want at most 3", got)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

package sqlite

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

func files(pairs ...string) fstest.MapFS {
	m := fstest.MapFS{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	return m
}

func TestMigrations(t *testing.T) {
	t.Parallel()
	const a, b, c = "0001_a.sql", "0002_b.sql", "0010_c.sql"
	const tableA, tableB = `CREATE TABLE a (x);`, `CREATE TABLE b (x); INSERT INTO b VALUES (1), (2);`
	tests := []struct {
		name  string
		first fstest.MapFS
		then  fstest.MapFS
		err   string // part of the second Open's error
		newer bool
		query string // run after the second Open
		want  int64
	}{
		{name: "from nothing", first: files(), then: files(a, tableA, b, tableB), query: `SELECT count(*) FROM b`, want: 2},
		{name: "nothing new", first: files(a, tableA, b, tableB), then: files(a, tableA, b, tableB), query: `SELECT count(*) FROM b`, want: 2},
		{name: "one more", first: files(a, tableA), then: files(a, tableA, c, tableB), query: `SELECT max(version) FROM schema_migration`, want: 10},
		{name: "in order of numbers", first: files(), then: files(c, `INSERT INTO a VALUES (1)`, a, tableA), query: `SELECT count(*) FROM a`, want: 1},
		{name: "other files are left alone", first: files(), then: files(a, tableA, "README.md", "x", "sub/0003_x.sql", "x"), query: `SELECT count(*) FROM schema_migration`, want: 1},
		{name: "comments only at the end", first: files(), then: files(a, tableA+"\n-- the end\n"), query: `SELECT count(*) FROM a`, want: 0},
		{name: "database of the future", first: files(a, tableA, c, tableB), then: files(a, tableA), err: "0010_c.sql", newer: true},
		{name: "a file is gone", first: files(a, tableA, b, tableB, c, `SELECT 1`), then: files(a, tableA, c, `SELECT 1`), err: "0002_b.sql", newer: true},
		{name: "a file came too late", first: files(a, tableA, c, tableB), then: files(a, tableA, b, tableB, c, tableB), err: "older than"},
		{name: "bad name", first: files(), then: files("1_a.sql", tableA), err: "NNNN_name.sql"},
		{name: "one number twice", first: files(), then: files(a, tableA, "0001_b.sql", tableB), err: "one number"},
		{name: "broken statement", first: files(), then: files(a, tableA, b, tableB+`CREATE TABEL c (x);`), err: "0002_b.sql"},
		{name: "ends its transaction", first: files(), then: files(a, tableA+`COMMIT;`), err: "end its transaction"},
		{name: "breaks references", first: files(a, `CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE q (p REFERENCES p);`), then: files(a, "", b, `INSERT INTO q VALUES (1)`), err: "table q"},
		{
			name:  "rebuilds a table that others refer to",
			first: files(a, `CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE q (p REFERENCES p ON DELETE CASCADE); INSERT INTO p VALUES (1); INSERT INTO q VALUES (1);`),
			then:  files(a, "", b, `CREATE TABLE n (id INTEGER PRIMARY KEY, x); INSERT INTO n SELECT id, 0 FROM p; DROP TABLE p; ALTER TABLE n RENAME TO p;`),
			query: `SELECT count(*) FROM q`, want: 1,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "test.db")
			db, err := Open(path, Options{Migrations: test.first})
			if err != nil {
				t.Fatal(err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			db, err = Open(path, Options{Migrations: test.then})
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) || errors.Is(err, ErrNewer) != test.newer {
					t.Fatalf("error = %v, want %q", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			err = db.View(t.Context(), func(tx *Tx) error {
				r, ok := tx.QueryRow(test.query)
				if !ok || r.Int64(0) != test.want {
					t.Errorf("%s: got %v %v, want %d", test.query, ok, r.Err(), test.want)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestFailedMigrationLeavesNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	_, err := Open(path, Options{Migrations: files("0001_a.sql", numbers, "0002_b.sql", `INSERT INTO number (n) VALUES (1); CREATE TABLE number (x);`)})
	if err == nil {
		t.Fatal("a broken migration succeeded")
	}
	db := openAt(t, path, Options{Migrations: files("0001_a.sql", numbers, "0002_b.sql", `INSERT INTO number (n) VALUES (2);`)})
	if got := list(t, db); len(got) != 1 || got[0] != 2 {
		t.Errorf("numbers = %v, want [2]: the first migration once, the broken one not at all", got)
	}
	// Foreign keys are off only while migrations run.
	err = db.Update(t.Context(), func(tx *Tx) error {
		r, ok := tx.QueryRow(`PRAGMA foreign_keys`)
		if !ok || !r.Bool(0) {
			t.Error("foreign keys are off after the migrations")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

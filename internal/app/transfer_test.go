package app

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"penstock/internal/auth"
	"penstock/internal/config"
	"penstock/internal/store"
	"penstock/internal/store/postgres"
	"penstock/internal/store/postgres/pgtest"
	"penstock/internal/store/sqlite"
	"penstock/internal/store/storetest"
)

// mover is a store that moves into a database of the other kind.
type mover struct {
	t       *testing.T
	cfg     config.Config
	current store.Driver
}

func (m *mover) open() store.Driver {
	m.t.Helper()
	master, err := auth.LoadOrCreateMasterKey(m.cfg.Data, "")
	if err != nil {
		m.t.Fatal(err)
	}
	if m.cfg.Database == "" {
		m.current, err = sqlite.Open(databaseFile(m.cfg), sqlite.Options{Sealer: auth.NewSealer(master)})
	} else {
		m.current, err = postgres.Open(m.t.Context(), m.cfg.Database, postgres.Options{Sealer: auth.NewSealer(master)})
	}
	if err != nil {
		m.t.Fatal(err)
	}
	d := m.current
	m.t.Cleanup(func() { _ = d.Close() })
	return d
}

// move exports, imports into the other kind, and compares what comes back.
func (m *mover) move() store.Driver {
	m.t.Helper()
	if err := m.current.Close(); err != nil {
		m.t.Fatal(err)
	}
	var file bytes.Buffer
	sum, err := Export(m.t.Context(), m.cfg, &file, nil)
	if err != nil {
		m.t.Fatal(err)
	}
	to := m.cfg
	if to.Database == "" {
		to.Database = pgtest.URL(m.t)
	} else {
		to.Database, to.Data = "", m.t.TempDir()
		copyFile(m.t, filepath.Join(m.cfg.Data, "master.key"), filepath.Join(to.Data, "master.key"))
	}
	_, read, err := Import(m.t.Context(), to, bytes.NewReader(file.Bytes()), nil)
	if err != nil {
		m.t.Fatal(err)
	}
	if read != sum {
		m.t.Errorf("imported %+v of %+v", read, sum)
	}
	m.cfg = to
	return m.open()
}

// TestMovedStateMeetsTheContract runs the contract of the store with a move to
// the other kind of database wherever the contract has a restart.
func TestMovedStateMeetsTheContract(t *testing.T) {
	if raceEnabled {
		t.Skip("takes a tenth of the time without the race detector: make test runs it so")
	}
	t.Parallel()
	storetest.Run(t, func(t *testing.T) (store.Driver, func() store.Driver) {
		m := &mover{t: t, cfg: config.Config{Data: t.TempDir()}}
		return m.open(), m.move
	})
}

// TestMain stops the PostgreSQL that tests share.
func TestMain(m *testing.M) { pgtest.Main(m) }

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// seeded is an installation with some state, and what Export writes of it.
func seeded(t *testing.T) (config.Config, []byte) {
	t.Helper()
	m := &mover{t: t, cfg: config.Config{Data: t.TempDir()}}
	d := m.open()
	err := d.Update(t.Context(), func(tx store.Tx) error {
		return tx.SetTags("arn:aws:codepipeline:us-east-1:000000000000:web", map[string]string{"team": "ü\n\""})
	})
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if _, err := Export(t.Context(), m.cfg, &file, nil); err != nil { // while it is in use
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	return m.cfg, file.Bytes()
}

func TestImportRefuses(t *testing.T) {
	t.Parallel()
	from, file := seeded(t)
	for _, kind := range []string{"sqlite", "postgres"} {
		fresh := func(t *testing.T) config.Config {
			to := config.Config{Data: t.TempDir()}
			if kind == "postgres" {
				to.Database = pgtest.URL(t)
			}
			copyFile(t, filepath.Join(from.Data, "master.key"), filepath.Join(to.Data, "master.key"))
			return to
		}
		for name, tt := range map[string]struct {
			prepare func(t *testing.T, to *config.Config)
			file    []byte
			want    string
		}{
			"a database with rows": {func(t *testing.T, to *config.Config) {
				if _, _, err := Import(t.Context(), *to, bytes.NewReader(file), nil); err != nil {
					t.Fatal(err)
				}
			}, file, "not empty"},
			"a database in use": {func(t *testing.T, to *config.Config) {
				(&mover{t: t, cfg: *to}).open()
			}, file, map[string]string{"sqlite": "process", "postgres": "works on the database"}[kind]},
			"a log without its database": {func(t *testing.T, to *config.Config) {
				if kind == "postgres" {
					t.Skip("PostgreSQL has no such files")
				}
				if err := os.WriteFile(databaseFile(*to)+"-redo", []byte("stale"), 0o600); err != nil {
					t.Fatal(err)
				}
			}, file, "left of an earlier one"},
			"another master key": {func(t *testing.T, to *config.Config) {
				if err := os.Remove(filepath.Join(to.Data, "master.key")); err != nil {
					t.Fatal(err)
				}
				if _, err := auth.LoadOrCreateMasterKey(to.Data, ""); err != nil {
					t.Fatal(err)
				}
			}, file, "another master key"},
			"no master key": {func(t *testing.T, to *config.Config) {
				if err := os.Remove(filepath.Join(to.Data, "master.key")); err != nil {
					t.Fatal(err)
				}
			}, file, "there is no"},
			"a file that is cut": {nil, file[:len(file)-1], "damaged"},
		} {
			t.Run(kind+"/"+name, func(t *testing.T) {
				t.Parallel()
				to := fresh(t)
				if tt.prepare != nil {
					tt.prepare(t, &to)
				}
				_, _, err := Import(t.Context(), to, bytes.NewReader(tt.file), nil)
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Fatalf("got %v, want an error with %q", err, tt.want)
				}
				if name != "a file that is cut" {
					return
				}
				// Nothing of it is there.
				if _, _, err := Import(t.Context(), to, bytes.NewReader(file), nil); err != nil {
					t.Errorf("import after one that failed: %v", err)
				}
			})
		}
	}
}

func TestExportRefuses(t *testing.T) {
	t.Parallel()
	empty := config.Config{Data: t.TempDir()}
	if _, err := Export(t.Context(), empty, io.Discard, nil); err == nil || !strings.Contains(err.Error(), "master.key") {
		t.Errorf("without a master key: %v", err)
	}
	if _, err := auth.LoadOrCreateMasterKey(empty.Data, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := Export(t.Context(), empty, io.Discard, nil); err == nil || !strings.Contains(err.Error(), "--data names") {
		t.Errorf("without a database: %v", err)
	}
}

package app

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"penstock/internal/auth"
	"penstock/internal/config"
	"penstock/internal/store"
	"penstock/internal/store/postgres/pgtest"
	"penstock/internal/store/storetest"
	"penstock/internal/transfer"
)

// rekey changes the master key, looks for sealed values where none are looked
// for, and opens the store again.
func (m *mover) rekey() store.Driver {
	m.t.Helper()
	if err := m.current.Close(); err != nil {
		m.t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(m.cfg.Data, "master.key.old")); err != nil && !os.IsNotExist(err) {
		m.t.Fatal(err)
	}
	if _, err := Rekey(m.t.Context(), m.cfg, ""); err != nil {
		m.t.Fatal(err)
	}
	onlyKnownSecrets(m.t, m.cfg)
	return m.open()
}

// onlyKnownSecrets fails when a column that Rekey passes over has something
// that is sealed.
func onlyKnownSecrets(t *testing.T, cfg config.Config) {
	t.Helper()
	var file bytes.Buffer
	if _, err := Export(t.Context(), cfg, &file, nil); err != nil {
		t.Fatal(err)
	}
	r, err := transfer.NewReader(&file, store.StateKind, store.TransferTables)
	if err != nil {
		t.Fatal(err)
	}
	for {
		table, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if table == nil {
			return
		}
		for {
			row, err := r.Row()
			if err != nil {
				t.Fatal(err)
			}
			if row == nil {
				break
			}
			for i, c := range table.Columns {
				text, ok := row[i].(string)
				if b, isBytes := row[i].([]byte); isBytes {
					text, ok = string(b), true
				}
				if ok && strings.Contains(text, "sealed:v1:") && !slices.Contains(store.SealedColumns[table.Name], c.Name) {
					t.Errorf("column %s.%s has sealed values, which Rekey does not know", table.Name, c.Name)
				}
			}
		}
	}
}

// TestRekeyedStateMeetsTheContract runs the contract of the store with a change
// of the master key wherever the contract has a restart.
func TestRekeyedStateMeetsTheContract(t *testing.T) {
	if raceEnabled {
		t.Skip("takes a tenth of the time without the race detector: make test runs it so")
	}
	t.Parallel()
	storetest.Run(t, func(t *testing.T) (store.Driver, func() store.Driver) {
		m := &mover{t: t, cfg: config.Config{Data: t.TempDir()}}
		return m.open(), m.rekey
	})
}

// TestRekeyGoesOn: with secrets on several pages, and cut short at any point, a
// second attempt brings it to its end.
func TestRekeyGoesOn(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"sqlite", "postgres"} {
		for point, prepare := range map[string]func(t *testing.T, cfg config.Config){
			"nothing was done":        func(*testing.T, config.Config) {},
			"before the transaction":  func(t *testing.T, cfg config.Config) { next(t, cfg) },
			"behind the transaction":  func(t *testing.T, cfg config.Config) { cutShort(t, cfg) },
			"between the two renames": func(t *testing.T, cfg config.Config) { cutShort(t, cfg); copyFile(t, key(cfg), key(cfg)+".old") },
		} {
			t.Run(kind+"/"+point, func(t *testing.T) {
				t.Parallel()
				m := &mover{t: t, cfg: config.Config{Data: t.TempDir()}}
				if kind == "postgres" {
					m.cfg.Database = pgtest.URL(t)
				}
				const n = 450
				d := m.open()
				err := d.Update(t.Context(), func(tx store.Tx) error {
					for i := range n {
						if err := tx.InsertAccessKey(store.AccessKey{ID: "AKIA" + strings.Repeat("A", i+1), Secret: strings.Repeat("s", i+1), Account: "111122223333"}); err != nil {
							return err
						}
					}
					return nil
				})
				if err == nil {
					err = d.Close()
				}
				if err != nil {
					t.Fatal(err)
				}
				old, err := existingSealer(m.cfg)
				if err != nil {
					t.Fatal(err)
				}
				prepare(t, m.cfg)
				if changed, err := Rekey(t.Context(), m.cfg, ""); err != nil || changed != n {
					t.Fatalf("%d records, %v", changed, err)
				}
				now, err := existingSealer(m.cfg)
				if err != nil {
					t.Fatal(err)
				}
				sealed := now.Seal([]byte("x"), "")
				if _, err := old.Open(sealed, ""); err == nil {
					t.Error("the master key is the old one")
				}
				d = m.open()
				err = d.View(t.Context(), func(r store.Reader) error {
					list, err := r.AccessKeys()
					for _, k := range list {
						if len(k.Secret) != len(k.ID)-4 {
							t.Errorf("key %d has secret %d", len(k.ID)-4, len(k.Secret))
						}
					}
					if len(list) != n {
						t.Errorf("%d keys", len(list))
					}
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func key(cfg config.Config) string { return filepath.Join(cfg.Data, "master.key") }

// next makes the next master key.
func next(t *testing.T, cfg config.Config) {
	t.Helper()
	if _, err := auth.NextMasterKey(cfg.Data, "", true); err != nil {
		t.Fatal(err)
	}
}

// cutShort does all of a Rekey but its last step.
func cutShort(t *testing.T, cfg config.Config) {
	t.Helper()
	next(t, cfg)
	kept := t.TempDir()
	for _, name := range []string{"master.key", "master.key.new"} {
		copyFile(t, filepath.Join(cfg.Data, name), filepath.Join(kept, name))
	}
	if _, err := Rekey(t.Context(), cfg, ""); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"master.key", "master.key.new"} {
		copyFile(t, filepath.Join(kept, name), filepath.Join(cfg.Data, name))
	}
	if err := os.Remove(key(cfg) + ".old"); err != nil {
		t.Fatal(err)
	}
}

// TestRekeyRefuses: a key that is not that of the database, and settings that
// cannot be.
func TestRekeyRefuses(t *testing.T) {
	t.Parallel()
	const one, two = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=", "YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXphYmNkZWY="
	fresh := func(t *testing.T) config.Config {
		m := &mover{t: t, cfg: config.Config{Data: t.TempDir()}}
		d := m.open()
		err := d.Update(t.Context(), func(tx store.Tx) error {
			return tx.InsertAccessKey(store.AccessKey{ID: "AKIAA", Secret: "s", Account: "111122223333"})
		})
		if err == nil {
			err = d.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		return m.cfg
	}
	for name, tt := range map[string]struct {
		cfg  func(*config.Config)
		next string
		want string
	}{
		"no database":                       {func(c *config.Config) { os.Remove(databaseFile(*c)) }, "", "penstock.db"},
		"a key of the environment, no next": {func(c *config.Config) { c.MasterKey = one }, "", "PENSTOCK_NEW_MASTER_KEY"},
		"a next key that is none":           {nil, "short", "32 bytes"},
		"the wrong present key":             {func(c *config.Config) { c.MasterKey = one }, two, "master key"},
		"another change under way":          {func(c *config.Config) { os.WriteFile(key(*c)+".new", []byte(one), 0o600) }, two, "did not come to its end"},
		"an old key in the way":             {func(c *config.Config) { os.WriteFile(key(*c)+".old", []byte(one), 0o600) }, "", "earlier change"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := fresh(t)
			if tt.cfg != nil {
				tt.cfg(&cfg)
			}
			before, _ := os.ReadFile(key(cfg))
			if _, err := Rekey(t.Context(), cfg, tt.next); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
			if after, _ := os.ReadFile(key(cfg)); !bytes.Equal(before, after) {
				t.Error("the master key is another")
			}
		})
	}
}

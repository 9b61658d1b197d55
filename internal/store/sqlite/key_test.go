package sqlite

import (
	"errors"
	"path/filepath"
	"testing"

	"penstock/internal/core/pipeline"
	"penstock/internal/sqlite"
	"penstock/internal/store"
)

type otherSealer struct{ testSealer }

func (otherSealer) Open(string, string) ([]byte, error) {
	return nil, errors.New("sealed with another key")
}

// TestOtherKey opens databases with a master key that is not theirs: one that
// knows its key, and ones of older versions, which are tried by a secret.
func TestOtherKey(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		old  bool // made before databases knew their key
		fill func(tx store.Tx) error
		want error
	}{
		"nothing in it":       {false, nil, errKey},
		"old, nothing in it":  {true, nil, nil},
		"old, an access key":  {true, func(tx store.Tx) error { return tx.InsertAccessKey(store.AccessKey{ID: "AKIA1", Secret: "s"}) }, errKey},
		"old, a client":       {true, func(tx store.Tx) error { return tx.PutClient(store.Client{ID: "c", Token: "t"}) }, errKey},
		"old, a webhook":      {true, func(tx store.Tx) error { return tx.PutWebhook(store.Webhook{Name: "w", Token: "t"}) }, errKey},
		"old, a connection":   {true, func(tx store.Tx) error { return tx.PutConnection(store.Connection{ID: "c", Secret: "s"}) }, errKey},
		"old, secret setting": {true, func(tx store.Tx) error { return insertSecret(tx, "Token") }, errKey},
		"old, no secret":      {true, func(tx store.Tx) error { return insertSecret(tx) }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "penstock.db")
			d := open(t, path)
			if tc.fill != nil {
				if err := d.Update(t.Context(), tc.fill); err != nil {
					t.Fatal(err)
				}
			}
			if tc.old {
				if err := d.db.Update(t.Context(), func(tx *sqlite.Tx) error { return tx.Exec(`DELETE FROM master_key WHERE id = 1`) }); err != nil {
					t.Fatal(err)
				}
			}
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
			other, err := Open(path, Options{Sealer: otherSealer{}})
			if err == nil {
				err = other.Close()
			}
			if !errors.Is(err, tc.want) {
				t.Errorf("Open with another key: %v, want %v", err, tc.want)
			}
			if tc.want != nil {
				open(t, path)
			}
		})
	}
}

func insertSecret(tx store.Tx, secrets ...string) error {
	_, err := tx.InsertPipeline(store.Pipeline{Version: 1}, &pipeline.Declaration{Name: "p", Version: 1, Stages: []pipeline.Stage{{
		Name: "Build", Actions: []pipeline.Action{{Name: "Make", Configuration: map[string]string{"Token": "s"}, Secrets: secrets}},
	}}})
	return err
}

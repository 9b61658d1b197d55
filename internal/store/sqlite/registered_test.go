package sqlite

import (
	"path/filepath"
	"strings"
	"testing"

	"penstock/internal/core/actiontype"
	"penstock/internal/core/pipeline"
	"penstock/internal/sqlite"
	"penstock/internal/store"
)

// Partner types of before migration 60 had no executor: it makes them types that
// job workers of their own account poll, and leaves the others as they are.
func TestPartnerTypesOfBefore(t *testing.T) {
	t.Parallel()
	script, err := migrations.ReadFile("migrations/0060_registered_type.sql")
	if err != nil {
		t.Fatal(err)
	}
	_, update, found := strings.Cut(string(script), "\nUPDATE ")
	if !found {
		t.Fatal("the migration updates nothing")
	}
	d := open(t, filepath.Join(t.TempDir(), "penstock.db"))
	before := func(owner string) actiontype.Type {
		return actiontype.Type{
			ID:         pipeline.ActionType{Category: "Test", Owner: owner, Provider: "Acme", Version: "1"},
			Properties: []actiontype.Property{{Name: "Süd \"1\"", Required: true}}, MaxInputs: 3,
		}
	}
	err = d.Update(t.Context(), func(tx store.Tx) error {
		for _, owner := range []string{"ThirdParty", "Custom"} {
			if err := tx.PutActionType(store.ActionType{Account: "1", Region: "r", Type: before(owner)}); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = d.db.Update(t.Context(), func(tx *sqlite.Tx) error { return tx.Exec("UPDATE " + update) })
	}
	if err != nil {
		t.Fatal(err)
	}
	err = d.View(t.Context(), func(r store.Reader) error {
		for owner, executor := range map[string]bool{"ThirdParty": true, "Custom": false} {
			got, err := r.ActionType("1", "r", before(owner).ID)
			if err != nil {
				return err
			}
			if (got.Executor != nil) != executor || executor && !got.PolledBy("1", "") || got.Properties[0] != before(owner).Properties[0] || got.MaxInputs != 3 {
				t.Errorf("%s: %+v", owner, got.Type)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

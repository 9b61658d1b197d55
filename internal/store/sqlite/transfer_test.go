package sqlite

import (
	"path/filepath"
	"slices"
	"testing"

	"penstock/internal/sqlite"
	"penstock/internal/store"
)

// TestTransferKnowsAllTables: what a migration adds travels with an export, or
// is named among what is made anew.
func TestTransferKnowsAllTables(t *testing.T) {
	t.Parallel()
	d := open(t, filepath.Join(t.TempDir(), "penstock.db"))
	var there []string
	err := d.db.View(t.Context(), func(tx *sqlite.Tx) error {
		rows := tx.Query(`SELECT s.name, c.name FROM sqlite_schema s JOIN pragma_table_info(s.name) c
			WHERE s.type = 'table' AND s.name NOT LIKE 'sqlite_%'`)
		for rows.Next() {
			if derivedTables[rows.Text(0)] == "" {
				there = append(there, rows.Text(0)+"."+rows.Text(1))
			}
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	var carried []string
	for _, table := range store.TransferTables {
		for _, c := range table.Columns {
			name := table.Name + "." + c.Name
			if name == "outbox.number" {
				name = "outbox.seq"
			}
			if table.Name != "sequence" {
				carried = append(carried, name)
			}
		}
	}
	for name := range derivedColumns {
		carried = append(carried, name)
	}
	slices.Sort(there)
	slices.Sort(carried)
	if !slices.Equal(there, carried) {
		t.Errorf("the database has\n%v\nan export carries or makes anew\n%v", there, carried)
	}
}

package postgres

import (
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"penstock/internal/store"
	"penstock/internal/store/postgres/pgtest"
)

// TestTransferKnowsAllTables: what a migration adds travels with an export, or
// is named among what is made anew.
func TestTransferKnowsAllTables(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	if err := Migrate(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	rows, err := conn.Query(t.Context(), `SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema()`)
	if err != nil {
		t.Fatal(err)
	}
	var table, column string
	var there []string
	_, err = pgx.ForEachRow(rows, []any{&table, &column}, func() error {
		if derivedTables[table] == "" {
			there = append(there, table+"."+column)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var carried []string
	for _, table := range store.TransferTables {
		for _, c := range table.Columns {
			if table.Name != "sequence" {
				carried = append(carried, table.Name+"."+c.Name)
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

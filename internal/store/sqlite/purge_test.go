package sqlite

import (
	"path/filepath"
	"strings"
	"testing"

	"penstock/internal/sqlite"
)

// elsewhere are the tables with rows of a pipeline that the purge of deleted
// pipelines leaves to others.
var elsewhere = map[string]string{
	"timer":  "cleared when the pipeline is deleted",
	"watch":  "removed when the pipeline is deleted",
	"outbox": "has a retention of its own",

	"git_source": "removed when the pipeline is deleted",

	"polling_stopped": "removed with the watches",
}

// TestPurgeKnowsAllTables: what a migration adds for pipelines goes with them.
func TestPurgeKnowsAllTables(t *testing.T) {
	t.Parallel()
	d := open(t, filepath.Join(t.TempDir(), "penstock.db"))
	err := d.db.View(t.Context(), func(tx *sqlite.Tx) error {
		rows := tx.Query(`SELECT s.name FROM sqlite_schema s JOIN pragma_table_info(s.name) c ON c.name = 'pipeline_id' WHERE s.type = 'table'`)
		n := 0
		for rows.Next() {
			n++
			table := rows.Text(0)
			purged := strings.Contains(strings.Join(history, "\n"), "DELETE FROM "+table+" ")
			if _, other := elsewhere[table]; purged == other {
				t.Errorf("table %s: purged with deleted pipelines %v, elsewhere %v", table, purged, other)
			}
		}
		if n < 10 {
			t.Errorf("only %d tables found", n)
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
}

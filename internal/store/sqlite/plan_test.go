package sqlite

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"penstock/internal/sqlite"
	"penstock/internal/store/storetest"
)

// wholeTable are the statements that are meant to read all of something that
// stays small.
var wholeTable = map[string]string{
	"FROM schema_migration ORDER BY":   "SCAN schema_migration",
	"FROM watch ORDER BY":              "SCAN watch",
	"FROM git_source ORDER BY":         "USING COVERING INDEX git_source_repository",
	"FROM job INDEXED BY job_queued":   "USING INDEX job_queued",
	"UPDATE job INDEXED BY job_native": "USING INDEX job_native",
	"FROM job INDEXED BY job_native":   "USING INDEX job_native",
	"FROM client INDEXED BY":           "USING INDEX client_revoked",
	"count(*) AS counted":              "SCAN", // penstock du
	"page_count":                       "SCAN",
	"UPDATE sqlite_sequence":           "SCAN sqlite_sequence",
	"SELECT 'boot', max":               "SCAN job", // of an import
	"FROM pipeline INDEXED BY":         "USING COVERING INDEX pipeline_deleted",
}

// TestPlans has SQLite explain every statement on filled tables: none may walk
// over a table that grows, or sort.
func TestPlans(t *testing.T) {
	t.Parallel()
	s, _ := benchStore(t, 5, 200)
	db := s.Driver.(*Driver).db
	all := storetest.Statements(t)
	if len(all) < 55 {
		t.Errorf("only %d statements were found in the sources", len(all))
	}
	err := db.Update(t.Context(), func(tx *sqlite.Tx) error { return tx.Exec(`ANALYZE`) })
	if err != nil {
		t.Fatal(err)
	}
	scan := regexp.MustCompile(`^SCAN |TEMP B-TREE|AUTOMATIC`)
	for _, sql := range all {
		err := db.View(t.Context(), func(tx *sqlite.Tx) error {
			rows := tx.Query(`EXPLAIN QUERY PLAN `+sql, make([]any, strings.Count(sql, "?"))...)
			for rows.Next() {
				step := rows.Text(3)
				if !scan.MatchString(step) || strings.HasPrefix(step, "SCAN CONSTANT") || allowed(sql, step) {
					continue
				}
				t.Errorf("%s\n  for %s", step, sql)
			}
			return rows.Err()
		})
		if err != nil {
			t.Errorf("%s: %v", sql, err)
		}
	}
}

func allowed(sql, step string) bool {
	for part, plan := range wholeTable {
		if strings.Contains(strings.Join(strings.Fields(sql), " "), part) && strings.Contains(step, plan) {
			return true
		}
	}
	return false
}

// TestMigrationsAreNumbered keeps the files in the form that a twin driver can
// follow.
func TestMigrationsAreNumbered(t *testing.T) {
	t.Parallel()
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil || len(names) == 0 {
		t.Fatalf("migrations: %v, %v", names, err)
	}
}

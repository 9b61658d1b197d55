package postgres

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"penstock/internal/store/postgres/pgtest"
	"penstock/internal/store/storetest"
)

// wholeTable are the statements that are meant to read all of something that
// stays small.
var wholeTable = map[string]string{
	"FROM watch ORDER BY":                  "watch",
	"SELECT DISTINCT connection":           "git_source",
	"outbox_number":                        "outbox_number",
	"FROM access_key ORDER BY":             "access_key",
	"DELETE FROM node WHERE heartbeat":     "node",
	"RETURNING EXISTS (SELECT 1 FROM node": "node other",
	"count(*) AS counted":                  "", // penstock du
	"FROM schema_migration":                "schema_migration",
	"FROM node ORDER BY":                   "node",
}

// fill puts rows into every table, as many as a planner takes seriously.
func fill(t *testing.T, conn *pgx.Conn, rows int) {
	t.Helper()
	columns, err := conn.Query(t.Context(), `SELECT table_name, column_name, data_type FROM information_schema.columns
		WHERE table_schema = current_schema() AND table_name <> 'schema_migration' ORDER BY table_name, ordinal_position`)
	if err != nil {
		t.Fatal(err)
	}
	var table, column, kind string
	names, values := map[string][]string{}, map[string][]string{}
	_, err = pgx.ForEachRow(columns, []any{&table, &column, &kind}, func() error {
		value, ok := map[string]string{
			"bigint": "i + 10", "text": "'x' || i", "boolean": "false", "bytea": "'\\x00'::bytea", "timestamp with time zone": "now()",
		}[kind]
		switch {
		case table+"."+column == "job.lease":
			value = "0"
		case !ok:
			t.Errorf("no value for %s.%s, a %s", table, column, kind)
		}
		names[table], values[table] = append(names[table], column), append(values[table], value)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for table := range names {
		sql := fmt.Sprintf(`INSERT INTO %s (%s) SELECT %s FROM generate_series(1, %d) AS i`,
			table, strings.Join(names[table], ", "), strings.Join(values[table], ", "), rows)
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		// Not all tables at once: others of the database are other tests'.
		if _, err := conn.Exec(t.Context(), `ANALYZE `+table); err != nil {
			t.Fatal(err)
		}
	}
}

var (
	parameter = regexp.MustCompile(`\$(\d+)`)
	scan      = regexp.MustCompile(`Seq Scan on ([\w ]+)`)
	joined    = regexp.MustCompile(`(?:Hash|Merge) Join|Index [^\n]*Scan [^\n]*\n +(?:Filter|->|$)`)
)

// TestPlans has PostgreSQL explain every statement in sessions as the driver's,
// whatever its arguments: none may walk over a table that grows. Plans are made
// when tables are small, too.
func TestPlans(t *testing.T) {
	t.Parallel()
	for _, rows := range []int{0, 20, 3000} {
		t.Run(fmt.Sprint(rows, " rows"), func(t *testing.T) {
			t.Parallel()
			plans(t, rows)
		})
	}
}

func plans(t *testing.T, rows int) {
	url := pgtest.URL(t)
	open(t, url)
	config, err := parse(url)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.ConnectConfig(t.Context(), config.ConnConfig)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if rows > 0 { // else nothing is known of the tables, as when they are new
		fill(t, conn, rows)
	}
	all := storetest.Statements(t)
	if len(all) < 100 {
		t.Errorf("only %d statements were found in the sources", len(all))
	}
	for i, sql := range all {
		args := 0
		for _, m := range parameter.FindAllStringSubmatch(sql, -1) {
			n, err := strconv.Atoi(m[1])
			if err != nil {
				t.Fatal(err)
			}
			args = max(args, n)
		}
		name := fmt.Sprint("s", i)
		if _, err := conn.Prepare(t.Context(), name, sql); err != nil {
			t.Errorf("%s: %v", sql, err)
			continue
		}
		execute := `EXPLAIN EXECUTE ` + name
		if args > 0 {
			execute += `(` + strings.TrimSuffix(strings.Repeat("NULL, ", args), ", ") + `)`
		}
		rows, err := conn.Query(t.Context(), execute, pgx.QueryExecModeSimpleProtocol)
		if err != nil {
			t.Fatal(err)
		}
		plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Errorf("%s: %v", sql, err)
			continue
		}
		for _, step := range plan {
			if m := scan.FindStringSubmatch(step); m != nil && !allowed(sql, strings.TrimSpace(m[1])) {
				t.Errorf("%s\nfor %s\n%s", m[0], sql, strings.Join(plan, "\n"))
			}
		}
		text := strings.Join(plan, "\n")
		if m := joined.FindString(text); m != "" && strings.Contains(sql, "unnest(") && strings.Contains(sql, " LIMIT $") {
			t.Errorf("%s\nin place of the index for %s\n%s", m, sql, text)
		}
	}
}

func allowed(sql, table string) bool {
	for part, small := range wholeTable {
		if strings.Contains(strings.Join(strings.Fields(sql), " "), part) && strings.HasPrefix(table, small) {
			return true
		}
	}
	return false
}

// TestPurgeKnowsAllTables: what a migration adds for pipelines goes with them.
func TestPurgeKnowsAllTables(t *testing.T) {
	t.Parallel()
	elsewhere := map[string]bool{ // left to others
		"timer": true, "watch": true, "git_source": true, // cleared when the pipeline is deleted
		"outbox": true, "job": true, // have a retention of their own
	}
	url := pgtest.URL(t)
	open(t, url)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	rows, err := conn.Query(t.Context(), `SELECT table_name FROM information_schema.columns
		WHERE table_schema = current_schema() AND column_name = 'pipeline_id'`)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(tables) < 10 {
		t.Fatalf("only tables %v found, %v", tables, err)
	}
	for _, table := range tables {
		purged := strings.Contains(strings.Join(history, "\n"), "DELETE FROM "+table+" ")
		if purged == elsewhere[table] {
			t.Errorf("table %s: purged with deleted pipelines %v, elsewhere %v", table, purged, elsewhere[table])
		}
	}
}

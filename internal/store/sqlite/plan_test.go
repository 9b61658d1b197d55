package sqlite

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"penstock/internal/sqlite"
)

// statements finds all SQL in the sources of this package: string constants,
// put together where they are added up.
func statements(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	set := token.NewFileSet()
	var parsed []*ast.File
	constants := map[string]string{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(set, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, f)
		ast.Inspect(f, func(n ast.Node) bool {
			if v, ok := n.(*ast.ValueSpec); ok && len(v.Values) == 1 {
				if s, ok := text(v.Values[0], nil); ok {
					constants[v.Names[0].Name] = s
				}
			}
			return true
		})
	}
	seen := map[string]bool{}
	var all []string
	for _, f := range parsed {
		ast.Inspect(f, func(n ast.Node) bool {
			e, ok := n.(ast.Expr)
			if !ok {
				return true
			}
			s, ok := text(e, constants)
			if !ok || !regexp.MustCompile(`^(SELECT|INSERT|UPDATE|DELETE)\s`).MatchString(s) {
				return true
			}
			if !seen[s] {
				seen[s] = true
				all = append(all, s)
			}
			return false // not the parts of a sum
		})
	}
	return all
}

// text is the value of a string expression.
func text(e ast.Expr, constants map[string]string) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind != token.STRING {
			return "", false
		}
		s, err := strconv.Unquote(e.Value)
		return s, err == nil
	case *ast.Ident:
		s, ok := constants[e.Name]
		return s, ok
	case *ast.BinaryExpr:
		x, ok := text(e.X, constants)
		y, ok2 := text(e.Y, constants)
		return x + y, ok && ok2 && e.Op == token.ADD
	}
	return "", false
}

// wholeTable are the statements that are meant to read all of something that
// stays small.
var wholeTable = map[string]string{
	"FROM watch ORDER BY":              "SCAN watch",
	"FROM git_source ORDER BY":         "USING COVERING INDEX git_source_repository",
	"FROM job INDEXED BY job_queued":   "USING INDEX job_queued",
	"UPDATE job INDEXED BY job_native": "USING INDEX job_native",
	"FROM client INDEXED BY":           "USING INDEX client_revoked",
	"FROM pipeline INDEXED BY":         "USING COVERING INDEX pipeline_deleted",
}

// TestPlans has SQLite explain every statement on filled tables: none may walk
// over a table that grows, or sort.
func TestPlans(t *testing.T) {
	t.Parallel()
	s, _ := benchStore(t, 5, 200)
	db := s.Driver.(*Driver).db
	all := statements(t)
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

package storetest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var verb = regexp.MustCompile(`^(SELECT|INSERT|UPDATE|DELETE|WITH)\s`)

// Statements finds all SQL in the sources of the package under test: string
// constants, put together where they are added up.
func Statements(t *testing.T) []string {
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
	}
	for range 3 { // constants may be made of others
		for _, f := range parsed {
			ast.Inspect(f, func(n ast.Node) bool {
				if v, ok := n.(*ast.ValueSpec); ok && len(v.Values) == 1 {
					if s, ok := text(v.Values[0], constants); ok {
						constants[v.Names[0].Name] = s
					}
				}
				return true
			})
		}
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
			if !ok || !verb.MatchString(s) {
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

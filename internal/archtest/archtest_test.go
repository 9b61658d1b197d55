package archtest

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	module = "penstock"
	root   = "../.."
	core   = "internal/core/"
	// maxLines is where a file holds more than one idea.
	maxLines = 500
)

// source is a Go file of the module.
type source struct {
	name  string // path in the module
	pkg   string // folder in the module
	test  bool
	lines int
	made  bool // by a generator
	file  *ast.File
}

// sources parses every Go file of the module.
func sources(t *testing.T) []source {
	t.Helper()
	var out []source
	set := token.NewFileSet()
	err := filepath.WalkDir(root, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := e.Name()
		if e.IsDir() {
			if name != root && (base == "testdata" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_")) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(base, ".go") {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(set, name, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		out = append(out, source{
			name: rel, pkg: path.Dir(rel), test: strings.HasSuffix(base, "_test.go"),
			lines: bytes.Count(text, []byte("\n")), made: ast.IsGenerated(f), file: f,
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 100 {
		t.Fatalf("only %d Go files found below %s", len(out), root)
	}
	return out
}

// imports returns the import paths of a file.
func imports(t *testing.T, f *ast.File) []string {
	t.Helper()
	var out []string
	for _, i := range f.Imports {
		p, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, p)
	}
	return out
}

// standard reports whether the path is of the standard library.
func standard(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return !strings.Contains(first, ".") && first != module
}

// library returns the entry of libs that the path belongs to.
func library(libs []string, imported string) (string, bool) {
	for _, l := range libs {
		if imported == l || strings.HasPrefix(imported, l+"/") {
			return l, true
		}
	}
	return "", false
}

func TestImports(t *testing.T) {
	t.Parallel()
	rows := map[string]row{}
	for _, r := range table {
		if _, twice := rows[r.pkg]; twice {
			t.Errorf("table_test.go: two rows for %s", r.pkg)
		}
		if r.why == "" {
			t.Errorf("table_test.go: the row of %s has no reason", r.pkg)
		}
		rows[r.pkg] = r
	}
	seen := map[string]bool{}
	used := map[string]bool{} // "package entry"
	for _, s := range sources(t) {
		r, ok := rows[s.pkg]
		if !ok {
			t.Errorf("%s: table_test.go has no row for package %s", s.name, s.pkg)
			continue
		}
		seen[s.pkg] = true
		if s.test {
			continue // tests may fake and compare with anything
		}
		own, libs := strings.Fields(r.own), strings.Fields(r.libs)
		for _, p := range imports(t, s.file) {
			if in, ours := strings.CutPrefix(p, module+"/"); ours {
				used[s.pkg+" "+in] = true
				if !slices.Contains(own, in) {
					t.Errorf("%s imports %s, which is not its to know: %s", s.name, in, r.why)
				}
				continue
			}
			if standard(p) {
				continue
			}
			l, ok := library(libs, p)
			if !ok {
				t.Errorf("%s imports %s, which is not its library: %s", s.name, p, r.why)
			}
			used[s.pkg+" "+l] = true
		}
	}
	for _, r := range table {
		if !seen[r.pkg] {
			t.Errorf("table_test.go: there is no package %s", r.pkg)
			continue
		}
		for _, entry := range strings.Fields(r.own + " " + r.libs) {
			if !used[r.pkg+" "+entry] {
				t.Errorf("table_test.go: %s does not import %s any more", r.pkg, entry)
			}
		}
	}
}

// TestCoreIsPure: no clock, no randomness, no I/O, no goroutines, no wire.
func TestCoreIsPure(t *testing.T) {
	t.Parallel()
	files := 0
	for _, s := range sources(t) {
		if !strings.HasPrefix(s.pkg+"/", core) || s.test {
			continue
		}
		files++
		for _, p := range imports(t, s.file) {
			if standard(p) && !slices.Contains(strings.Fields(pureStd), p) {
				t.Errorf("%s imports %s", s.name, p)
			}
		}
		for _, what := range impure(s.file) {
			t.Errorf("%s has %s", s.name, what)
		}
	}
	if files < 20 {
		t.Errorf("only %d files of the core found", files)
	}
}

// impure names what a file of the core must not have.
func impure(f *ast.File) (found []string) {
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && slices.Contains(strings.Fields(notPure), x.Name+"."+n.Sel.Name) {
				found = append(found, x.Name+"."+n.Sel.Name)
			}
		case *ast.GoStmt:
			found = append(found, "a goroutine")
		case *ast.ChanType:
			found = append(found, "a channel")
		case *ast.Field:
			// The store writes documents: what is empty may be left out
			// of them, but a name would be somebody's wire format.
			if n.Tag != nil && !slices.Contains(strings.Fields(storeTags), n.Tag.Value) {
				found = append(found, "the tag "+n.Tag.Value)
			}
		}
		return true
	})
	return found
}

// TestImpureIsNoticed keeps impure honest.
func TestImpureIsNoticed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ code, want string }{
		"clock":     {"var x = time.Now()", "time.Now"},
		"as value":  {"var now = time.Now", "time.Now"},
		"goroutine": {"func f() { go f() }", "a goroutine"},
		"channel":   {"var c chan int", "a channel"},
		"wire":      {"type s struct { A int `json:\"a\"` }", "the tag `json:\"a\"`"},
		"stored":    {"type s struct { A int `json:\",omitempty\"` }", ""},
		"pure":      {"func f(t time.Time) string { return fmt.Sprint(t) }", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x\n"+c.code, 0)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(impure(f), ", "); got != c.want {
				t.Errorf("found %q, want %q", got, c.want)
			}
		})
	}
}

func TestFilesHoldOneIdea(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		if s.lines > maxLines && !s.made {
			t.Errorf("%s has %d lines, more than %d", s.name, s.lines, maxLines)
		}
	}
}

func TestPackagesAreNamedByWhatTheyAre(t *testing.T) {
	t.Parallel()
	drawers := []string{"util", "utils", "common", "helper", "helpers", "misc", "shared", "types", "base", "lib"}
	for _, s := range sources(t) {
		name := strings.TrimSuffix(s.file.Name.Name, "_test")
		if slices.Contains(drawers, name) || slices.Contains(drawers, path.Base(s.pkg)) {
			t.Errorf("%s: package %s is named after a drawer", s.name, name)
		}
	}
}

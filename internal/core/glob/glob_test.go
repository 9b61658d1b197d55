package glob_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"penstock/internal/core/glob"
)

func TestMatch(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern string
		yes, no []string
	}{
		{"main", []string{"main"}, []string{"Main", "main2", "amain", "", "main\n"}},
		{"*", []string{"", "main", ".hidden"}, []string{"feature/x"}},
		{"**", []string{"", "main", "a/b/c", "a\nb"}, nil},
		{"feature/*", []string{"feature/", "feature/x", "feature/.x"}, []string{"feature", "feature/x/y"}},
		{"feature/**", []string{"feature/", "feature/x", "feature/x/y"}, []string{"feature"}},
		{"*.go", []string{"a.go", ".go"}, []string{"a/b.go", "ago"}},
		{"**.go", []string{"a.go", "a/b.go"}, []string{"a.goo"}},
		// Java's language, so the slash has to be there.
		{"**/README.md", []string{"a/README.md", "a/b/README.md", "/README.md"}, []string{"README.md"}},
		{"v?.?", []string{"v1.2", "vé.2"}, []string{"v1.", "v/.2", "v12.3"}},
		{"v[0-9].[!0-9]", []string{"v1.x"}, []string{"v1.1", "vx.x", "v1./"}},
		{"[abc]", []string{"a", "c"}, []string{"d", "", "ab"}},
		{"[*?\\]", []string{"*", "?", `\`}, []string{"a"}},
		{"[-a]", []string{"-", "a"}, []string{"b"}},
		{"[a-]", []string{"-", "a"}, []string{"b"}},
		{"[!-a]", []string{"b"}, []string{"-", "a"}},
		{"[^a]", []string{"^", "a"}, []string{"b"}},
		{"[a-cx]", []string{"b", "x"}, []string{"-", "d"}},
		{"[+-9]", []string{"+", ".", "0", "9"}, []string{"/"}},
		{"[[&&~]", []string{"[", "&", "~"}, []string{"]"}},
		{"{main,release/*}", []string{"main", "release/1"}, []string{"release", "main,release/1"}},
		{"{a,}b", []string{"ab", "b"}, []string{"a"}},
		{"a,b}", []string{"a,b}"}, []string{"a"}},
		{"x{[a,],\\,}y", []string{"xay", "x,y"}, []string{"xy"}},
		{`\*\{\\`, []string{`*{\`}, []string{"a"}},
		{"a.b+c(d)$^|", []string{"a.b+c(d)$^|"}, []string{"axb+c(d)$^|"}},
		{"é*", []string{"été"[0:2] + "x"}, []string{"e"}},
	} {
		g, err := glob.Compile(c.pattern)
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
			continue
		}
		for _, s := range c.yes {
			if !g.Match(s) {
				t.Errorf("%s does not match %q", c.pattern, s)
			}
		}
		for _, s := range c.no {
			if g.Match(s) {
				t.Errorf("%s matches %q", c.pattern, s)
			}
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]string{
		`a\`: `nothing follows the last \`, "[a": "a ] is missing", "[": "a ] is missing", "[!": "a ] is missing",
		"[]": "a class is empty", "[!]": "a class is empty", "[a/b]": "a class holds a /", "[z-a]": "a range ends before",
		"[a-c-e]": "a range has no beginning", "[a-/]": "a range ends before", "{a,{b}}": "groups cannot nest", "{a": "a } is missing",
	} {
		if _, err := glob.Compile(pattern); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", pattern, err, want)
		}
	}
}

// A pattern that makes backtracking matchers take for ever.
func TestBoundedWork(t *testing.T) {
	t.Parallel()
	g, err := glob.Compile(strings.Repeat("**a", 80) + "b")
	if err != nil {
		t.Fatal(err)
	}
	if g.Match(strings.Repeat("a", glob.MaxText)) {
		t.Error("matches without a b")
	}
	if all, _ := glob.Compile("**"); all.Match(strings.Repeat("a", glob.MaxText+1)) {
		t.Error("matches a text without bound")
	}
}

func FuzzCompile(f *testing.F) {
	for _, s := range []string{"**/*.md", "{a,b}[!x-z]?", `\[[-]`, "[+-9]", "[^]"} {
		f.Add(s, "a/b.md")
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		g, err := glob.Compile(pattern)
		if err != nil || !utf8.ValidString(pattern) {
			return // declarations are JSON
		}
		got := g.Match(text)
		// An alternative of the same twice means the same.
		if !strings.ContainsAny(pattern, `{}\,[`) {
			twice, err := glob.Compile("{" + pattern + "," + pattern + "}")
			if err != nil || twice.Match(text) != got {
				t.Errorf("%q and %q differ: %v, %v", pattern, "{…}", got, err)
			}
		}
		if !strings.ContainsAny(pattern, `*?[{\`) && got != (pattern == text && len(text) <= glob.MaxText) {
			t.Errorf("%q and %q: %v", pattern, text, got)
		}
	})
}

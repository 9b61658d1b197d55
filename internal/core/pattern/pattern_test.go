package pattern_test

import (
	"regexp/syntax"
	"strings"
	"testing"

	"penstock/internal/core/pattern"
)

func TestMatch(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text, in string
		want     bool
	}{
		{"main|release/.*", "release/1", true},
		{"main|release/.*", "old-main", false}, // the whole text, for each alternative
		{"main$", "main\n", false},
		{"(?i)MAIN", "main", true},
		{"", "", true},
		{"a{1000}", strings.Repeat("a", 1000), true},
		{"a{1000}", strings.Repeat("a", 999), false},
	} {
		p, err := pattern.Compile(c.text)
		if err != nil {
			t.Errorf("%.40s: %v", c.text, err)
		} else if got := p.Match(c.in); got != c.want {
			t.Errorf("%.40s matches %.40q: %v", c.text, c.in, got)
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"open":              "(",
		"two parts":         "a)|(b",
		"lookahead":         "(?!b)a",
		"backreference":     `(a)\1`,
		"many repetitions":  strings.Repeat("(a?){1000}", 100),
		"nested ones":       "((((a{10}){10}){10}){10}){10}",
		"of classes":        strings.Repeat("[^a-c]{900}", 12),
		"long":              strings.Repeat("ab", 6000),
		"open at the end":   strings.Repeat("(a?){1000,}", 11),
		"deep parentheses":  strings.Repeat("(", 5000) + strings.Repeat(")", 5000),
		"repeats too often": "a{1001}",
	} {
		if _, err := pattern.Compile(text); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

// The cost bounds the size of what is run.
func FuzzCost(f *testing.F) {
	for _, text := range []string{"a", "(a?){50}", "[a-z]{3,70}(x|y|zz)*", `\pL+`, "((a{9}){9}b+)?", "^$", "a**"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := pattern.Compile(text)
		if err != nil {
			return
		}
		tree, err := syntax.Parse(text, syntax.Perl)
		if err != nil {
			t.Fatal(err)
		}
		prog, err := syntax.Compile(tree.Simplify())
		if err != nil {
			t.Fatal(err)
		}
		if n := p.Cost(""); len(prog.Inst) > 4*n+4 {
			t.Errorf("%q has %d instructions and costs %d", text, len(prog.Inst), n)
		}
	})
}

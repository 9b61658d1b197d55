package doctest

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// block is a fenced block of a page that a comment marks: what to do with it,
// and what it prints according to the page.
type block struct {
	line int    // of the fence, from 1
	mark string // "run: custom", "program: go"
	text string
	want []string // lines of the json or text block that follows at once
}

var marked = regexp.MustCompile(`^<!-- ((?:run|program): \w+) -->$`)

// blocks returns the marked blocks of a page, in order.
func blocks(page string) ([]block, error) {
	var out []block
	lines := strings.Split(page, "\n")
	fenced := func(i int, languages ...string) (body []string, end int, ok bool) {
		if i >= len(lines) {
			return nil, i, false
		}
		language, ok := strings.CutPrefix(lines[i], "```")
		if !ok || !slices.Contains(languages, language) {
			return nil, i, false
		}
		n := slices.Index(lines[i+1:], "```")
		if n < 0 {
			return nil, i, false
		}
		return lines[i+1 : i+1+n], i + n + 2, true
	}
	for i := range lines {
		m := marked.FindStringSubmatch(lines[i])
		if m == nil {
			continue
		}
		body, end, ok := fenced(i+1, "bash", "go", "python", "javascript", "sh", "sql")
		if !ok {
			return nil, fmt.Errorf("line %d: no block follows the mark", i+1)
		}
		b := block{line: i + 2, mark: m[1], text: strings.Join(body, "\n") + "\n"}
		b.want, _, _ = fenced(end, "json", "text")
		out = append(out, b)
	}
	return out, nil
}

// of returns the blocks with one of the marks, and fails when there are none.
func of(t *testing.T, all []block, marks ...string) []block {
	t.Helper()
	var out []block
	for _, b := range all {
		if slices.Contains(marks, b.mark) {
			out = append(out, b)
		}
	}
	if len(out) == 0 {
		t.Fatalf("the page has no block marked %q", marks)
	}
	return out
}

// missing returns the first wanted line that got does not have behind those
// before it, "" when all are there. Space around a line does not count, and …
// stands for anything.
func missing(want []string, got string) string {
	lines := strings.Split(got, "\n")
	for _, w := range want {
		w = strings.TrimSpace(w)
		if w == "" {
			continue
		}
		pattern := regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(w), "…", ".*") + ",?$")
		i := slices.IndexFunc(lines, func(l string) bool { return pattern.MatchString(strings.TrimSpace(l)) })
		if i < 0 {
			return w
		}
		lines = lines[i+1:]
	}
	return ""
}

func page(t *testing.T, name string) []block {
	t.Helper()
	text, err := os.ReadFile("../../docs/" + name)
	if err != nil {
		t.Fatal(err)
	}
	all, err := blocks(string(text))
	if err != nil {
		t.Fatalf("docs/%s: %v", name, err)
	}
	runs := 0
	for _, b := range all {
		if strings.HasPrefix(b.mark, "run: ") {
			runs++
		}
	}
	if n := strings.Count(string(text), "\n```bash\n"); n != runs {
		t.Fatalf("docs/%s has %d bash blocks, %d of them marked to be run: mark them all", name, n, runs)
	}
	return all
}

func TestBlocks(t *testing.T) {
	t.Parallel()
	const text = "a\n<!-- run: x -->\n```bash\none\ntwo\n```\n```json\n{\n```\n```bash\nnot marked\n```\n<!-- program: go -->\n```go\nthree\n```\n\n```text\nfar\n```\n"
	got, err := blocks(text)
	want := []block{{3, "run: x", "one\ntwo\n", []string{"{"}}, {14, "program: go", "three\n", nil}}
	if err != nil || len(got) != 2 || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %+v, %v", got, err)
	}
	for name, broken := range map[string]string{
		"no block": "<!-- run: x -->\n\n```bash\n```\n", "never closed": "<!-- run: x -->\n```bash\n", "end of page": "<!-- run: x -->",
	} {
		if _, err := blocks(broken); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestMissing(t *testing.T) {
	t.Parallel()
	const got = "{\n    \"a\": \"1\",\n    \"b\": 2\n}\nend of it\n"
	for _, c := range []struct {
		name string
		want []string
		miss string
	}{
		{"all", []string{"{", `"a": "1"`, `"b": 2`, "}", "end of it"}, ""},
		{"some", []string{`"b": 2`, "", "end of it"}, ""},
		{"anything", []string{`"a": "…"`, "end…"}, ""},
		{"order", []string{`"b": 2`, `"a": "1"`}, `"a": "1"`},
		{"value", []string{`"a": "2"`}, `"a": "2"`},
		{"part of a line", []string{"end"}, "end"},
		{"twice", []string{"{", "{"}, "{"},
	} {
		if miss := missing(c.want, got); miss != c.miss {
			t.Errorf("%s: %q is missing, want %q", c.name, miss, c.miss)
		}
	}
}

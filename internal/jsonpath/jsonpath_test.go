package jsonpath

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

const document = `{
	"ref": "refs/heads/main", "n": 5, "f": 1.50, "yes": true, "z": null, "x-y": 2, "a.b": 1, "it's": "q", "é": "accent",
	"big": 9007199254740993, "text": "5", "empty": [], "labels": ["red", "blue"],
	"o": {"ref": "deep", "n": 7},
	"commits": [
		{"id": "a", "n": 1, "added": ["x"], "o": {"k": 1}},
		{"id": "b", "n": 2, "added": ["y", "z"]},
		{"id": "c", "n": 3, "added": [], "z": null}
	]
}`

func parse(t testing.TB, text string) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// find lists what a path finds, as JSON, sorted.
func find(t testing.TB, path string, doc any) string {
	t.Helper()
	p, err := Parse(path)
	if err != nil {
		return "error"
	}
	got := []string{}
	err = p.Find(doc, func(v any) bool {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(b))
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	return strings.Join(got, " ")
}

func TestFind(t *testing.T) {
	t.Parallel()
	doc := parse(t, document)
	for path, want := range map[string]string{
		"$.ref":                       `"refs/heads/main"`,
		"ref":                         `"refs/heads/main"`,
		"@.ref":                       `"refs/heads/main"`,
		" $.ref ":                     `"refs/heads/main"`,
		"$['ref']":                    `"refs/heads/main"`,
		`$["ref"]`:                    `"refs/heads/main"`,
		"$.['ref']":                   `"refs/heads/main"`,
		"$[ 'ref' ]":                  `"refs/heads/main"`,
		`$['\u0072ef']`:               `"refs/heads/main"`,
		`$['it\'s']`:                  `"q"`,
		"$.é":                         `"accent"`,
		"$.x-y":                       `2`,
		"$['a.b']":                    `1`,
		"$.f":                         `1.50`,
		"$.z":                         `null`,
		"$.Ref":                       ``,
		"$.ref.x":                     ``,
		"$.commits.id":                ``,
		"$.o.n":                       `7`,
		"$.commits[0].id":             `"a"`,
		"$.commits[-1].id":            `"c"`,
		"$.commits[3].id":             ``,
		"$.commits[-4].id":            ``,
		"$.commits[0,2].id":           `"a" "c"`,
		"$.commits[0:2].id":           `"a" "b"`,
		"$.commits[1:].id":            `"b" "c"`,
		"$.commits[:-1].id":           `"a" "b"`,
		"$.commits[-2:].id":           `"b" "c"`,
		"$.commits[2:1].id":           ``,
		"$.commits[:].id":             `"a" "b" "c"`,
		"$.commits[*].id":             `"a" "b" "c"`,
		"$.commits.*.id":              `"a" "b" "c"`,
		"$.commits[*].added[*]":       `"x" "y" "z"`,
		"$..ref":                      `"deep" "refs/heads/main"`,
		"$..added[0]":                 `"x" "y"`,
		"$..['id']":                   `"a" "b" "c"`,
		"$.o.*":                       `"deep" 7`,
		"$['ref','n']":                `{"n":5,"ref":"refs/heads/main"}`,
		"$['o','none']['ref']":        `"deep"`,
		"$.commits.length()":          `3`,
		"$.o.size()":                  `2`,
		"$.ref.length()":              ``,
		"$.commits[?(@.id=='b')].n":   `2`,
		"$.commits[?(@.id == \"b\")]": `{"added":["y","z"],"id":"b","n":2}`,
		"$.commits[?(@.n==2)].id":     `"b"`,
		"$.commits[?(@.n == '2')].id": `"b"`,
		"$.commits[?(@.n!=2)].id":     `"a" "c"`,
		"$.commits[?(@.n>1)].id":      `"b" "c"`,
		"$.commits[?(@.n>=2)].id":     `"b" "c"`,
		"$.commits[?(@.n<2)].id":      `"a"`,
		"$.commits[?(@.n<=2e0)].id":   `"a" "b"`,
		"$.commits[?(2<@.n)].id":      `"c"`,
		"$.commits[?(@.id>'a')].id":   `"b" "c"`,
		"$.commits[?(@.id>1)].id":     ``,
		"$.commits[?(@.z)].id":        `"c"`,
		"$.commits[?(@.z==null)].id":  `"c"`,
		"$.commits[?(@.o.k!=1)].id":   `"b" "c"`,
		"$.commits[?(!@.z)].id":       `"a" "b"`,
		"$.commits[?(@.id=='a' || @.id=='c')].id":         `"a" "c"`,
		"$.commits[?(@.id=='b' && @.n==2)].id":            `"b"`,
		"$.commits[?(@.id=='a' || @.id=='b' && @.n>5)]":   `{"added":["x"],"id":"a","n":1,"o":{"k":1}}`,
		"$.commits[?((@.id=='a'||@.id=='b') && @.n>1)].n": `2`,
		"$.commits[?(!(@.id=='b'))].id":                   `"a" "c"`,
		"$.commits[?(@.id in ['a','b'])].id":              `"a" "b"`,
		"$.commits[?(@.id nin ['a','b'])].id":             `"c"`,
		"$.commits[?(@.n in [1, 3])].id":                  `"a" "c"`,
		"$.commits[?('y' in @.added)].id":                 `"b"`,
		"$.commits[?(@.added contains 'x')].id":           `"a"`,
		"$[?(@.ref contains 'heads')].n":                  `5`,
		"$.commits[?(@.added size 2)].id":                 `"b"`,
		"$.commits[?(@.added empty true)].id":             `"c"`,
		"$.commits[?(@.added empty false)].id":            `"a" "b"`,
		"$.commits[?(@.added == ['x'])].id":               `"a"`,
		"$.commits[?(@.added.length() > 1)].id":           `"b"`,
		"$.commits[?(@.id =~ /[ab]/)].id":                 `"a" "b"`,
		"$.commits[?(@.id =~ /B/i)].id":                   `"b"`,
		"$[?(@.ref =~ /heads/)].n":                        ``,
		`$[?(@.ref =~ /refs\/heads\/.*/)].n`:              `5`,
		"$.commits[?(@.n < $.o.n)].id":                    `"a" "b" "c"`,
		"$.commits[?(@.n in $.commits[*].n)].id":          `"a" "b" "c"`,
		"$[?(@.n==5)].ref":                                `"refs/heads/main"`,
		"$..[?(@.n==7)].ref":                              `"deep"`,
		"$..[?(@.n==2)].id":                               `"b"`,
		"$[?(@.big==9007199254740992)].n":                 ``,
		"$[?(@.big==9007199254740993)].n":                 `5`,
		"$[?(@.text==5.0)].n":                             `5`,
		"$[?(@.yes==true)].n":                             `5`,
		"$[?(@.yes=='true')].n":                           ``,
		"$[?(@.o==@.o)].n":                                ``,
		"$.labels[?(@=='red')]":                           `"red"`,
	} {
		if got := find(t, path, doc); got != want {
			t.Errorf("%s\n got %s\nwant %s", path, got, want)
		}
	}
}

func TestWholeDocument(t *testing.T) {
	t.Parallel()
	if got := find(t, "$", parse(t, `[1]`)); got != "[1]" {
		t.Errorf("$ is %s", got)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for _, path := range []string{
		"", " ", "$.", "$..", "$.a.", "$.a..", "$...a", "$[", "$[]", "$[a]", "$['a", "$['a]", "$['a'", "$['a' 'b']", "$['a',]", `$['\u12']`, `$['\u12`, `$['\`,
		"$[1", "$[1:2:3]", "$[1,]", "$[--1]", "$[99999999999]", "$.a b", "$.a]", "$.a(", "$.a*", "$.ref extra", "$$", "$a", "{", "$.a{b}",
		"$.a.first()", "$.a.length().b", "$..length()", "$.a[*].length()",
		"$[?]", "$[?()]", "$[?(@.a]", "$[?(@.a)", "$[?(@.a ==)]", "$[?('a')]", "$[?(@.a = 1)]", "$[?(@.a === 1)]", "$[?(@.a subsetof ['a'])]",
		"$[?(@.a =~ 'x')]", "$[?(@.a =~ /x)]", "$[?(@.a =~ /(/)]", `$[?(@.a =~ /\`, "$[?(@.a && )]", "$[?(@.a in [)]", "$[?(@.a in ['a')]", "$[?@.a]",
	} {
		if p, err := Parse(path); err == nil {
			t.Errorf("%q was read as %+v", path, p)
		} else if err.Error() == "" {
			t.Errorf("%q: no text", path)
		}
	}
}

func TestDefinite(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]bool{
		"$": true, "$.a.b[0]": true, "$['a','b']": true, "$.a.length()": true,
		"$['a','b'].c": false, "$..a": false, "$.*": false, "$[0,1]": false, "$[0:1]": false, "$[?(@.a)]": false,
	} {
		p, err := Parse(path)
		if err != nil {
			t.Fatal(err)
		}
		if p.Definite() != want {
			t.Errorf("%s: definite is %v", path, !want)
		}
	}
}

// A stranger's document may not make a path run for ever.
func TestWorkIsBounded(t *testing.T) {
	t.Parallel()
	deep := parse(t, strings.Repeat("[", 3000)+strings.Repeat("]", 3000))
	wide := parse(t, `{"b":"`+strings.Repeat("x", 1<<20)+`","l":[`+strings.TrimSuffix(strings.Repeat(`{"a":"x"},`, 100_000), ",")+`]}`)
	for name, c := range map[string]struct {
		path string
		doc  any
	}{
		"nested scans":    {"$..*..*..*..*", deep},
		"filter of scans": {"$..[?(@..x)]..[?(@..y)]", parse(t, strings.Repeat(`{"k":`, 9000)+"1"+strings.Repeat("}", 9000))},
		"long texts":      {"$.l[?($.b contains @.c || $.b contains @.a && $.b contains 'y')]", wide},
		"patterns":        {"$.l[?($.b =~ /(x|y)*z/)]", wide},
		"one pattern":     {"$[?(@ =~ /(a?){1000}/)]", []any{strings.Repeat("a", 10_000)}},
		"lists":           {"$.l[?($..a == $..a)]", wide},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := Parse(c.path)
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Find(c.doc, func(any) bool { return true }); !errors.Is(err, ErrTooMuch) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestFindStops(t *testing.T) {
	t.Parallel()
	doc := parse(t, document)
	for _, path := range []string{"$..*", "$.commits[*].id", "$.commits[0,1]", "$.commits[0:2]", "$.commits[?(@.id)]", "$..id", "$['o','ref']['n','ref']"} {
		p, err := Parse(path)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		if err := p.Find(doc, func(any) bool { n++; return false }); err != nil || n > 1 {
			t.Errorf("%s: %d values after the first was enough, %v", path, n-1, err)
		}
	}
}

// FuzzFind: no text makes the parser or a search fail other than by an error,
// and what is definite finds at most one value.
func FuzzFind(f *testing.F) {
	for _, s := range []string{"$.ref", "$..[?(@.n==7 && !(@.a in ['x',1,null]))]['a','b'][0,-1][1:2].length()", `$['\u0041']`, "$[?(@.a =~ /x\\/y/i)]", "commits[?($..id contains 'a' || @ size 3)]"} {
		f.Add(s, document)
	}
	f.Fuzz(func(t *testing.T, path, text string) {
		p, err := Parse(path)
		if err != nil {
			return
		}
		var doc any
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		if d.Decode(&doc) != nil {
			return
		}
		n := 0
		if err := p.Find(doc, func(any) bool { n++; return n < 1000 }); err != nil && !errors.Is(err, ErrTooMuch) {
			t.Error(err)
		}
		if p.Definite() && n > 1 {
			t.Errorf("the definite path %s found %d values", path, n)
		}
	})
}

func ExamplePath_Find() {
	p, err := Parse("$.commits[?(@.id == 'b')].n")
	if err != nil {
		panic(err)
	}
	doc := map[string]any{"commits": []any{map[string]any{"id": "b", "n": json.Number("2")}}}
	_ = p.Find(doc, func(v any) bool {
		fmt.Println(v)
		return true
	})
	// Output: 2
}

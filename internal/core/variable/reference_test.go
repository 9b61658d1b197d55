package variable_test

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"penstock/internal/core/fault"
	"penstock/internal/core/variable"
)

func lookup(namespace, key string) (string, bool) {
	value, ok := map[string]string{
		"Src.CommitId":                     "c0ffee",
		"Src.Message":                      "see #{Src.CommitId}",
		"Src.Empty":                        "",
		"Src.a.b":                          "dotted",
		"Src.with space":                   "spaced",
		"codepipeline.PipelineExecutionId": "e1",
	}[namespace+"."+key]
	return value, ok
}

func TestReferences(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, in string
		want     []variable.Ref
	}{
		{"none", "plain {text} # } #", nil},
		{"one", "#{Src.CommitId}", []variable.Ref{{Text: "#{Src.CommitId}", Namespace: "Src", Key: "CommitId"}}},
		{"several in text", `[{"v":"#{A.b}-#{C.d}"}]`, []variable.Ref{{Text: "#{A.b}", Namespace: "A", Key: "b"}, {Text: "#{C.d}", Namespace: "C", Key: "d"}}},
		{"key with periods and spaces", "#{A.b.c d}", []variable.Ref{{Text: "#{A.b.c d}", Namespace: "A", Key: "b.c d"}}},
		{"no period", "#{Src}", []variable.Ref{{Text: "#{Src}"}}},
		{"no namespace", "#{.k}", []variable.Ref{{Text: "#{.k}"}}},
		{"no key", "#{n.}", []variable.Ref{{Text: "#{n.}"}}},
		{"empty", "#{}", []variable.Ref{{Text: "#{}"}}},
		{"lone opening", "#{", []variable.Ref{{Text: "#{"}}},
		{"lone opening at the end", "a #{b #{", []variable.Ref{{Text: "#{"}}},
		{"never closed", "a #{b.c", nil},
		{"shell length", "${#list[@]}", nil},
		{"up to the first brace", "#{a.b}}", []variable.Ref{{Text: "#{a.b}", Namespace: "a", Key: "b"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := slices.Collect(variable.References(c.in))
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("References(%q) = %+v, want %+v", c.in, got, c.want)
			}
			if variable.Contains(c.in) != (c.want != nil) {
				t.Errorf("Contains(%q) = %t", c.in, variable.Contains(c.in))
			}
			for _, ref := range got {
				if ref.Malformed() != (ref.Namespace == "" || ref.Key == "") {
					t.Errorf("%+v: Malformed = %t", ref, ref.Malformed())
				}
			}
		})
	}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, in, want string }{
		{"nothing to do", "plain", "plain"},
		{"whole value", "#{Src.CommitId}", "c0ffee"},
		{"mixed", "rev #{Src.CommitId} of #{codepipeline.PipelineExecutionId}.", "rev c0ffee of e1."},
		{"T-14 one pass", "#{Src.Message}", "see #{Src.CommitId}"},
		{"one pass beside another", "#{Src.Message}#{Src.CommitId}", "see #{Src.CommitId}c0ffee"},
		{"empty value", "a#{Src.Empty}b", "ab"},
		{"key with a period", "#{Src.a.b}", "dotted"},
		{"key with a space", "#{Src.with space}", "spaced"},
		{"unclosed", "#{Src.CommitId} #{x", "c0ffee #{x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := variable.Resolve(c.in, 1000, lookup)
			if err != nil || got != c.want {
				t.Errorf("Resolve(%q) = %q, %v, want %q", c.in, got, err, c.want)
			}
		})
	}
}

func TestResolveNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, in, text string }{
		{"unknown key", "#{Src.CommitId} #{Src.Nothing} #{Src.Never}", "The variable reference #{Src.Nothing} could not be resolved: no action that ended before has set this variable."},
		{"case counts", "#{src.CommitId}", "The variable reference #{src.CommitId} could not be resolved: no action that ended before has set this variable."},
		{"malformed", "#{Src}", "The variable reference #{Src} is not a namespace and a key separated by a period (.)."},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := variable.Resolve(c.in, 1000, lookup)
			want := &fault.Error{Code: "InvalidActionConfiguration", Message: c.text}
			if got != "" || !reflect.DeepEqual(err, error(want)) {
				t.Errorf("Resolve(%q) = %q, %v, want %v", c.in, got, err, want)
			}
		})
	}
}

// A text is built up to its limit, not beyond.
func TestResolveLimit(t *testing.T) {
	t.Parallel()
	value := strings.Repeat("x", 100)
	asked := 0
	lookup := func(string, string) (string, bool) { asked++; return value, true }
	for _, c := range []struct {
		in     string
		limit  int
		ok     bool
		lookup int
	}{
		{"plain", 5, true, 0},
		{"plain", 4, false, 0},
		{"plain", -1, false, 0},
		{"a#{n.k}b", 102, true, 1},
		{"a#{n.k}b", 101, false, 1},
		{strings.Repeat("#{n.k}", 1_000_000), 1000, false, 11},
	} {
		asked = 0
		got, err := variable.Resolve(c.in, c.limit, lookup)
		if (err == nil) != c.ok || len(got) > max(c.limit, 0) || asked != c.lookup {
			t.Errorf("%.20s within %d: %d bytes, %d look-ups, %v", c.in, c.limit, len(got), asked, err)
		}
		if f, ok := err.(*fault.Error); err != nil && (!ok || f.Code != variable.CodeInvalidConfiguration) {
			t.Errorf("refused with %v", err)
		}
	}
}

// FuzzResolve holds Resolve to its promises: text without references stays as
// it is, replaced values are never read again, and what References finds is
// all that is asked for.
func FuzzResolve(f *testing.F) {
	for _, s := range []string{"", "plain", "#{a.b}", "#{", "#{}", "x#{a.b}y#{c.d}z", "#{a", "#{a#{b.c}}", "#{.}", "#{a.}", "#{#{", "}#{a.b.c}"} {
		f.Add(s, "#{a.b}")
	}
	f.Fuzz(func(t *testing.T, s, value string) {
		refs := slices.Collect(variable.References(s))
		var asked []variable.Ref
		got, err := variable.Resolve(s, math.MaxInt, func(namespace, key string) (string, bool) {
			asked = append(asked, variable.Ref{Text: "#{" + namespace + "." + key + "}", Namespace: namespace, Key: key})
			return value, true
		})
		want, rest := "", s
		for i, ref := range refs {
			before, after, found := strings.Cut(rest, ref.Text)
			if ref.Text == "#{" { // stands at the end
				before, found = strings.CutSuffix(rest, "#{")
				after = ""
			}
			if !found {
				t.Fatalf("reference %q does not stand in %q", ref.Text, rest)
			}
			if ref.Malformed() {
				if err == nil {
					t.Fatalf("malformed %q resolved to %q", s, got)
				}
				refs = refs[:i]
				break
			}
			want, rest = want+before+value, after
		}
		if len(asked) != len(refs) || len(refs) > 0 && !reflect.DeepEqual(asked, refs) {
			t.Fatalf("asked for %+v, found %+v", asked, refs)
		}
		if err == nil && got != want+rest {
			t.Fatalf("Resolve(%q) = %q, want %q", s, got, want+rest)
		}
	})
}

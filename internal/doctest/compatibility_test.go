package doctest

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"penstock/internal/core/actiontype"
)

// TestActionTypesAreListed: docs/compatibility.md says of every type that comes
// with the service whether it runs, and of no other.
func TestActionTypesAreListed(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/compatibility.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(text), "\n## Action types\n")
	section, _, _ = strings.Cut(section, "\n## ")
	if !ok {
		t.Fatal("docs/compatibility.md has no section of action types")
	}
	var got, want []string
	for _, m := range regexp.MustCompile(`(?m)^\| ([A-Z]\w+)/AWS/(\w+) \|`).FindAllStringSubmatch(section, -1) {
		got = append(got, m[1]+"/"+m[2])
	}
	for _, m := range regexp.MustCompile(`(Source|Build|Test|Invoke|Deploy|Approval|Compute): ([\w, ]+)`).FindAllStringSubmatch(section, -1) {
		for provider := range strings.SplitSeq(m[2], ", ") {
			got = append(got, m[1]+"/"+strings.TrimSpace(provider))
		}
	}
	for _, a := range actiontype.Builtin("us-east-1") {
		want = append(want, a.ID.Category+"/"+a.ID.Provider)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the page has\n%q\nthe service\n%q", got, want)
	}
}

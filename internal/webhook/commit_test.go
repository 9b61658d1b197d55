package webhook

import (
	"strings"
	"testing"

	"penstock/internal/core/pipeline"
)

func TestBinding(t *testing.T) {
	t.Parallel()
	const commit = "0123456789abcdef0123456789abcdef01234567"
	gitHub := pipeline.ActionType{Category: "Source", Owner: "ThirdParty", Provider: "GitHub", Version: "1"}
	custom := pipeline.ActionType{Category: "Source", Owner: "Custom", Provider: "GitHub", Version: "1"}
	push := `{"ref":"refs/heads/main","after":"` + commit + `"}`
	for name, c := range map[string]struct {
		kind        pipeline.ActionType
		event, body string
		want        string
	}{
		"push":                   {gitHub, "push", push, commit},
		"SHA-256 repository":     {gitHub, "push", strings.Replace(push, commit, strings.Repeat("ab", 32), 1), strings.Repeat("ab", 32)},
		"custom source":          {custom, "push", push, ""},
		"another event":          {gitHub, "create", push, ""},
		"another branch":         {gitHub, "push", strings.Replace(push, "main", "other", 1), ""},
		"tag of the name":        {gitHub, "push", strings.Replace(push, "heads", "tags", 1), ""},
		"branch that is deleted": {gitHub, "push", strings.Replace(push, commit, strings.Repeat("0", 40), 1), ""},
		"no commit":              {gitHub, "push", `{"ref":"refs/heads/main"}`, ""},
		"number as a commit":     {gitHub, "push", `{"ref":"refs/heads/main","after":1}`, ""},
		"odd commit":             {gitHub, "push", strings.Replace(push, commit, commit+"/..", 1), ""},
		"list":                   {gitHub, "push", `[1]`, ""},
	} {
		a := target()
		a.Type = c.kind
		body, err := parseBody([]byte(c.body))
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if b := binding(a, c.event, body); b != nil {
			got = b.Revision.ID
			if b.Action != "Source" {
				t.Errorf("%s: bound to action %s", name, b.Action)
			}
		}
		if got != c.want {
			t.Errorf("%s: bound to %q, want %q", name, got, c.want)
		}
	}
}

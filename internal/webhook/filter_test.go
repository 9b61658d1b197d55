package webhook

import (
	"strings"
	"testing"

	"penstock/internal/core/fault"
	"penstock/internal/core/pipeline"
	"penstock/internal/store"
)

func target() *pipeline.Action {
	return &pipeline.Action{
		Name:          "Source",
		Configuration: map[string]string{"Branch": "main", "Repo": "site", "Empty": "", "OAuthToken": "hush", "a b": "c"},
		Secrets:       []string{"OAuthToken"},
	}
}

func filters(pairs ...string) (out []store.WebhookFilter) {
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, store.WebhookFilter{JSONPath: pairs[i], MatchEquals: pairs[i+1]})
	}
	return out
}

const push = `{"ref":"refs/heads/main","forced":false,"size":3,"ratio":1.50,"null":null,"text":"","repository":{"name":"site"},
	"commits":[{"id":"a","added":["x"]},{"id":"b","added":[]}],"labels":["red"],"brace":"{x"}`

func TestMatch(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		filters []store.WebhookFilter
		want    bool
	}{
		"none":                                 {nil, true},
		"text":                                 {filters("$.ref", "refs/heads/main"), true},
		"other text":                           {filters("$.ref", "refs/heads/other"), false},
		"placeholder":                          {filters("$.ref", "refs/heads/{Branch}"), true},
		"placeholders":                         {filters("$.ref", "refs/heads/{Branch}", "$.repository.name", "{Repo}"), true},
		"placeholder with a space":             {filters("$.commits[0].id", "{a b}"), false},
		"all must match":                       {filters("$.ref", "refs/heads/{Branch}", "$.repository.name", "other"), false},
		"capitals matter":                      {filters("$.ref", "refs/heads/Main"), false},
		"no part of it":                        {filters("$.ref", "refs/heads/mai"), false},
		"number":                               {filters("$.size", "3"), true},
		"number in JSON form":                  {filters("$.ratio", "1.50"), true},
		"number in another form":               {filters("$.ratio", "1.5"), false},
		"boolean":                              {filters("$.forced", "false"), true},
		"null is no text":                      {filters("$.null", "null"), false},
		"object is no text":                    {filters("$.repository", "site"), false},
		"missing":                              {filters("$.none", "x"), false},
		"exists":                               {filters("$.ref", ""), true},
		"exists, false":                        {filters("$.forced", ""), true},
		"exists, empty":                        {filters("$.text", ""), true},
		"exists, object":                       {filters("$.repository", ""), true},
		"exists, null":                         {filters("$.null", ""), false},
		"exists not":                           {filters("$.none", ""), false},
		"exists in a list":                     {filters("$.commits[*].id", ""), true},
		"exists in no list":                    {filters("$.commits[*].none", ""), false},
		"list of one":                          {filters("$..added[*]", "x"), true},
		"list of one other":                    {filters("$..added[*]", "y"), false},
		"list of two":                          {filters("$.commits[*].id", "a"), false},
		"empty list":                           {filters("$.commits[1].added[*]", "x"), false},
		"array of one":                         {filters("$.labels", "red"), true},
		"array of two":                         {filters("$.commits", "a"), false},
		"filter":                               {filters("$.commits[?(@.id=='b')].id", "b"), true},
		"brace that is no placeholder":         {filters("$.brace", "{x"), true},
		"placeholder that is gone":             {filters("$.ref", "refs/heads/{Tag}"), false},
		"placeholder of a secret":              {filters("$.ref", "{OAuthToken}"), false},
		"path that a later version would take": {filters("$[", ""), false},
	} {
		doc, err := parseBody([]byte(push))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := match(c.filters, target(), doc); err != nil || got != c.want {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func TestCheckFilters(t *testing.T) {
	t.Parallel()
	const code = "InvalidWebhookFilterPatternException"
	if err := CheckFilters(filters("$.ref", "", "action", "x")); err != nil {
		t.Error(err)
	}
	if err := CheckFilters(filters("$.ref", "", "$.[", "x")); fault.Code(err) != code || !strings.Contains(err.Error(), "$.[") {
		t.Errorf("got %v", err)
	}
	for value, ok := range map[string]bool{
		"": true, "x": true, "refs/heads/{Branch}": true, "{Empty}": true, "{a b}{Repo}": true, "{}": true, "{x": true, "}{": true,
		"{Tag}": false, "{Branch}{Tag}": false, "{OAuthToken}": false, "{branch}": false, "{{Branch}}": true, "{{Tag}}": false,
	} {
		if err := CheckPlaceholders(filters("$.ref", value), target()); (err == nil) != ok || err != nil && fault.Code(err) != code {
			t.Errorf("%s: %v", value, err)
		}
	}
}

// FuzzMatch: no filter that PutWebhook takes and no body make a delivery fail
// other than by a refusal, and no value of a secret gets into a comparison.
func FuzzMatch(f *testing.F) {
	f.Add("$.ref", "refs/heads/{Branch}", push)
	f.Add("$..[?(@.id in ['a'])].added", "{Repo}{", `[{"id":"a","added":["site{"]}]`)
	f.Add("$.ref", "{OAuthToken}", `{"ref":"hush"}`)
	f.Fuzz(func(t *testing.T, path, want, body string) {
		list := filters(path, want)
		if CheckFilters(list) != nil {
			return
		}
		doc, err := parseBody([]byte(body))
		if err != nil {
			return
		}
		ok, err := match(list, target(), doc)
		if err != nil {
			return
		}
		if ok && CheckPlaceholders(list, target()) != nil {
			t.Errorf("a filter that is refused matched: %q %q", path, want)
		}
	})
}

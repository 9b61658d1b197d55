package api_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"penstock/internal/api"
)

func TestViolations(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, document string
		want           []api.Violation
	}{
		{"none", `{"name":"web","roleArn":"arn:aws:iam::000000000000:role/x","stages":[]}`, nil},
		{"two", `{"name":"no/slash","roleArn":"arn:aws:iam::000000000000:role/x"}`, []api.Violation{
			{"name", `Member must satisfy regular expression pattern: [A-Za-z0-9.@\-_]+`}, {"stages", "Member must not be null"},
		}},
		{"below a list", `{"name":"web","roleArn":"arn:aws:iam::000000000000:role/x","stages":[{"name":"S","actions":[]},{"actions":[]}]}`, []api.Violation{
			{"stages.2.member.name", "Member must not be null"},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := api.Violations([]byte(c.document), &api.PipelineDeclaration{})
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %q, %v, want %q", got, err, c.want)
			}
		})
	}
}

// An answer of the server lists ten violations; here are all.
func TestManyViolations(t *testing.T) {
	t.Parallel()
	var stages []string
	for i := range 40 {
		stages = append(stages, fmt.Sprintf(`{"name":"no/%d","actions":[]}`, i))
	}
	document := `{"name":"web","roleArn":"arn:aws:iam::000000000000:role/x","stages":[` + strings.Join(stages, ",") + `]}`
	got, err := api.Violations([]byte(document), &api.PipelineDeclaration{})
	if err != nil || len(got) != 40 || got[39].Path != "stages.40.member.name" {
		t.Errorf("%d violations, %v", len(got), err)
	}
}

func TestViolationsOfNonsense(t *testing.T) {
	t.Parallel()
	for _, document := range []string{``, `{`, `[]`, `{"name":1}`} {
		if _, err := api.Violations([]byte(document), &api.PipelineDeclaration{}); err == nil {
			t.Errorf("%q was read", document)
		}
	}
}

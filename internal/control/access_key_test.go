package control_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"penstock/internal/control"
)

func TestAccessKeys(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	if got := s.must("ListAccessKeys", `{}`); got != `{"accessKeys":[]}` {
		t.Errorf("no keys are %s", got)
	}
	create := func(body string) (k control.CreateAccessKeyOutput) {
		t.Helper()
		if err := json.Unmarshal([]byte(s.must("CreateAccessKey", body)), &k); err != nil {
			t.Fatal(err)
		}
		if !regexp.MustCompile(`^AKIA[A-Z2-7]{16}$`).MatchString(k.AccessKeyID) || len(k.SecretAccessKey) != 40 {
			t.Errorf("made %s", k.AccessKeyID)
		}
		return k
	}
	b := create(`{"account":"222222222222","user":"ci@example"}`)
	a := create(`{"account":"111111111111","servicePrincipal":"worker.example"}`)
	if a.ARN != "arn:aws:iam::111111111111:user/admin" || b.ARN != "arn:aws:iam::222222222222:user/ci@example" || a.ServicePrincipal != "worker.example" {
		t.Errorf("made %+v and %+v", a.AccessKey, b.AccessKey)
	}
	list := s.must("ListAccessKeys", `{}`)
	var listed control.ListAccessKeysOutput
	if err := json.Unmarshal([]byte(list), &listed); err != nil {
		t.Fatal(err)
	}
	if len(listed.AccessKeys) != 2 || listed.AccessKeys[0] != a.AccessKey || listed.AccessKeys[1] != b.AccessKey || strings.Contains(list, a.SecretAccessKey) {
		t.Errorf("the list is %s", list)
	}
	for _, tt := range []struct{ name, body, text string }{
		{"no account", `{}`, "account must be 12 digits"},
		{"an account of letters", `{"account":"11111111111a"}`, "account must be 12 digits"},
		{"a user with a slash", `{"account":"111111111111","user":"a/b"}`, "user must be"},
		{"a service with a space", `{"account":"111111111111","servicePrincipal":"a b"}`, "servicePrincipal must be"},
	} {
		t.Run(tt.name, func(t *testing.T) { s.refuse("CreateAccessKey", tt.body, "ValidationException", tt.text) })
	}
	other := *s
	other.who.Root, other.who.ARN = false, a.ARN
	for _, op := range []string{"CreateAccessKey", "ListAccessKeys", "DeleteAccessKey"} {
		other.refuse(op, `{"account":"111111111111","accessKeyId":"`+a.AccessKeyID+`"}`, "AccessDeniedException", "only the root access key is")
	}
	s.must("DeleteAccessKey", `{"accessKeyId":"`+a.AccessKeyID+`"}`)
	s.refuse("DeleteAccessKey", `{"accessKeyId":"`+a.AccessKeyID+`"}`, "ValidationException", "penstock access-key list")
	if got := s.must("ListAccessKeys", `{}`); strings.Contains(got, a.AccessKeyID) || !strings.Contains(got, b.AccessKeyID) {
		t.Errorf("after deleting one the list is %s", got)
	}
}

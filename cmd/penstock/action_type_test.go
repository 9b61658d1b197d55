package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	acmeType = `{"executor":{"configuration":{"jobWorkerExecutorConfiguration":{"pollingAccounts":["111122223333"]}},"type":"JobWorker"},
		"id":{"category":"Test","owner":"ThirdParty","provider":"Acme","version":"1"},
		"inputArtifactDetails":{"minimumCount":0,"maximumCount":1},"outputArtifactDetails":{"minimumCount":0,"maximumCount":0}}`
	acmeYAML = `id: {category: Test, owner: ThirdParty, provider: Acme, version: "1"}
executor:
  type: JobWorker
  configuration:
    jobWorkerExecutorConfiguration: {pollingAccounts: ["111122223333"]}
inputArtifactDetails: {minimumCount: 0, maximumCount: 1}
outputArtifactDetails: {minimumCount: 0, maximumCount: 0}
`
)

func TestActionType(t *testing.T) {
	t.Parallel()
	file := func(name, text string) string {
		name = filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	acme, wrapped := file("acme.yaml", acmeYAML), file("acme.json", `{"actionType":`+acmeType+`}`)
	for _, tc := range []struct {
		name      string
		args      []string
		operation string
		answer    answer
		sent      string // "" = nothing is sent
		code      int
		stdout    string
		stderr    string
	}{
		{
			name: "register", operation: "RegisterActionType", answer: answer{body: `{"replaced":false}`}, args: []string{"register", acme},
			sent: `{"actionType":` + acmeType + `}`, stdout: "registered Test/ThirdParty/Acme/1\n",
		},
		{
			name: "register again", operation: "RegisterActionType", answer: answer{body: `{"replaced":true}`}, args: []string{"register", wrapped},
			sent: `{"actionType":` + acmeType + `}`, stdout: "replaced the declaration of Test/ThirdParty/Acme/1\n",
		},
		{
			name: "register refused", operation: "RegisterActionType", answer: answer{code: "ValidationException", body: "no"}, args: []string{"register", acme},
			sent: `{"actionType":` + acmeType + `}`, code: exitRefused, stderr: "penstock: ValidationException: no\n",
		},
		{
			name: "no file", args: []string{"register", "nowhere.yaml"}, code: exitUsage,
			stderr: "penstock: nowhere.yaml: open nowhere.yaml: no such file or directory; see `penstock action-type register --help`\n",
		},
		{
			name: "no type", args: []string{"register", file("x.json", `{"name":"p"}`)}, code: exitUsage, stderr: "the file holds no action type with an executor",
		},
		{
			name: "broken constraint", args: []string{"register", file("x.yaml", strings.Replace(acmeYAML, "Acme", "A.B", 1))}, code: exitUsage,
			stderr: "line 1: id.provider: Member must satisfy regular expression pattern",
		},
		{
			name: "broken rule", args: []string{"register", file("x.yaml", strings.Replace(acmeYAML, "type: JobWorker", "type: Lambda", 1))}, code: exitUsage,
			stderr: "The configuration of an executor of type Lambda must have the member lambdaExecutorConfiguration and no other",
		},
		{
			name: "show", operation: "GetActionType", answer: answer{body: `{"actionType":` + acmeType + `}`}, args: []string{"show", "Test/ThirdParty/Acme/1"},
			sent: `{"category":"Test","owner":"ThirdParty","provider":"Acme","version":"1"}`, stdout: indented(t, acmeType),
		},
		{
			name: "show what is not named", args: []string{"show", "Acme"}, code: exitUsage,
			stderr: "penstock: an action type is named CATEGORY/OWNER/PROVIDER/VERSION, not \"Acme\"; see `penstock action-type show --help`\n",
		},
		{
			name: "list", operation: "ListRegisteredActionTypes", args: []string{"list"}, sent: `{}`,
			answer: answer{body: `{"actionTypes":[{"registeredBy":"000000000000","actionType":` + acmeType + `},
				{"registeredBy":"111122223333","actionType":` + strings.Replace(acmeType, `"executor"`, `"permissions":{"allowedAccounts":["111122223333","444455556666"]},"executor"`, 1) + `},
				{"registeredBy":"111122223333","actionType":` + strings.Replace(acmeType, `"executor"`, `"permissions":{"allowedAccounts":["111122223333","*"]},"executor"`, 1) + `},
				{"registeredBy":"111122223333","actionType":` + strings.Replace(acmeType, `"executor"`, `"permissions":{"allowedAccounts":["1","2","3","4"]},"executor"`, 1) + `}]}`},
			stdout: "ACTION TYPE             EXECUTOR   REGISTERED BY  FOR\n" +
				"Test/ThirdParty/Acme/1  JobWorker  000000000000   itself\n" +
				"Test/ThirdParty/Acme/1  JobWorker  111122223333   111122223333, 444455556666\n" +
				"Test/ThirdParty/Acme/1  JobWorker  111122223333   everyone\n" +
				"Test/ThirdParty/Acme/1  JobWorker  111122223333   4 accounts\n",
		},
		{
			name: "list of none", operation: "ListRegisteredActionTypes", answer: answer{body: `{"actionTypes":[]}`}, args: []string{"list"}, sent: `{}`,
			stderr: "penstock: no action types with an executor; make one with `penstock action-type register`\n",
		},
		{
			name: "delete", operation: "DeleteActionType", answer: answer{body: `{}`}, args: []string{"delete", "Test/ThirdParty/Acme/1"},
			sent: `{"category":"Test","owner":"ThirdParty","provider":"Acme","version":"1"}`, stdout: "deleted Test/ThirdParty/Acme/1\n",
		},
		{
			name: "delete as JSON", operation: "DeleteActionType", answer: answer{body: `{}`}, args: []string{"delete", "Test/ThirdParty/Acme/1", "--output", "json"},
			sent:   `{"category":"Test","owner":"ThirdParty","provider":"Acme","version":"1"}`,
			stdout: "{\n  \"actionType\": \"Test/ThirdParty/Acme/1\",\n  \"deleted\": true\n}\n",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t).on(tc.operation, tc.answer)
			code, stdout, stderr := f.console().run(append([]string{"action-type"}, tc.args...)...)
			if code != tc.code || stdout != tc.stdout || tc.code != exitUsage && stderr != tc.stderr || !strings.Contains(stderr, tc.stderr) {
				t.Errorf("exit %d\nstdout %q\nstderr %q\nwant exit %d\nstdout %q\nstderr %q", code, stdout, stderr, tc.code, tc.stdout, tc.stderr)
			}
			sent := f.sent(tc.operation)
			if tc.sent == "" {
				if len(sent) > 0 {
					t.Errorf("sent %s", sent)
				}
				return
			}
			if len(sent) != 1 {
				t.Fatalf("%d calls", len(sent))
			}
			sameJSON(t, sent[0], tc.sent)
		})
	}
}

func TestAccessKey(t *testing.T) {
	t.Parallel()
	const key = `"accessKeyId":"AKIA1","arn":"arn:aws:iam::111122223333:user/ci","account":"111122223333","created":"2026-08-01T11:00:00Z"`
	for _, tc := range []struct {
		name      string
		args      []string
		operation string
		answer    answer
		sent      string
		stdout    string
		stderr    string
	}{
		{
			name: "create", operation: "CreateAccessKey", answer: answer{body: `{` + key + `,"secretAccessKey":"s+/="}`}, args: []string{"create", "--account", "111122223333"},
			sent:   `{"account":"111122223333","user":"admin"}`,
			stdout: "[111122223333]\naws_access_key_id = AKIA1\naws_secret_access_key = s+/=\n", stderr: "penstock: keep the secret safe: it is shown this once\n",
		},
		{
			name: "create for a service", operation: "CreateAccessKey", answer: answer{body: `{` + key + `,"secretAccessKey":"s"}`},
			args:   []string{"create", "--account", "111122223333", "--user", "ci", "--service-principal", "worker.example.com", "--output", "json"},
			sent:   `{"account":"111122223333","user":"ci","servicePrincipal":"worker.example.com"}`,
			stdout: indented(t, `{`+key+`,"secretAccessKey":"s"}`), stderr: "penstock: keep the secret safe: it is shown this once\n",
		},
		{
			name: "list", operation: "ListAccessKeys", answer: answer{body: `{"accessKeys":[{` + key + `,"servicePrincipal":"worker.example.com"}]}`}, args: []string{"list"}, sent: `{}`,
			stdout: "ACCESS KEY  HOLDER                             SERVICE             AGE\nAKIA1       arn:aws:iam::111122223333:user/ci  worker.example.com  1h\n",
		},
		{
			name: "list of none", operation: "ListAccessKeys", answer: answer{body: `{"accessKeys":[]}`}, args: []string{"list"}, sent: `{}`,
			stderr: "penstock: no access keys beside the root key; make one with `penstock access-key create`\n",
		},
		{name: "delete", operation: "DeleteAccessKey", answer: answer{body: `{}`}, args: []string{"delete", "AKIA1"}, sent: `{"accessKeyId":"AKIA1"}`, stdout: "deleted AKIA1\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t).on(tc.operation, tc.answer)
			code, stdout, stderr := f.console().run(append([]string{"access-key"}, tc.args...)...)
			if code != exitOK || stdout != tc.stdout || stderr != tc.stderr {
				t.Errorf("exit %d\nstdout %q\nstderr %q\nwant\nstdout %q\nstderr %q", code, stdout, stderr, tc.stdout, tc.stderr)
			}
			sent := f.sent(tc.operation)
			if len(sent) != 1 {
				t.Fatalf("%d calls", len(sent))
			}
			sameJSON(t, sent[0], tc.sent)
		})
	}
}

// indented is a document as the commands print it.
func indented(t *testing.T, document string) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(document), "", "  "); err != nil {
		t.Fatal(err)
	}
	return b.String() + "\n"
}

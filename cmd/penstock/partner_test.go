package main

import (
	"strings"
	"testing"
)

func TestPartner(t *testing.T) {
	t.Parallel()
	const partners = `{"partners":[
		{"category":"Test","provider":"Acme","version":"1","clients":[
			{"clientId":"client-1","created":"2026-08-01T11:00:00Z"},
			{"clientId":"client-2","created":"2026-07-01T12:00:00Z","revoked":"2026-07-29T12:00:00Z"}]},
		{"category":"Deploy","provider":"Bolt","version":"2","clients":[]}]}`
	for _, tc := range []struct {
		name      string
		args      []string
		operation string
		answer    answer
		sent      string
		code      int
		stdout    string
		stderr    string
	}{
		{
			name: "register", operation: "RegisterPartner", answer: answer{body: `{"category":"Test","provider":"Acme","version":"1","replaced":false}`},
			args: []string{"partner", "register", "--category", "Test", "--provider", "Acme", "--version", "1", "--inputs", "1", "--outputs", "0-5",
				"--property", "Suite:required:key", "--property", "ApiKey:secret", "--property", "Note", "--job-timeout", "90m", "--entity-url", "https://acme/{Config:Suite}"},
			sent: `{"category":"Test","provider":"Acme","version":"1","inputs":{"minimum":1,"maximum":1},"outputs":{"minimum":0,"maximum":5},
				"properties":[{"name":"Suite","required":true,"key":true},{"name":"ApiKey","secret":true},{"name":"Note"}],"jobTimeoutSeconds":5400,"entityUrlTemplate":"https://acme/{Config:Suite}"}`,
			stdout: "registered Test/ThirdParty/Acme/1\n",
		},
		{
			name: "register again", operation: "RegisterPartner", answer: answer{body: `{"category":"Test","provider":"Acme","version":"1","replaced":true}`},
			args:   []string{"partner", "register", "--category", "Test", "--provider", "Acme", "--version", "1"},
			sent:   `{"category":"Test","provider":"Acme","version":"1","inputs":{"minimum":0,"maximum":1},"outputs":{"minimum":0,"maximum":1}}`,
			stdout: "replaced the definition of Test/ThirdParty/Acme/1\n",
		},
		{
			name: "register refused", operation: "RegisterPartner", answer: answer{code: "ValidationException", body: "provider must be short"},
			args:   []string{"partner", "register", "--category", "Test", "--provider", "Acme", "--version", "1"},
			sent:   `{"category":"Test","provider":"Acme","version":"1","inputs":{"minimum":0,"maximum":1},"outputs":{"minimum":0,"maximum":1}}`,
			code:   exitRefused,
			stderr: "penstock: ValidationException: provider must be short\n",
		},
		{
			name: "connect", operation: "ConnectPartner", answer: answer{body: `{"clientId":"client-1","clientToken":"TOKEN\"1"}`},
			args:   []string{"partner", "connect", "--provider", "Acme", "--output", "json"},
			sent:   `{"category":"","provider":"Acme","version":""}`,
			stdout: `{"clientId": "client-1", "clientToken": "TOKEN\"1"}` + "\n",
			stderr: "penstock: keep the token safe: it is shown this once\n",
		},
		{
			name: "rotate", operation: "RotateClient", answer: answer{body: `{"clientId":"client-1","clientToken":"TOKEN\"2","previousTokenUntil":"2026-08-02T12:00:00Z"}`},
			args:   []string{"partner", "rotate", "--client", "client-1"},
			sent:   `{"clientId":"client-1","graceSeconds":86400}`,
			stdout: `{"clientId": "client-1", "clientToken": "TOKEN\"2"}` + "\n",
			stderr: "penstock: keep the token safe: it is shown this once; the one of before is accepted until 2026-08-02T12:00:00Z\n",
		},
		{
			name: "rotate at once", operation: "RotateClient", answer: answer{body: `{"clientId":"client-1","clientToken":"T","previousTokenUntil":"2026-08-01T12:00:00Z"}`},
			args:   []string{"partner", "rotate", "--client", "client-1", "--grace", "0s"},
			sent:   `{"clientId":"client-1","graceSeconds":0}`,
			stdout: `{"clientId": "client-1", "clientToken": "T"}` + "\n",
			stderr: "penstock: keep the token safe: it is shown this once; the one of before opens nothing any more\n",
		},
		{
			name: "list", operation: "ListPartners", answer: answer{body: partners}, args: []string{"partner", "list"}, sent: `{}`,
			stdout: "ACTION TYPE               CLIENT    STATE      AGE\n" +
				"Test/ThirdParty/Acme/1    client-1  connected  1h\n" +
				"Test/ThirdParty/Acme/1    client-2  revoked    3d\n" +
				"Deploy/ThirdParty/Bolt/2  -         no client\n",
		},
		{
			name: "list of none", operation: "ListPartners", answer: answer{body: `{"partners":[]}`}, args: []string{"partner", "list"}, sent: `{}`,
			stderr: "penstock: no partner action types; make one with `penstock partner register`\n",
		},
		{
			name: "revoke", operation: "RevokeClient", answer: answer{body: `{}`}, args: []string{"partner", "revoke", "client-1"},
			sent: `{"clientId":"client-1"}`, stdout: "revoked client-1\n",
		},
		{
			name: "server too old", operation: "RevokeClient", answer: answer{code: "UnknownOperationException"}, args: []string{"partner", "revoke", "client-1"},
			sent: `{"clientId":"client-1"}`, code: exitRefused,
			stderr: "penstock: UnknownOperationException; check that --endpoint-url names a Penstock server of this version\n",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t).on(tc.operation, tc.answer)
			code, stdout, stderr := f.console().run(tc.args...)
			if code != tc.code || stdout != tc.stdout || stderr != tc.stderr {
				t.Errorf("exit %d\nstdout %q\nstderr %q\nwant exit %d\nstdout %q\nstderr %q", code, stdout, stderr, tc.code, tc.stdout, tc.stderr)
			}
			sent := f.sent(tc.operation)
			if len(sent) != 1 {
				t.Fatalf("%d calls", len(sent))
			}
			sameJSON(t, sent[0], tc.sent)
		})
	}
	t.Run("json", func(t *testing.T) {
		t.Parallel()
		_, stdout, _ := newFake(t).on("ListPartners", answer{body: partners}).console().run("partner", "list", "--output", "json")
		sameJSON(t, stdout, partners)
		_, stdout, _ = newFake(t).on("RevokeClient", answer{body: `{}`}).console().run("partner", "revoke", "c", "--output", "json")
		sameJSON(t, stdout, `{"clientId":"c","revoked":true}`)
		if !strings.Contains(stdout, "\n  ") {
			t.Errorf("not indented: %s", stdout)
		}
	})
}

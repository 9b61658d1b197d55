package main

import "testing"

func TestAudit(t *testing.T) {
	t.Parallel()
	const (
		shown   = `{"number":7,"time":"2026-08-01T12:00:00Z","account":"0","region":"r","principal":"arn:aws:iam::0:root","accessKeyId":"AKIA","sourceAddress":"10.0.0.7","operation":"PollForJobs","outcome":"OK","jobs":[{"jobId":"j1","pipelineName":"web","stageName":"Build","actionName":"Make","secrets":["ApiKey","Token"]}]}`
		refused = `{"number":9,"time":"2026-08-01T12:00:01Z","account":"0","region":"r","principal":"arn:aws:iam::0:root","accessKeyId":"AKIA","sourceAddress":"10.0.0.8","operation":"AcknowledgeThirdPartyJob","outcome":"InvalidClientTokenException","clientId":"c1","jobs":[{"jobId":"j2","pipelineName":"w\nb","stageName":"Test","actionName":"Acme","clientId":"c1"}]}`
		lines   = "2026-08-01T12:00:00Z  OK  PollForJobs  arn:aws:iam::0:root  10.0.0.7  job j1 web/Build/Make (ApiKey, Token)\n" +
			"2026-08-01T12:00:01Z  InvalidClientTokenException  AcknowledgeThirdPartyJob  arn:aws:iam::0:root  10.0.0.8  client c1, job j2 w b/Test/Acme\n"
	)
	first := answer{body: `{"records":[` + shown + `],"cursor":"a1-7","more":true}`}
	rest := answer{body: `{"records":[` + refused + `],"cursor":"a1-9","more":false}`}
	for _, tc := range []struct {
		name   string
		args   []string
		code   int
		stdout string
		stderr string
	}{
		{name: "lines", stdout: lines},
		{name: "documents", args: []string{"--output", "json"}, stdout: shown + "\n" + refused + "\n"},
		{name: "followed", args: []string{"--follow"}, code: exitInterrupted, stdout: lines, stderr: "penstock: interrupted\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var c *console
			last := answer{body: `{"records":[],"cursor":"a1-9","more":false}`, do: func() { c.cancel() }}
			f := newFake(t).on("GetAudit", first, rest, last)
			c = f.console()
			code, stdout, stderr := c.run(append([]string{"audit"}, tc.args...)...)
			if code != tc.code || stdout != tc.stdout || stderr != tc.stderr {
				t.Errorf("exit %d\nstdout %q\nstderr %q\nwant exit %d\nstdout %q\nstderr %q", code, stdout, stderr, tc.code, tc.stdout, tc.stderr)
			}
			sent := f.sent("GetAudit")
			sameJSON(t, sent[0], `{"sinceSeconds":86400}`)
			sameJSON(t, sent[1], `{"sinceSeconds":86400,"cursor":"a1-7"}`)
		})
	}
	if code, _, stderr := newFake(t).console().run("audit", "--since", "-1s"); code != exitUsage || stderr == "" {
		t.Errorf("exit %d, %q", code, stderr)
	}
}

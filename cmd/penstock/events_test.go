package main

import (
	"strings"
	"testing"
)

// eventsAnswer is an answer of GetEvents.
func eventsAnswer(cursor, flags string, events ...string) answer {
	return answer{body: `{"events":[` + strings.Join(events, ",") + `],"cursor":"` + cursor + `"` + flags + `}`}
}

const (
	startedEvent = `{"time":"2026-08-01T12:00:00Z","detail":{"pipeline":"web","execution-id":"exec-1","execution-trigger":{"trigger-type":"Webhook","trigger-detail":"d"},"state":"STARTED","version":1.0}}`
	stoppedEvent = `{"time":"2026-08-01T12:00:01Z","detail":{"pipeline":"web","execution-id":"exec-1","stop-execution-comments":"lunch","state":"STOPPING"}}`
	stageEvent   = `{"time":"2026-08-01T12:00:02Z","detail":{"pipeline":"web","execution-id":"exec-1","stage":"Build","state":"CANCELED"}}`
	failedEvent  = `{"time":"2026-08-01T12:00:03Z","detail":{"pipeline":"web","execution-id":"exec-1","stage":"Build","action":"Make","execution-result":{"external-execution-summary":"two\nlines <b>\u001b[1m","error-code":"JobFailed"},"state":"FAILED"}}`
	doneEvent    = `{"time":"2026-08-01T12:00:04Z","detail":{"pipeline":"web","execution-id":"exec-1","stage":"Build","action":"Make","execution-result":{"external-execution-summary":"ok"},"state":"SUCCEEDED"}}`
)

func TestEvents(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		args    []string
		answers []answer
		stop    bool // interrupted by the last answer
		code    int
		stdout  string
		stderr  string
		sent    []string
		prefer  string
	}{
		{
			name: "as lines", answers: []answer{eventsAnswer("c1", "", startedEvent, stoppedEvent, stageEvent, failedEvent, doneEvent)},
			stdout: "2026-08-01T12:00:00Z  exec-1  STARTED     web  Webhook\n" +
				"2026-08-01T12:00:01Z  exec-1  STOPPING    web  lunch\n" +
				"2026-08-01T12:00:02Z  exec-1  CANCELED    web/Build\n" +
				"2026-08-01T12:00:03Z  exec-1  FAILED      web/Build/Make  JobFailed: two lines <b> [1m\n" +
				"2026-08-01T12:00:04Z  exec-1  SUCCEEDED   web/Build/Make  ok\n",
			sent: []string{`{"sinceSeconds":3600}`},
		},
		{
			name: "as documents, to the end", args: []string{"--output", "json", "--pipeline", "web", "--since", "2m"},
			answers: []answer{eventsAnswer("c1", `,"more":true`, startedEvent), eventsAnswer("c2", `,"more":true`), eventsAnswer("c3", "", failedEvent)},
			stdout:  startedEvent + "\n" + failedEvent + "\n",
			sent: []string{
				`{"pipelineName":"web","sinceSeconds":120}`,
				`{"pipelineName":"web","sinceSeconds":120,"cursor":"c1"}`,
				`{"pipelineName":"web","sinceSeconds":120,"cursor":"c2"}`,
			},
		},
		{
			name: "followed through a restart", args: []string{"--follow", "--since", "0s"},
			answers: []answer{eventsAnswer("c1", ""), {cut: true}, eventsAnswer("c2", `,"missed":true`, stageEvent), eventsAnswer("c3", "")},
			stop:    true, code: exitInterrupted, prefer: "wait=20",
			stdout: "2026-08-01T12:00:02Z  exec-1  CANCELED    web/Build\n",
			stderr: "penstock: no answer from URL: EOF; trying again for 1m0s\npenstock: the server answers again\n" +
				"penstock: some events are missing here: the server does not keep them any more\npenstock: interrupted\n",
			sent: []string{`{}`, `{"cursor":"c1"}`, `{"cursor":"c1"}`, `{"cursor":"c2"}`},
		},
		{
			name: "no such pipeline", args: []string{"--pipeline", "nope"}, answers: []answer{{code: "PipelineNotFoundException", body: "no"}},
			code:   exitRefused,
			stderr: "penstock: PipelineNotFoundException: no; `penstock status` lists the pipelines of this account and region\n",
			sent:   []string{`{"pipelineName":"nope","sinceSeconds":3600}`},
		},
		{name: "back into the future", args: []string{"--since", "-1s"}, code: exitUsage,
			stderr: "penstock: --since must not be negative; see `penstock events --help`\n"},
		{name: "an argument", args: []string{"web"}, code: exitUsage,
			stderr: "penstock: penstock events takes no arguments, not \"web\"; see `penstock events --help`\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			var c *console
			if tc.stop {
				tc.answers[len(tc.answers)-1].do = func() { c.cancel() }
			}
			c = f.on("GetEvents", tc.answers...).console()
			cfg, err := c.load(c.ctx, c.server)
			if err != nil {
				t.Fatal(err)
			}
			code, stdout, stderr := c.run(append([]string{"events"}, tc.args...)...)
			stderr = strings.ReplaceAll(stderr, cfg.Endpoint, "URL")
			if code != tc.code || stdout != tc.stdout || stderr != tc.stderr {
				t.Errorf("exit %d\n%s%s\nwant exit %d\n%s%s", code, stdout, stderr, tc.code, tc.stdout, tc.stderr)
			}
			sent := f.sent("GetEvents")
			if len(sent) != len(tc.sent) {
				t.Fatalf("sent %q\nwant %q", sent, tc.sent)
			}
			for i := range sent {
				sameJSON(t, sent[i], tc.sent[i])
			}
			for _, call := range f.calls {
				if call.prefer != tc.prefer {
					t.Errorf("Prefer: %q, want %q", call.prefer, tc.prefer)
				}
			}
		})
	}
}

// TestEventsColored: each state has the colour of the status it leads to.
func TestEventsColored(t *testing.T) {
	t.Parallel()
	for _, state := range []string{"STARTED", "RESUMED", "STOPPING", "STOPPED", "SUCCEEDED", "FAILED", "SUPERSEDED", "CANCELED", "ABANDONED"} {
		var ev eventDocument
		ev.Detail.State = state
		if line := ev.line(screen{color: true}); !strings.Contains(line, "m"+state) {
			t.Errorf("%s has no colour: %q", state, line)
		}
	}
}

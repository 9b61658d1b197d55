package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"penstock/internal/api"
)

// piece is an answer of GetActionLog.
func piece(content string, next int, ended bool) answer {
	return answer{body: fmt.Sprintf(`{"actionExecutionId":"action-1","stageName":"Build","actionName":"Compile","status":"InProgress","content":%q,"nextOffset":%d,"ended":%v}`, content, next, ended)}
}

func TestLogs(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		args   []string
		pieces []answer
		code   int
		stdout string
		sent   []string // calls of GetActionLog
		prefer string
	}{
		{
			name: "an action that has ended", args: []string{"logs", "web", "--action", "Compile", "--stage", "Build"},
			pieces: []answer{piece("one\n", 4, false), piece("two\n", 8, true)}, stdout: "one\ntwo\n",
			sent: []string{
				`{"pipelineName":"web","stageName":"Build","actionName":"Compile"}`,
				`{"pipelineName":"web","actionExecutionId":"action-1","stageName":"Build","actionName":"Compile","offset":4}`,
			},
		},
		{
			name: "an action that runs is not waited for", args: []string{"logs", "web", "--action", "Compile"},
			pieces: []answer{piece("one\n", 4, false), piece("", 4, false)}, stdout: "one\n",
			sent: []string{
				`{"pipelineName":"web","actionName":"Compile"}`,
				`{"pipelineName":"web","actionExecutionId":"action-1","actionName":"Compile","offset":4}`,
			},
		},
		{
			name: "follow", args: []string{"logs", "web", "--execution-id", "action-1", "-f"},
			pieces: []answer{piece("one\n", 4, false), piece("", 4, false), piece("two\n", 8, false), piece("", 8, true)}, stdout: "one\ntwo\n",
			sent: []string{
				`{"pipelineName":"web","actionExecutionId":"action-1"}`,
				`{"pipelineName":"web","actionExecutionId":"action-1","offset":4}`,
				`{"pipelineName":"web","actionExecutionId":"action-1","offset":4}`,
				`{"pipelineName":"web","actionExecutionId":"action-1","offset":8}`,
			},
			prefer: "wait=20",
		},
		{
			name: "follow through a restart", args: []string{"logs", "web", "--action", "Compile", "--follow"},
			pieces: []answer{piece("one\n", 4, false), {cut: true}, {cut: true}, piece("two\n", 8, true)}, stdout: "one\ntwo\n",
			sent: []string{
				`{"pipelineName":"web","actionName":"Compile"}`,
				`{"pipelineName":"web","actionExecutionId":"action-1","actionName":"Compile","offset":4}`,
				`{"pipelineName":"web","actionExecutionId":"action-1","actionName":"Compile","offset":4}`,
				`{"pipelineName":"web","actionExecutionId":"action-1","actionName":"Compile","offset":4}`,
			},
			prefer: "wait=20",
		},
		{
			name: "json leaves out what says nothing", args: []string{"logs", "web", "--action", "Compile", "--follow", "--output", "json"},
			pieces: []answer{piece("a<b\n", 4, false), piece("", 4, false), piece("", 4, true)},
			stdout: `{"actionExecutionId":"action-1","stageName":"Build","actionName":"Compile","status":"InProgress","content":"a<b\n","nextOffset":4,"ended":false}` + "\n" +
				`{"actionExecutionId":"action-1","stageName":"Build","actionName":"Compile","status":"InProgress","content":"","nextOffset":4,"ended":true}` + "\n",
			sent: []string{
				`{"pipelineName":"web","actionName":"Compile"}`,
				`{"pipelineName":"web","actionExecutionId":"action-1","actionName":"Compile","offset":4}`,
				`{"pipelineName":"web","actionExecutionId":"action-1","actionName":"Compile","offset":4}`,
			},
			prefer: "wait=20",
		},
		{
			name: "no such action", args: []string{"logs", "web", "--action", "Nope"},
			pieces: []answer{{code: "ActionNotFoundException", body: "no"}}, code: exitRefused,
			sent: []string{`{"pipelineName":"web","actionName":"Nope"}`},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t).on("GetActionLog", tc.pieces...)
			code, stdout, stderr := f.console().run(tc.args...)
			if code != tc.code || stdout != tc.stdout {
				t.Errorf("exit %d, %q, %q; want %d, %q", code, stdout, stderr, tc.code, tc.stdout)
			}
			sent := f.sent("GetActionLog")
			if len(sent) != len(tc.sent) {
				t.Fatalf("sent %q\nwant %q", sent, tc.sent)
			}
			for i := range sent {
				sameJSON(t, sent[i], tc.sent[i])
			}
			for _, c := range f.calls {
				if c.prefer != tc.prefer {
					t.Errorf("Prefer: %q, want %q", c.prefer, tc.prefer)
				}
			}
		})
	}
}

// actions is an answer of ListActionExecutions: "Name Status" newest first.
func actions(list ...string) answer {
	var rows []string
	for _, a := range list {
		name, status, _ := strings.Cut(a, " ")
		rows = append(rows, `{"stageName":"Build","actionName":"`+name+`","actionExecutionId":"id-`+name+`","status":"`+status+`"}`)
	}
	return answer{body: `{"actionExecutionDetails":[` + strings.Join(rows, ",") + `]}`}
}

func TestLogsPicks(t *testing.T) {
	t.Parallel()
	running, failed := execution("exec-1", "InProgress"), execution("exec-1", "Failed")
	none, some := piece("", 0, false), piece("text\n", 5, true)
	for _, tc := range []struct {
		name    string
		args    []string
		latest  []answer
		actions []answer
		pieces  []answer
		code    int
		asked   string // the action executions whose logs were asked for, in turn
		stderr  string
	}{
		{
			name: "the failed one", latest: []answer{failed}, actions: []answer{actions("Deploy Abandoned", "Lint InProgress", "Unit Failed", "Get Succeeded")},
			pieces: []answer{some}, asked: "id-Unit id-Unit", stderr: "penstock: log of Build/Unit, Failed (action execution id-Unit)\n",
		},
		{
			name: "a failed one without a log gives way", latest: []answer{failed}, actions: []answer{actions("Lint InProgress", "Unit Failed")},
			pieces: []answer{none, some}, asked: "id-Unit id-Lint id-Lint", stderr: "penstock: log of Build/Lint, InProgress (action execution id-Lint)\n",
		},
		{
			name: "an action without any record of a log", latest: []answer{failed}, actions: []answer{actions("Lint InProgress", "Unit Failed")},
			pieces: []answer{{code: "ActionExecutionNotFoundException"}, some}, asked: "id-Unit id-Lint id-Lint", stderr: "penstock: log of Build/Lint, InProgress (action execution id-Lint)\n",
		},
		{
			name: "no log", latest: []answer{running}, actions: []answer{actions("Lint InProgress")}, pieces: []answer{none},
			code: exitFailure, asked: "id-Lint", stderr: "penstock: no action of the newest execution of web has written a log; see `penstock status web`, or name an --action\n",
		},
		{
			name: "no action of the stage", args: []string{"--stage", "Deploy"}, latest: []answer{running}, actions: []answer{actions("Lint InProgress")}, pieces: []answer{some},
			code: exitFailure, stderr: "penstock: no action of the newest execution of web has written a log; see `penstock status web`, or name an --action\n",
		},
		{
			name: "never ran", latest: []answer{{body: `{"pipelineExecutionSummaries":[]}`}}, actions: []answer{actions()}, pieces: []answer{some},
			code: exitFailure, stderr: "penstock: no action of the newest execution of web has written a log; see `penstock status web`, or name an --action\n",
		},
		{
			name: "follow waits for the first log", args: []string{"-f"}, latest: []answer{running}, actions: []answer{actions(), actions("Lint InProgress")},
			pieces: []answer{none, some}, asked: "id-Lint id-Lint id-Lint", stderr: "penstock: log of Build/Lint, InProgress (action execution id-Lint)\n",
		},
		{
			name: "follow ends with the execution", args: []string{"-f"}, latest: []answer{running, failed}, actions: []answer{actions("Lint InProgress")}, pieces: []answer{none},
			code: exitFailure, asked: "id-Lint id-Lint", stderr: "penstock: no action of the newest execution of web has written a log; see `penstock status web`, or name an --action\n",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t).on("ListPipelineExecutions", tc.latest...).on("ListActionExecutions", tc.actions...).on("GetActionLog", tc.pieces...)
			code, _, stderr := f.console().run(append([]string{"logs", "web"}, tc.args...)...)
			if code != tc.code || stderr != tc.stderr {
				t.Errorf("exit %d, %q\nwant %d, %q", code, stderr, tc.code, tc.stderr)
			}
			var asked []string
			for _, body := range f.sent("GetActionLog") {
				_, rest, _ := strings.Cut(body, `"actionExecutionId":"`)
				id, _, _ := strings.Cut(rest, `"`)
				if len(asked) > 0 && id == "action-1" {
					continue // what the fake's answers are called
				}
				asked = append(asked, id)
			}
			if got := strings.Join(asked, " "); got != tc.asked {
				t.Errorf("asked for the logs of %q, want %q", got, tc.asked)
			}
			for _, body := range f.sent("ListActionExecutions") {
				sameJSON(t, body, `{"pipelineName":"web","filter":{"pipelineExecutionId":"exec-1"}}`)
			}
		})
	}
}

func TestCandidates(t *testing.T) {
	t.Parallel()
	var all []api.ActionExecutionDetail
	for _, a := range []string{"5 B Succeeded", "4 B InProgress", "3 A Failed", "2 B Failed", "1 A InProgress", "0 A Abandoned"} {
		f := strings.Fields(a)
		all = append(all, api.ActionExecutionDetail{ActionExecutionId: f[0], StageName: f[1], Status: f[2]})
	}
	for _, tc := range []struct{ name, stage, want string }{
		{"failed, then running, then the rest, each newest first", "", "3 2 4 1 5 0"},
		{"one stage", "B", "2 4 5"},
		{"unknown stage", "C", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var ids []string
			for _, a := range candidates(slices.Clone(all), tc.stage) {
				ids = append(ids, a.ActionExecutionId)
			}
			if got := strings.Join(ids, " "); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

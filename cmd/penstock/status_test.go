package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

// epoch is a time as the wire has it, so long before noon.
func epoch(ago time.Duration) string { return fmt.Sprint(noon.Add(-ago).Unix()) }

// execution is the answer of ListPipelineExecutions.
func execution(id, status string) answer {
	return answer{body: `{"pipelineExecutionSummaries":[{"pipelineExecutionId":"` + id + `","status":"` + status + `","startTime":` + epoch(3*time.Minute) +
		`,"lastUpdateTime":` + epoch(30*time.Second) + `,"trigger":{"triggerType":"StartPipelineExecution"}}]}`}
}

// everything is a state with all that the table can show.
var everything = answer{body: `{"pipelineName":"web","pipelineVersion":3,"stageStates":[
	{"stageName":"Source","latestExecution":{"pipelineExecutionId":"exec-2","status":"Succeeded"},"inboundTransitionState":{"enabled":true},"actionStates":[
		{"actionName":"Get","latestExecution":{"status":"Succeeded","summary":"revision 1a2b","lastStatusChange":` + epoch(170*time.Second) + `}}]},
	{"stageName":"Build","latestExecution":{"pipelineExecutionId":"exec-2","status":"InProgress"},"actionStates":[
		{"actionName":"Compile","latestExecution":{"status":"InProgress","percentComplete":40,"summary":"linking","lastStatusChange":` + epoch(5*time.Second) + `}},
		{"actionName":"Lint","latestExecution":{"status":"Failed","lastStatusChange":` + epoch(2*time.Minute) + `,"errorDetails":{"code":"JobFailed","message":"3 problems\n\u001b[31mline 1"}}},
		{"actionName":"Fuzz","latestExecution":{"status":"Failed","lastStatusChange":` + epoch(2*time.Minute) + `,"errorDetails":{"code":"SystemUnavailable"}}},
		{"actionName":"Suite","latestExecution":{"status":"Failed","lastStatusChange":` + epoch(26*time.Hour) + `,"errorDetails":{"code":"JobFailed","message":"old"}}}]},
	{"stageName":"Release","latestExecution":{"pipelineExecutionId":"exec-1","status":"InProgress"},"actionStates":[
		{"actionName":"Approve","latestExecution":{"status":"InProgress","summary":"see the notes","token":"token-1","lastStatusChange":` + epoch(50*time.Hour) + `}}]},
	{"stageName":"Done","inboundExecutions":[{"pipelineExecutionId":"exec-0","status":"InProgress"}],
		"inboundTransitionState":{"enabled":false,"disabledReason":"freeze"},"actionStates":[{"actionName":"Copy"}]}]}`}

func TestStatus(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		screen screen
		latest answer
	}{
		{"plain", screen{}, execution("exec-2", "InProgress")},
		{"color", screen{color: true}, execution("exec-2", "InProgress")},
		{"narrow", screen{width: 44}, execution("exec-2", "InProgress")},
		{"never-ran", screen{}, answer{body: `{"pipelineExecutionSummaries":[]}`}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := newFake(t).on("GetPipelineState", everything).on("ListPipelineExecutions", tc.latest).console()
			c.screen = func(io.Writer) screen { return tc.screen }
			code, stdout, stderr := c.run("status", "web")
			if code != exitOK || stderr != "" {
				t.Fatalf("exit %d, %q", code, stderr)
			}
			golden(t, "status/"+tc.name+".txt", stdout)
		})
	}
}

func TestStatusJSON(t *testing.T) {
	t.Parallel()
	const state = `{"pipelineName":"web","pipelineVersion":3,"stageStates":[]}`
	const summary = `{"pipelineExecutionId":"e","status":"Failed"}`
	f := newFake(t).on("GetPipelineState", answer{body: state}).on("ListPipelineExecutions", answer{body: `{"pipelineExecutionSummaries":[` + summary + `]}`})
	code, stdout, _ := f.console().run("status", "web", "--output", "json")
	if code != exitOK {
		t.Errorf("exit %d: without --watch a failed execution is no failure of the command", code)
	}
	sameJSON(t, stdout, `{"state":`+state+`,"latestExecution":`+summary+`}`)
	sameJSON(t, f.sent("ListPipelineExecutions")[0], `{"pipelineName":"web","maxResults":1}`)
}

func TestStatusOfAll(t *testing.T) {
	t.Parallel()
	two := func() *fake {
		return newFake(t).
			on("ListPipelines", answer{body: `{"pipelines":[{"name":"web"}],"nextToken":"more"}`}, answer{body: `{"pipelines":[{"name":"api"}]}`}).
			on("ListPipelineExecutions", execution("exec-2", "Succeeded"))
	}
	t.Run("text", func(t *testing.T) {
		t.Parallel()
		f := two()
		code, stdout, stderr := f.console().run("status")
		want := "PIPELINE  STATUS     AGE  NEWEST EXECUTION\nweb       Succeeded  30s  exec-2\napi       Succeeded  30s  exec-2\n"
		if code != exitOK || stdout != want || stderr != "" {
			t.Errorf("exit %d\n%s%s\nwant\n%s", code, stdout, stderr, want)
		}
		if sent := f.sent("ListPipelines"); len(sent) != 2 || !strings.Contains(sent[1], `"nextToken":"more"`) {
			t.Errorf("pages asked for: %q", sent)
		}
	})
	t.Run("json", func(t *testing.T) {
		t.Parallel()
		_, stdout, _ := two().console().run("status", "--output", "json")
		var doc struct {
			Pipelines []struct {
				Pipeline        struct{ Name string }
				LatestExecution struct{ Status string }
			}
		}
		if err := json.Unmarshal([]byte(stdout), &doc); err != nil || len(doc.Pipelines) != 2 || doc.Pipelines[1].Pipeline.Name != "api" || doc.Pipelines[0].LatestExecution.Status != "Succeeded" {
			t.Errorf("%v: %s", err, stdout)
		}
	})
	t.Run("deleted meanwhile", func(t *testing.T) {
		t.Parallel()
		f := two().on("ListPipelineExecutions", answer{code: "PipelineNotFoundException"})
		code, stdout, stderr := f.console().run("status")
		if code != exitOK || stdout != "" || !strings.HasPrefix(stderr, "penstock: no pipelines in this account and region") {
			t.Errorf("exit %d, %q, %q", code, stdout, stderr)
		}
		if _, stdout, _ := two().on("ListPipelineExecutions", answer{code: "PipelineNotFoundException"}).console().run("status", "--output", "json"); strings.TrimSpace(stdout) != "{\n  \"pipelines\": []\n}" {
			t.Errorf("got %s", stdout)
		}
	})
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		f := two().on("ListPipelineExecutions", answer{code: "AccessDeniedException", body: "no"})
		if code, stdout, _ := f.console().run("status"); code != exitRefused || stdout != "" {
			t.Errorf("exit %d, %q", code, stdout)
		}
	})
}

func TestAge(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		ago  time.Duration
		want string
	}{
		{-time.Second, "0s"}, {59 * time.Second, "59s"}, {time.Minute, "1m"}, {59*time.Minute + 59*time.Second, "59m"},
		{time.Hour, "1h"}, {47 * time.Hour, "47h"}, {48 * time.Hour, "2d"},
	} {
		t.Run(tc.want, func(t *testing.T) {
			t.Parallel()
			if got := age(noon, noon.Add(-tc.ago)); got != tc.want {
				t.Errorf("%v ago: got %s", tc.ago, got)
			}
		})
	}
	if got := age(noon, time.Time{}); got != "" {
		t.Errorf("no time: got %q", got)
	}
}

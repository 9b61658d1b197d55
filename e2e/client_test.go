package e2e

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestExecWorkers runs a custom and a partner action by `penstock worker --exec`:
// inputs unpacked, outputs packed, variables and summaries taken over.
func TestExecWorkers(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	s.call("CreateCustomActionType", object{"category": "Build", "provider": "Make", "version": "1",
		"inputArtifactDetails": object{"minimumCount": 1, "maximumCount": 1}, "outputArtifactDetails": object{"minimumCount": 1, "maximumCount": 1},
		"configurationProperties": []object{{"name": "Suffix", "required": true, "key": false, "secret": true}}}, nil)
	acme := s.connect("Test", "Acme", "--inputs", "1", "--outputs", "1", "--property", "Version:required")
	s.versioned("exec-source")
	s.bucket("exec-site")
	s.put("exec-source", "app.zip", zipped(t, map[string]string{"main.txt": "main"}))
	s.secret("the-secret-suffix")
	s.call("CreatePipeline", object{"pipeline": declaration("exec",
		stage("Source", manualSource("exec-source", "app.zip")),
		stage("Build", action("Make", "Custom", "Build", "Make", object{"Suffix": "the-secret-suffix"}, inputs("Source"), outputs("App"), object{"namespace": "Make"})),
		stage("Test", action("Suite", "ThirdParty", "Test", "Acme", object{"Version": "#{Make.version}"}, inputs("App"), outputs("Report"))),
		stage("Deploy", action("Site", "AWS", "Deploy", "S3", object{"BucketName": "exec-site", "Extract": "true"}, inputs("Report"))))}, nil)

	maker := s.background(nil, "worker", "--category", "Build", "--provider", "Make", "--version", "1", "--max-jobs", "1", "--exec", `
		if [ -z "$PENSTOCK_CONTINUATION_TOKEN" ]; then
			echo '{"continuationToken": "second", "percentComplete": 50}' > "$PENSTOCK_RESULT"; exit 0
		fi
		{ cat main.txt; printf %s "$PENSTOCK_CONFIG_Suffix" | wc -c; } > "$PENSTOCK_OUTPUT_App/app.txt"
		echo '{"outputVariables": {"version": "7"}, "externalExecutionId": "make-1"}' > "$PENSTOCK_RESULT"
		echo all made`)
	if code := maker.code(t); code != 0 {
		t.Fatalf("the worker of the first round ended with %d", code)
	}
	s.state("exec", "Make", "InProgress")
	maker = s.background(nil, "worker", "--category", "Build", "--provider", "Make", "--version", "1", "--max-jobs", "1", "--exec", strings.Join(maker.cmd.Args[len(maker.cmd.Args)-1:], ""))
	tester := s.background([]string{"PENSTOCK_CLIENT_TOKEN=" + acme.ClientToken}, "worker", "--category", "Test", "--provider", "Acme", "--version", "1",
		"--max-jobs", "1", "--exec", `echo "version $PENSTOCK_CONFIG_Version: $(cat app.txt)" > "$PENSTOCK_OUTPUT_Report/report.txt"; echo all green`)
	for name, p := range map[string]*process{"custom": maker, "partner": tester} {
		if code := p.code(t); code != 0 {
			t.Errorf("the %s worker ended with %d", name, code)
		}
	}
	s.ends("exec", s.newest("exec"), "Succeeded")
	if got := string(s.get("exec-site", "report.txt")); got != "version 7: main17\n" {
		t.Errorf("the deployed report is %q", got)
	}
	if st := s.state("exec", "Make", "Succeeded"); *st.Summary != "all made" || *st.ExternalExecutionId != "make-1" {
		t.Errorf("the custom action ended with %s", asJSON(st))
	}
	if st := s.state("exec", "Suite", "Succeeded"); *st.Summary != "all green" {
		t.Errorf("the partner's action ended with %s", asJSON(st))
	}

	// A command that fails fails the action.
	s.call("StartPipelineExecution", object{"name": "exec"}, nil)
	failing := s.background(nil, "worker", "--category", "Build", "--provider", "Make", "--version", "1", "--max-jobs", "1", "--exec", "echo no such target; exit 2")
	failing.code(t)
	s.ends("exec", s.newest("exec"), "Failed")
	if e := s.state("exec", "Make", "Failed").ErrorDetails; *e.Code != "JobFailed" || !strings.Contains(*e.Message, "no such target") {
		t.Errorf("the failure is %s", asJSON(e))
	}
}

// TestLogsFollow reads the log of an action while it runs, and to its end.
func TestLogsFollow(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	s.versioned("logs-source")
	s.put("logs-source", "app.zip", zipped(t, map[string]string{"a": "b"}))
	release := filepath.Join(t.TempDir(), "release")
	s.call("CreatePipeline", object{"pipeline": declaration("logs",
		stage("Source", manualSource("logs-source", "app.zip")),
		stage("Build", commands("Slow", []string{"echo first line", "until [ -e " + release + " ]; do sleep 0.02; done", "echo last line"}, inputs("Source"))))}, nil)
	follow := s.background(nil, "logs", "logs", "--follow")
	until(t, "the first line", func(context.Context) (string, bool) {
		got := follow.out.String()
		if strings.Contains(got, "last line\n") && !strings.Contains(got, "echo last line") {
			t.Fatalf("the last line came before its time:\n%s", got)
		}
		return got, strings.Contains(got, "first line\n")
	})
	s.state("logs", "Slow", "InProgress")
	if err := os.WriteFile(release, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if code := follow.code(t); code != 0 {
		t.Errorf("logs --follow ended with %d", code)
	}
	s.ends("logs", s.newest("logs"), "Succeeded")
	followed := strings.TrimSpace(follow.out.String())
	if after := s.penstock("logs", "logs", "--action", "Slow"); after != followed || !strings.Contains(after, "last line") {
		t.Errorf("the log afterwards is\n%s\nand was followed as\n%s", after, followed)
	}
}

// TestStatusWatch checks what scripts lean on: the exit status and the JSON.
func TestStatusWatch(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	s.versioned("status-source")
	s.put("status-source", "app.zip", zipped(t, map[string]string{"a": "b"}))
	s.call("CreatePipeline", object{"pipeline": declaration("status", stage("Source", manualSource("status-source", "app.zip")), stage("Gate", approval("Look")))}, nil)
	for _, round := range []struct {
		status string
		code   int
	}{{"Approved", 0}, {"Rejected", 1}} {
		token := *s.state("status", "Look", "InProgress").Token
		watch := s.background(nil, "status", "status", "--watch", "--output", "json")
		until(t, "the watch to see the approval", func(context.Context) (string, bool) {
			return watch.out.String() + watch.problems.String(), strings.Contains(watch.out.String(), token)
		})
		s.call("PutApprovalResult", object{"pipelineName": "status", "stageName": "Gate", "actionName": "Look", "token": token,
			"result": object{"status": round.status, "summary": "seen"}}, nil)
		if code := watch.code(t); code != round.code {
			t.Errorf("%s: status --watch ended with %d, want %d", round.status, code, round.code)
		}
		for line := range strings.Lines(watch.out.String()) {
			if !json.Valid([]byte(line)) {
				t.Errorf("no JSON document: %s", line)
			}
		}
		s.call("StartPipelineExecution", object{"name": "status"}, nil)
	}
	if out := s.penstock("status"); !strings.Contains(out, "status") {
		t.Errorf("status prints %q", out)
	}
	for name, c := range map[string]struct {
		args []string
		code int
	}{
		"unknown pipeline": {[]string{"status", "nobody"}, 4},
		"unknown flag":     {[]string{"status", "--nonsense"}, 2},
		"no server":        {[]string{"status", "--endpoint-url", "http://127.0.0.1:1"}, 3},
	} {
		if r := s.exec(binary, c.args...); r.code != c.code || r.problems == "" {
			t.Errorf("%s: exit %d, want %d: %s", name, r.code, c.code, r.problems)
		}
	}
}

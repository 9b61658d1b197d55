package e2e

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestRestart kills the server while a command and a worker's job run. The
// command's processes die with the server and it runs again; the worker, which
// outlived the server, reports the job it has; and clients that watch go on.
func TestRestart(t *testing.T) {
	t.Parallel()
	s := startServer(t, "--listen", freeAddress(t))
	s.call("CreateCustomActionType", object{"category": "Build", "provider": "Make", "version": "1",
		"inputArtifactDetails": object{"minimumCount": 0, "maximumCount": 1}, "outputArtifactDetails": object{"minimumCount": 0, "maximumCount": 1}}, nil)
	s.versioned("restart-source")
	s.put("restart-source", "app.zip", zipped(t, map[string]string{"a": "b"}))
	dir := t.TempDir()
	slow, hand, release := filepath.Join(dir, "slow"), filepath.Join(dir, "hand"), filepath.Join(dir, "release")
	hold := "until [ -e " + release + " ]; do sleep 0.02; done"
	s.call("CreatePipeline", object{"pipeline": declaration("restart",
		stage("Source", manualSource("restart-source", "app.zip")),
		stage("Build",
			commands("Slow", []string{"echo begun", "echo $$ >> " + slow, hold, "echo over"}, inputs("Source")),
			action("Hand", "Custom", "Build", "Make", nil)),
		stage("Gate", approval("Look")))}, nil)
	worker := s.background(nil, "worker", "--category", "Build", "--provider", "Make", "--version", "1", "--max-jobs", "1", "--exec", "echo $$ >> "+hand+"; "+hold)
	watch := s.background(nil, "status", "restart", "--watch")
	first := pids(t, slow, 1)[0]
	pids(t, hand, 1)
	follow := s.background(nil, "logs", "restart", "--action", "Slow", "--follow")
	until(t, "the log and the watch to begin", func(context.Context) (string, bool) {
		return follow.out.String() + watch.out.String(), strings.Contains(follow.out.String(), "begun") && strings.Contains(watch.out.String(), "Slow")
	})

	s.kill()
	until(t, "the command to die with the server", func(context.Context) (string, bool) {
		err := syscall.Kill(first, 0)
		return "process " + strconv.Itoa(first), errors.Is(err, syscall.ESRCH)
	})
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	pids(t, slow, 2)
	if err := os.WriteFile(release, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if code := worker.code(t); code != 0 {
		t.Errorf("the worker ended with %d", code)
	}
	token := *s.state("restart", "Look", "InProgress").Token
	pids(t, slow, 2)
	pids(t, hand, 1)
	s.call("PutApprovalResult", object{"pipelineName": "restart", "stageName": "Gate", "actionName": "Look", "token": token,
		"result": object{"status": "Approved", "summary": "seen"}}, nil)
	if code := watch.code(t); code != 0 {
		t.Errorf("status --watch ended with %d", code)
	}
	if code := follow.code(t); code != 0 {
		t.Errorf("logs --follow ended with %d", code)
	}
	if log := s.penstock("logs", "restart", "--action", "Slow"); !strings.Contains(log, "over") {
		t.Errorf("the log is\n%s", log)
	}
}

// pids waits until n processes have written their ids, and no more, to a file.
func pids(t *testing.T, path string, n int) []int {
	t.Helper()
	var ids []int
	until(t, strconv.Itoa(n)+" processes in "+filepath.Base(path), func(context.Context) (string, bool) {
		text, err := os.ReadFile(path)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		ids = nil
		for _, field := range strings.Fields(string(text)) {
			id, err := strconv.Atoi(field)
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, id)
		}
		if len(ids) > n {
			t.Fatalf("%d processes ran, want %d", len(ids), n)
		}
		return string(text), len(ids) == n
	})
	return ids
}

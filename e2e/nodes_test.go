package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"penstock/internal/store/postgres/pgtest"
)

// takenOver is how long the jobs of a node that died may rest.
const takenOver = 15 * time.Second

// nodeOf is what `penstock nodes` shows of a node.
type nodeOf struct {
	ID   string `json:"nodeId"`
	Jobs int    `json:"jobs"`
	Self bool   `json:"answering"`
}

func (s *server) nodes() []nodeOf {
	s.t.Helper()
	var out struct{ Nodes []nodeOf }
	if err := json.Unmarshal([]byte(s.penstock("nodes", "--output", "json")), &out); err != nil {
		s.t.Fatal(err)
	}
	return out.Nodes
}

// id is the name of the node.
func (s *server) id() string {
	s.t.Helper()
	name, err := os.ReadFile(filepath.Join(s.data, "node-id"))
	if err != nil {
		s.t.Fatal(err)
	}
	return string(name)
}

func (s *server) signal(sig syscall.Signal) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// TestNodes has three servers work on one database: calls go to any of them, a
// job in the process of one that is killed or stopped is taken over, and one
// that goes on after a pause does no harm.
func TestNodes(t *testing.T) {
	t.Parallel()
	storage := startServer(t)
	nodes := startNodes(t, storage, pgtest.URL(t), 3)
	a, b, c := nodes[0], nodes[1], nodes[2]
	storage.versioned("nodes-source")
	storage.put("nodes-source", "app.zip", zipped(t, map[string]string{"a": "b"}))
	a.call("CreateCustomActionType", object{"category": "Deploy", "provider": "Ship", "version": "1",
		"inputArtifactDetails": object{"minimumCount": 0, "maximumCount": 1}, "outputArtifactDetails": object{"minimumCount": 0, "maximumCount": 0}}, nil)
	dir := t.TempDir()
	begun, release := filepath.Join(dir, "begun"), filepath.Join(dir, "release")
	hold := "until [ -e " + release + " ]; do sleep 0.05; done"
	b.call("CreatePipeline", object{"pipeline": declaration("nodes",
		stage("Source", manualSource("nodes-source", "app.zip")),
		stage("Build", commands("Slow", []string{"echo $$ >> " + begun, hold}, inputs("Source"))),
		stage("Ship", action("Go", "Custom", "Deploy", "Ship", nil)))}, nil)

	holder := func(from *server, gone ...*server) *server {
		t.Helper()
		var found *server
		began := time.Now()
		until(t, "a node to have the job", func(context.Context) (string, bool) {
			all := from.nodes()
			for _, n := range all {
				for _, s := range nodes {
					if n.Jobs > 0 && s.id() == n.ID {
						found = s
					}
				}
			}
			for _, s := range gone {
				if found == s {
					found = nil
				}
			}
			return fmt.Sprint(all), found != nil
		})
		if took := time.Since(began); len(gone) > 0 {
			t.Logf("taken over after %v", took)
			if took > takenOver {
				t.Errorf("the job was taken over after %v", took)
			}
		}
		return found
	}
	other := func(not ...*server) *server {
		for _, s := range nodes {
			free := true
			for _, n := range not {
				free = free && s != n
			}
			if free {
				return s
			}
		}
		return nil
	}
	start := func(s *server) string {
		t.Helper()
		var out struct{ PipelineExecutionID string }
		s.call("StartPipelineExecution", object{"name": "nodes"}, &out)
		return out.PipelineExecutionID
	}
	ship := func(at, report *server) {
		t.Helper()
		var job struct{ Jobs []struct{ ID, Nonce string } }
		until(t, "the last job", func(context.Context) (string, bool) {
			at.call("PollForJobs", object{"actionTypeId": actionType("Deploy", "Custom", "Ship")}, &job)
			return "none", len(job.Jobs) == 1
		})
		report.call("AcknowledgeJob", object{"jobId": job.Jobs[0].ID, "nonce": job.Jobs[0].Nonce}, nil)
		at.call("PutJobSuccessResult", object{"jobId": job.Jobs[0].ID}, nil)
	}

	// The node that runs the command is killed.
	pids(t, begun, 1) // a pipeline starts when it is made
	execution := c.newest("nodes")
	dead := holder(a)
	alive := other(dead)
	dead.kill()
	holder(alive, dead)
	pids(t, begun, 2)
	if err := dead.start(); err != nil {
		t.Fatal(err)
	}
	if n := len(dead.nodes()); n != 3 {
		t.Errorf("%d nodes after the restart", n)
	}
	if err := os.WriteFile(release, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	ship(a, b)
	c.ends("nodes", execution, types.PipelineExecutionStatusSucceeded)

	// The node that runs the command is stopped for a while.
	if err := os.Remove(release); err != nil {
		t.Fatal(err)
	}
	execution = start(a)
	pids(t, begun, 3)
	paused := holder(a)
	alive = other(paused)
	paused.signal(syscall.SIGSTOP)
	second := holder(alive, paused)
	pids(t, begun, 4)
	if err := os.WriteFile(release, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	ship(second, alive)
	alive.ends("nodes", execution, types.PipelineExecutionStatusSucceeded)
	paused.signal(syscall.SIGCONT)
	until(t, "the paused node to come back", func(context.Context) (string, bool) {
		n := len(paused.nodes())
		return fmt.Sprint(n, " nodes"), n == 3
	})
	if actions := paused.actions("nodes"); strings.Contains(actions, "Failed") {
		t.Errorf("actions after the pause: %s", actions)
	}
	pids(t, begun, 4)
	// Everything goes on, on all nodes.
	execution = start(paused)
	ship(b, paused)
	a.ends("nodes", execution, types.PipelineExecutionStatusSucceeded)
}

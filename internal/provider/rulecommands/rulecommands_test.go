package rulecommands_test

import (
	"strings"
	"testing"
	"time"

	"penstock/internal/provider/commands"
	"penstock/internal/provider/providertest"
	"penstock/internal/provider/rulecommands"
	"penstock/jobworker"
)

func setup(t *testing.T, dir string, run ...string) providertest.Harness {
	t.Helper()
	m := providertest.NewMemory("artifacts")
	m.Store(t, "artifacts", "in", providertest.Zip(t, map[string]string{"ready": "yes\n"}), nil)
	now := func() time.Time { return time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC) }
	return providertest.Harness{
		Provider: rulecommands.New(commands.New(commands.Config{Buckets: m, Logs: m, Dir: dir, Now: now})), Memory: m, Dir: dir,
		Job: jobworker.Job{
			Inputs:  []jobworker.Artifact{{Name: "App", Bucket: "artifacts", Key: "in"}},
			Context: jobworker.Context{Pipeline: "web", ActionExecutionID: "re"},
			Native:  &jobworker.Native{Account: "111122223333", Region: "eu-west-1", Commands: run},
		},
	}
}

func TestSuite(t *testing.T) {
	t.Parallel()
	providertest.Run(t, func(t *testing.T, dir string) providertest.Harness { return setup(t, dir, "cat ready") })
}

func TestRule(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, command, kind, log string
	}{
		{"holds", "grep yes ready", "", "yes\n"},
		{"does not hold", "grep no ready", jobworker.JobFailed, "exit status 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := setup(t, t.TempDir(), c.command)
			_, err := h.Provider.Run(t.Context(), jobworker.NewTask(nil, h.Job, 0))
			if c.kind != "" {
				providertest.Failure(t, err, c.kind, c.command)
			} else if err != nil {
				t.Fatal(err)
			}
			if log := h.Memory.Log("re"); !strings.Contains(log, c.log) {
				t.Errorf("log %q", log)
			}
		})
	}
}

// What an action could produce, a rule cannot.
func TestNothingComesOut(t *testing.T) {
	t.Parallel()
	h := setup(t, t.TempDir(), "export TAG=1")
	h.Job.Outputs = []jobworker.Artifact{{Name: "Out", Bucket: "artifacts", Key: "out"}}
	h.Job.Native.OutputFiles = map[string][]string{"Out": {"**/*"}}
	h.Job.Native.OutputVariables = []string{"TAG"}
	s, err := h.Provider.Run(t.Context(), jobworker.NewTask(nil, h.Job, 0))
	if err != nil {
		t.Fatal(err)
	}
	if len(s.OutputVariables) > 0 {
		t.Errorf("variables %v", s.OutputVariables)
	}
	if _, stored := h.Memory.Object("artifacts", "out"); stored {
		t.Error("an artifact was stored")
	}
	if len(h.Job.Native.OutputVariables) != 1 {
		t.Error("the job itself was changed")
	}
}

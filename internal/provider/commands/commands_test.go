//go:build unix

package commands_test

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"penstock/internal/provider/commands"
	"penstock/internal/provider/providertest"
	"penstock/jobworker"
)

// stage is a store with two input artifacts, a folder to work in, and a job.
type stage struct {
	m   *providertest.Memory
	c   commands.Config
	job jobworker.Job
}

func newStage(t *testing.T, dir string, lines ...string) *stage {
	t.Helper()
	m := providertest.NewMemory("store")
	m.Store(t, "store", "tree", providertest.Zip(t, map[string]string{"main.txt": "main", "sub/a.txt": "a"}), nil)
	m.Store(t, "store", "lib", providertest.Zip(t, map[string]string{"lib.txt": "lib"}), nil)
	return &stage{m: m,
		c: commands.Config{Buckets: m, Logs: m, Dir: dir, Grace: 50 * time.Millisecond},
		job: jobworker.Job{
			Context: jobworker.Context{Pipeline: "pipe", Stage: "Build", Action: "Make", ActionExecutionID: "ae"},
			Inputs: []jobworker.Artifact{{Name: "Tree", Bucket: "store", Key: "tree", Revision: "rev-1"},
				{Name: "My-Lib", Bucket: "store", Key: "lib"}},
			Native: &jobworker.Native{Account: "111122223333", Region: "eu-west-1", Commands: lines},
		}}
}

func (s *stage) run(t *testing.T, ctx context.Context) (jobworker.Success, error) {
	t.Helper()
	r, err := commands.New(s.c).Run(ctx, jobworker.NewTask(nil, s.job, 0))
	if left, _ := os.ReadDir(s.c.Dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	return r, err
}

func (s *stage) log() string { return s.m.Log("ae") }

func TestSuite(t *testing.T) {
	t.Parallel()
	providertest.Run(t, func(t *testing.T, dir string) providertest.Harness {
		s := newStage(t, dir, "env; cat main.txt", "mkdir -p out && echo x >out/x && chmod 0 out/x", "chmod 600 out/x", "export V=1")
		s.job.Outputs = []jobworker.Artifact{{Name: "Out", Bucket: "store", Key: "out"}}
		s.job.Native.OutputFiles = map[string][]string{"Out": {"out/*"}}
		s.job.Native.OutputVariables = []string{"V"}
		return providertest.Harness{Provider: commands.New(s.c), Memory: s.m, Job: s.job, Dir: dir}
	})
}

// TestStateBetweenCommands: each case prints one line at its end.
func TestStateBetweenCommands(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		lines []string
		want  string
	}{
		{"export", []string{"export A=1", `echo "=$A="`}, "=1="},
		{"plain assignment", []string{"A=1", `echo "=$A="`}, "=1="},
		{"unset", []string{"export A=1", "unset A", `echo "=${A-gone}="`}, "=gone="},
		{"value with quotes and lines", []string{`export A="it's
\"two\" \$lines"`, `printf '=%s=' "$A" | tr '\n' '|'; echo`}, `=it's|"two" $lines=`},
		{"working folder", []string{"cd sub", "cat a.txt; echo ="}, "a="},
		{"working folder outside", []string{"cd /", `echo "=$PWD="`}, "=/="},
		{"after exit", []string{"A=1; exit 0", `echo "=$A="`}, "=1="},
		{"set -e ends with its command", []string{"set -e", "false; echo =on="}, "=on="},
		{"functions do not", []string{"f() { echo function; }", "command -v f || echo =none="}, "=none="},
		{"background process lives", []string{"sleep 1000 & echo $! >pid", "kill -0 $(cat pid) && echo =alive="}, "=alive="},
		{"path", []string{"mkdir bin; printf '#!/bin/sh\necho =mine=' >bin/tool; chmod +x bin/tool; export PATH=$PWD/bin:$PATH", "tool"}, "=mine="},
		{"comment at the end", []string{"A=1 # a comment", `echo "=$A="`}, "=1="},
		{"own trap", []string{"trap 'echo bye' EXIT; A=1", `echo "=${A-lost}="`}, "=lost="},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, t.TempDir(), c.lines...)
			if _, err := s.run(t, t.Context()); err != nil {
				t.Fatalf("%v\n%s", err, s.log())
			}
			if !strings.Contains(s.log(), "\n"+c.want+"\n") {
				t.Errorf("no line %q in\n%s", c.want, s.log())
			}
		})
	}
}

func TestFolderWithQuotes(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), `it's "a" $dir`)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	s := newStage(t, dir, "cd sub; A=kept", `echo "=$A=$(cat a.txt)="`)
	if _, err := s.run(t, t.Context()); err != nil || !strings.Contains(s.log(), "\n=kept=a=\n") {
		t.Errorf("%v\n%s", err, s.log())
	}
}

func TestEnvironment(t *testing.T) {
	t.Setenv("PENSTOCK_ROOT_SECRET_ACCESS_KEY", "leak")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "leak")
	t.Setenv("SOME_SETTING", "leak")
	s := newStage(t, t.TempDir(), "env >env.txt", `cat "$CODEBUILD_SRC_DIR_My_Lib/lib.txt"`, `test "$PWD" = "$CODEBUILD_SRC_DIR"`, `touch "$HOME/h" "$TMPDIR/t"`)
	s.c.Now = func() time.Time { return time.UnixMilli(1234567) }
	s.job.Native.Environment = []jobworker.EnvironmentVariable{{Name: "MINE", Value: "a b"}, {Name: "LANG", Value: "C", Type: "PLAINTEXT"}}
	s.job.Outputs = []jobworker.Artifact{{Name: "Out", Bucket: "store", Key: "out"}}
	s.job.Native.OutputFiles = map[string][]string{"Out": {"env.txt"}}
	if _, err := s.run(t, t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, s.log())
	}
	out, _ := s.m.Object("store", "out")
	env := map[string]string{}
	for line := range strings.Lines(providertest.Unzip(t, out.Body)["env.txt"]) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		env[name] = value
	}
	for name, want := range map[string]string{
		"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-1", "CODEBUILD_CI": "true", "CODEBUILD_BUILD_ID": "pipe:ae",
		"CODEBUILD_INITIATOR": "codepipeline/pipe", "CODEBUILD_SOURCE_VERSION": "arn:aws:s3:::store/tree",
		"CODEBUILD_RESOLVED_SOURCE_VERSION": "rev-1", "CODEBUILD_START_TIME": "1234567", "MINE": "a b", "LANG": "C",
		"CODEBUILD_SOURCE_VERSION_My_Lib": "arn:aws:s3:::store/lib",
	} {
		if env[name] != want {
			t.Errorf("%s is %q, want %q", name, env[name], want)
		}
	}
	for name, value := range env {
		if value == "leak" {
			t.Errorf("the server's %s leaks", name)
		}
	}
	for _, name := range []string{"HOME", "TMPDIR", "CODEBUILD_SRC_DIR", "CODEBUILD_SRC_DIR_My_Lib"} {
		if !strings.HasPrefix(env[name], s.c.Dir) {
			t.Errorf("%s is %q, outside the action's folder", name, env[name])
		}
	}
	if got := out.Options.Metadata["codebuild-buildarn"]; got != "arn:aws:codebuild:eu-west-1:111122223333:build/pipe:ae" {
		t.Errorf("build ARN %q", got)
	}
}

func TestLogFormAndVariables(t *testing.T) {
	t.Parallel()
	s := newStage(t, t.TempDir(), "echo one", "export VERSION=$(cat main.txt)", "echo two >&2")
	s.c.Now = func() time.Time { return time.Date(2026, 2, 19, 11, 48, 37, 0, time.UTC) }
	s.job.Native.OutputVariables = []string{"VERSION", "ABSENT"}
	r, err := s.run(t, t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if want := map[string]string{"VERSION": "main", "ABSENT": ""}; !maps.Equal(r.OutputVariables, want) {
		t.Errorf("variables %v, want %v", r.OutputVariables, want)
	}
	if r.Details.ExternalID != "pipe:ae" {
		t.Errorf("details %+v", r.Details)
	}
	lines := strings.Split(s.log(), "\n")
	if !strings.Contains(lines[0], "WARNING") || !strings.Contains(lines[0], "not isolate") {
		t.Errorf("first line %q", lines[0])
	}
	const stamp = "[Container] 2026/02/19 11:48:37 "
	want := strings.Join([]string{stamp + "Running command echo one", "one", stamp + "Running command export VERSION=$(cat main.txt)",
		stamp + "Running command echo two >&2", "two", stamp + "Phase complete: BUILD State: SUCCEEDED"}, "\n")
	if !strings.Contains(s.log(), want) {
		t.Errorf("log\n%s\nwants\n%s", s.log(), want)
	}
}

func TestOutputPatterns(t *testing.T) {
	t.Parallel()
	const prepare = "mkdir -p d/e .hid; touch top .dot d/f d/.g d/e/h .hid/i; ln -s f d/link; ln -s d dlink; mkfifo d/pipe"
	for _, c := range []struct {
		name     string
		patterns []string
		want     string
	}{
		{"one file", []string{"d/f"}, "d/f"},
		{"folder", []string{"d/*"}, "d/.g d/f d/link"},
		{"below", []string{"d/**/*"}, "d/.g d/e/h d/f d/link"},
		{"all, AWS's example", []string{"**/"}, ".dot .hid/i d/.g d/e/h d/f d/link dlink main.txt sub/a.txt top"},
		{"all", []string{"**/*"}, ".dot .hid/i d/.g d/e/h d/f d/link dlink main.txt sub/a.txt top"},
		{"none given", nil, ".dot .hid/i d/.g d/e/h d/f d/link dlink main.txt sub/a.txt top"},
		{"several that overlap", []string{"d/f", "top", "d/*", "absent"}, "d/.g d/f d/link top"},
		{"dot slash", []string{"./d/e/*"}, "d/e/h"},
		{"slash at the end", []string{"d/e/"}, "d/e/h"},
		{"alternatives", []string{"{top,d/f}"}, "d/f top"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, t.TempDir(), prepare, "cd /")
			s.job.EncryptionKeyID = "key"
			s.job.Outputs = []jobworker.Artifact{{Name: "Out", Bucket: "store", Key: "out"}}
			s.job.Native.OutputFiles = map[string][]string{"Out": c.patterns}
			if _, err := s.run(t, t.Context()); err != nil {
				t.Fatalf("%v\n%s", err, s.log())
			}
			out, _ := s.m.Object("store", "out")
			if got := strings.Join(slices.Sorted(maps.Keys(providertest.Unzip(t, out.Body))), " "); got != c.want {
				t.Errorf("packed %q, want %q", got, c.want)
			}
			if out.Options.KMSKeyID != "key" || out.ContentType != "application/zip" {
				t.Errorf("put with %+v", out.Options)
			}
		})
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	output := func(patterns ...string) func(*stage) {
		return func(s *stage) {
			s.job.Outputs = []jobworker.Artifact{{Name: "Out", Bucket: "store", Key: "out"}}
			s.job.Native.OutputFiles = map[string][]string{"Out": patterns}
		}
	}
	for _, c := range []struct {
		name   string
		lines  []string
		change func(*stage)
		kind   string
		text   string
	}{
		{"exit status", []string{"echo before", "exit 3", "echo after"}, nil, jobworker.JobFailed, "Error while executing command: exit 3. Reason: exit status 3"},
		{"unknown command", []string{"no-such-program"}, nil, jobworker.JobFailed, "exit status 127"},
		{"syntax error", []string{"if true"}, nil, jobworker.JobFailed, "if true"},
		{"killed", []string{"kill -9 $$"}, nil, jobworker.JobFailed, "signal: killed"},
		{"folder gone", []string{"mkdir g; cd g", "rmdir ../g", "true"}, nil, jobworker.JobFailed, "no such file"},
		{"no commands", nil, nil, jobworker.ConfigurationError, "no commands"},
		{"no input", []string{"true"}, func(s *stage) { s.job.Inputs = nil }, jobworker.ConfigurationError, "input artifact"},
		{"input gone", []string{"true"}, func(s *stage) { s.job.Inputs[1].Key = "absent" }, jobworker.JobFailed, "'absent'"},
		{"input denied", []string{"true"}, func(s *stage) { s.m.Denied["lib"] = true }, jobworker.PermissionError, "'lib'"},
		{"secrets", []string{"true"}, func(s *stage) {
			s.job.Native.Environment = []jobworker.EnvironmentVariable{{Name: "T", Value: "ci/token", Type: "SECRETS_MANAGER"}}
		}, jobworker.ConfigurationError, "not available yet"},
		{"bad variable", []string{"true"}, func(s *stage) { s.job.Native.Environment = []jobworker.EnvironmentVariable{{Name: "A=B"}} }, jobworker.ConfigurationError, "A=B"},
		{"windows", []string{"true"}, func(s *stage) {
			s.job.Configuration = map[string]string{"EnvironmentType": "WINDOWS_SERVER_2022_CONTAINER"}
		}, jobworker.ConfigurationError, "WINDOWS"},
		{"credentials as variables", []string{"true"}, func(s *stage) { s.job.Native.OutputVariables = []string{"AWS_SECRET_ACCESS_KEY"} }, jobworker.ConfigurationError, "AWS_SECRET_ACCESS_KEY"},
		{"variables too large", []string{"export A=$(head -c 122880 /dev/zero | tr '\\0' x)"}, func(s *stage) { s.job.Native.OutputVariables = []string{"A"} }, jobworker.JobFailed, "122881 bytes"},
		{"nothing matches", []string{"true"}, output("absent/*"), jobworker.JobFailed, "No matching artifact paths"},
		{"absolute pattern", []string{"true"}, output("/etc/*"), jobworker.ConfigurationError, "/etc/*"},
		{"pattern climbs", []string{"true"}, output("a/../../*"), jobworker.ConfigurationError, "a/../../*"},
		{"bad pattern", []string{"true"}, output("a["), jobworker.ConfigurationError, "a["},
		{"pattern through a link", []string{"ln -s /etc out"}, output("out/passwd"), jobworker.SystemUnavailable, "cannot be packed"},
		{"link leaves", []string{"ln -s /etc/passwd out"}, output("*"), jobworker.JobFailed, "link out of the folder"},
		{"output denied", []string{"true"}, func(s *stage) { output("*")(s); s.m.Denied["out"] = true }, jobworker.PermissionError, "'out'"},
		{"artifact named as a path", []string{"true"}, func(s *stage) { s.job.Inputs[1].Name = "../x" }, jobworker.ConfigurationError, "../x"},
		{"disabled", []string{"true"}, func(s *stage) { s.c.Disabled = "no runner here" }, jobworker.SystemUnavailable, "no runner here"},
		{"deadline passed", []string{"true"}, func(s *stage) { s.job.Native.Deadline = time.Now().Add(-time.Hour) }, jobworker.JobFailed, "longer than"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, t.TempDir(), c.lines...)
			if c.change != nil {
				c.change(s)
			}
			_, err := s.run(t, t.Context())
			providertest.Failure(t, err, c.kind, c.text)
			if strings.Contains(s.log(), "Running command echo after") {
				t.Error("commands went on after a failed one")
			}
		})
	}
}

func TestTimeLimitKillsAll(t *testing.T) {
	t.Parallel()
	s := newStage(t, t.TempDir(), "sleep 1000 & sleep 1000")
	s.c.TimeLimit = 300 * time.Millisecond
	_, err := s.run(t, t.Context())
	providertest.Failure(t, err, jobworker.JobFailed, "longer than their limit")
	if !strings.Contains(s.log(), "were killed") {
		t.Errorf("log\n%s", s.log())
	}
}

func TestCancelWhileACommandRuns(t *testing.T) {
	t.Parallel()
	s := newStage(t, t.TempDir(), "trap '' TERM; echo up; sleep 1000; sleep 1000")
	cause := errors.New("the execution was stopped")
	ctx, cancel := context.WithCancelCause(t.Context())
	var stopped time.Time
	s.m.OnLog = func(text string) {
		if strings.HasSuffix(text, "up\n") { // maybe with the runner's line before it
			stopped = time.Now()
			cancel(cause)
		}
	}
	_, err := s.run(t, ctx)
	if _, isFailure := errors.AsType[*jobworker.Failure](err); isFailure || !errors.Is(err, cause) {
		t.Errorf("got %v, want the cause", err)
	}
	if took := time.Since(stopped); stopped.IsZero() || took > 2*time.Second {
		t.Errorf("took %v", took)
	}
	if !strings.Contains(s.log(), "Stopped: the execution was stopped") {
		t.Errorf("log\n%s", s.log())
	}
}

func TestLogLimit(t *testing.T) {
	t.Parallel()
	s := newStage(t, t.TempDir(), "yes 0123456789 | head -c 200000", "echo never seen")
	s.c.LogLimit = 5000
	if _, err := s.run(t, t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(s.log()); n < 5000 || n > 6000 {
		t.Errorf("%d bytes of log", n)
	}
	if log := s.log(); !strings.Contains(log, "reached its size limit") || strings.Contains(log, "never seen") || !strings.Contains(log, "SUCCEEDED") {
		t.Errorf("log ends …%s", log[len(log)-300:])
	}
}

func TestSweep(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"commands-123/src", "other"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := commands.New(commands.Config{Dir: dir}).Sweep(); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 || left[0].Name() != "other" {
		t.Errorf("left %v", left)
	}
}

//go:build unix

package doctest

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"penstock/e2e/node"
)

const jobWorkers = "job-workers.md"

func TestPartnerFlow(t *testing.T) {
	t.Parallel()
	need(t, "aws", "bash", "python3")
	recent(t)
	all := page(t, jobWorkers)
	open(t, all).run(t, of(t, all, "run: both", "run: partner"))
}

func TestExecutorFlow(t *testing.T) {
	t.Parallel()
	need(t, "aws", "bash", "python3")
	all := page(t, jobWorkers)
	open(t, all).run(t, of(t, all, "run: both", "run: executor"))
}

// TestCustomFlow goes on with the workers that the page shows as programs.
func TestCustomFlow(t *testing.T) {
	t.Parallel()
	need(t, "aws", "bash", "python3")
	recent(t)
	all := page(t, jobWorkers)
	s := open(t, all)
	s.run(t, of(t, all, "run: both", "run: custom"))
	if t.Failed() {
		return
	}
	s.env = append(s.env, "AWS_ENDPOINT_URL="+s.url, "AWS_DEFAULT_REGION=us-east-1", "AWS_REGION=us-east-1",
		"AWS_SHARED_CREDENTIALS_FILE="+filepath.Join(s.dir, "penstock-data", "credentials"))
	t.Run("Go", func(t *testing.T) {
		s.works(t, goWorker(t, s, of(t, all, "program: go")[0].text), "built hello in Go")
	})
	t.Run("Python", func(t *testing.T) {
		s.works(t, pythonWorker(t, s, of(t, all, "program: python")[0].text), "built hello in Python")
	})
	t.Run("JavaScript", func(t *testing.T) {
		s.works(t, nodeWorker(t, s, of(t, all, "program: javascript")[0].text), "built hello in JavaScript")
	})
	t.Run("shell", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "worker")
		write(t, file, of(t, all, "program: shell")[0].text)
		s.works(t, s.command(t.Context(), "bash", file), "built hello in the shell")
	})
}

// goWorker builds the program in a module of its own, as the page says.
func goWorker(t *testing.T, s *scene, program string) *exec.Cmd {
	t.Helper()
	dir := t.TempDir()
	repo, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile(filepath.Join(repo, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "main.go"), program)
	write(t, filepath.Join(dir, "go.mod"), "module example.com/worker\n\ngo 1.26\n")
	write(t, filepath.Join(dir, "go.sum"), string(sums))
	bin := filepath.Join(dir, "worker")
	for _, args := range [][]string{
		{"mod", "edit", "-require", "penstock@v0.0.0", "-replace", "penstock=" + repo},
		{"build", "-mod=mod", "-o", bin, "."},
	} {
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	return s.command(t.Context(), bin)
}

// pythonWorker looks for a Python that has boto3; where there is none, the
// program is only compiled.
func pythonWorker(t *testing.T, s *scene, program string) *exec.Cmd {
	t.Helper()
	file := filepath.Join(t.TempDir(), "worker.py")
	write(t, file, program)
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		if exec.CommandContext(t.Context(), python, "-c", "import boto3").Run() == nil {
			return s.command(t.Context(), python, file)
		}
	}
	if out, err := exec.CommandContext(t.Context(), "python3", "-m", "py_compile", file).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	lacking(t, "Python has no boto3 (Debian: apt-get install python3-boto3)")
	return nil
}

// nodeWorker puts the program where its imports are.
func nodeWorker(t *testing.T, s *scene, program string) *exec.Cmd {
	t.Helper()
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute) // npm itself is more patient
	defer cancel()
	err := node.Prepare(ctx, dir)
	if errors.Is(err, node.ErrMissing) {
		lacking(t, err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "worker.mjs")
	write(t, file, program)
	return s.command(t.Context(), "node", file)
}

// works runs a worker while the pipeline of the tutorial runs once, and ends
// it with SIGTERM, which is to be a good end.
func (s *scene) works(t *testing.T, worker *exec.Cmd, summary string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	var log strings.Builder
	worker.Stdout, worker.Stderr = &log, &log
	if err := worker.Start(); err != nil {
		t.Fatal(err)
	}
	out, err := s.command(ctx, "bash", "-euc", "aws codepipeline start-pipeline-execution --name tutorial; penstock status tutorial --watch").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "Build/Make Succeeded: "+summary) {
		t.Errorf("%v, %s", err, out)
	}
	if err := worker.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	if err := worker.Wait(); err != nil || t.Failed() {
		t.Errorf("the worker ended with %v and wrote\n%s", err, &log)
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

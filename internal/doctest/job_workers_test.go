//go:build unix

package doctest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"penstock/internal/awscli"
)

const jobWorkers = "job-workers.md"

func TestPartnerFlow(t *testing.T) {
	t.Parallel()
	need(t, "aws", "bash", "python3")
	if !awscli.Recent() {
		t.Skip("the page needs AWS CLI 1.36 or 2.19: the installed one refuses declarations of today")
	}
	all := page(t, jobWorkers)
	open(t, all).run(t, of(t, all, "run: both", "run: partner"))
}

// TestCustomFlow goes on with the two workers that the page shows as programs.
func TestCustomFlow(t *testing.T) {
	t.Parallel()
	need(t, "aws", "bash", "python3")
	if !awscli.Recent() {
		t.Skip("the page needs AWS CLI 1.36 or 2.19: the installed one refuses declarations of today")
	}
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
		file := pythonWorker(t, of(t, all, "program: python")[0].text)
		if err := exec.CommandContext(t.Context(), "python3", "-c", "import boto3").Run(); err != nil {
			t.Skip("boto3 is not installed: the program is only compiled")
		}
		s.works(t, s.command(t.Context(), "python3", file), "built hello in Python")
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

// pythonWorker compiles the program.
func pythonWorker(t *testing.T, program string) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "worker.py")
	write(t, file, program)
	if out, err := exec.CommandContext(t.Context(), "python3", "-m", "py_compile", file).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return file
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

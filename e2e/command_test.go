package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"penstock/jobworker"
)

// cleanEnv is this process's environment without anything that configures
// penstock or an AWS client.
func cleanEnv() []string {
	var env []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "AWS_") && !strings.HasPrefix(kv, "PENSTOCK_") {
			env = append(env, kv)
		}
	}
	return env
}

// clientEnv is the environment of a client of the server.
func (s *server) clientEnv() []string {
	none := filepath.Join(s.data, "no-such-file")
	return append(cleanEnv(), "AWS_ENDPOINT_URL="+s.url, "AWS_ACCESS_KEY_ID="+keyID, "AWS_SECRET_ACCESS_KEY="+secretKey,
		"AWS_DEFAULT_REGION="+region, "AWS_REGION="+region, "AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=",
		"AWS_CONFIG_FILE="+none, "AWS_SHARED_CREDENTIALS_FILE="+none)
}

// awsCLI is the path of the AWS CLI.
func awsCLI(t testing.TB) string {
	t.Helper()
	switch {
	case cli != "":
		return cli
	case os.Getenv("CI") == "true":
		t.Fatal("the AWS CLI is not installed: `make test` installs it where it may (Debian: apt-get install awscli)")
	default:
		t.Skip("the AWS CLI is not installed (CI=true makes this a failure)")
	}
	return ""
}

// result is how a command ended.
type result struct {
	out, problems string
	code          int
}

// exec runs a program as a client of the server.
func (s *server) exec(program string, args ...string) result {
	s.t.Helper()
	return s.execAs(nil, program, args...)
}

// execAs runs a program with some variables of its own.
func (s *server) execAs(env []string, program string, args ...string) result {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(s.clientEnv(), env...)
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	err := cmd.Run()
	if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended {
		s.t.Fatalf("%s %s: %v", program, strings.Join(args, " "), err)
	}
	return result{strings.TrimSpace(out.String()), strings.TrimSpace(problems.String()), cmd.ProcessState.ExitCode()}
}

// aws runs the AWS CLI and returns what it printed.
func (s *server) aws(args ...string) string {
	s.t.Helper()
	r := s.exec(awsCLI(s.t), args...)
	if r.code != 0 {
		s.t.Fatalf("aws %s: exit %d\n%s%s", strings.Join(args, " "), r.code, r.out, r.problems)
	}
	return r.out
}

// awsRefused runs the AWS CLI, which must fail with an error code of the API.
func (s *server) awsRefused(code string, args ...string) {
	s.t.Helper()
	r := s.exec(awsCLI(s.t), args...)
	if r.code == 0 || !strings.Contains(r.problems, "("+code+")") {
		s.t.Errorf("aws %s: exit %d, want a refusal by %s\n%s%s", strings.Join(args, " "), r.code, code, r.out, r.problems)
	}
}

// awsJSON runs the AWS CLI and decodes its answer.
func (s *server) awsJSON(to any, args ...string) {
	s.t.Helper()
	out := s.aws(append(args, "--output", "json")...)
	if err := json.Unmarshal([]byte(out), to); err != nil {
		s.t.Fatalf("aws %s: %v in %s", strings.Join(args, " "), err, out)
	}
}

// outdated reports whether an AWS CLI refused a command by itself because its
// model is older than what was asked of it.
func (r result) outdated() bool {
	return r.code != 0 && (strings.Contains(r.problems, "Unknown parameter in ") || strings.Contains(r.problems, "nvalid choice"))
}

// penstock runs a client command that must succeed.
func (s *server) penstock(args ...string) string {
	s.t.Helper()
	r := s.exec(binary, args...)
	if r.code != 0 {
		s.t.Fatalf("penstock %s: exit %d\n%s%s", strings.Join(args, " "), r.code, r.out, r.problems)
	}
	return r.out
}

// process is a client command that runs beside the test.
type process struct {
	cmd           *exec.Cmd
	out, problems syncBuffer
	done          chan struct{}
}

// background starts a client command; the test ends it when it has not ended.
func (s *server) background(env []string, args ...string) *process {
	s.t.Helper()
	p := &process{cmd: exec.Command(binary, args...), done: make(chan struct{})}
	p.cmd.Env = append(s.clientEnv(), env...)
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.problems
	if err := p.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() {
		defer close(p.done)
		p.cmd.Wait()
	}()
	s.t.Cleanup(func() {
		p.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-p.done:
		case <-time.After(30 * time.Second):
			p.cmd.Process.Kill()
			<-p.done
			s.t.Errorf("penstock %s did not stop on SIGTERM", strings.Join(args, " "))
		}
		if s.t.Failed() {
			s.t.Logf("penstock %s printed:\n%s\n%s", strings.Join(args, " "), p.out.String(), p.problems.String())
		}
	})
	return p
}

// code waits for the end and returns the exit code.
func (p *process) code(t testing.TB) int {
	t.Helper()
	select {
	case <-p.done:
	case <-time.After(time.Minute):
		t.Fatalf("%v has not ended:\n%s\n%s", p.cmd.Args, p.out.String(), p.problems.String())
	}
	return p.cmd.ProcessState.ExitCode()
}

// file writes v, as JSON when it is no text, and returns its path.
func file(t testing.TB, v any) string {
	t.Helper()
	text, isText := v.(string)
	if !isText {
		raw, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		text = string(raw)
	}
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// create makes a pipeline with the AWS CLI, or with a plain call where the
// CLI's model is older than the declaration.
func (s *server) create(declaration object) {
	s.t.Helper()
	r := s.exec(awsCLI(s.t), "codepipeline", "create-pipeline", "--pipeline", "file://"+file(s.t, declaration))
	if r.outdated() {
		s.t.Logf("this AWS CLI is too old for the declaration: %s", r.problems)
		s.call("CreatePipeline", object{"pipeline": declaration}, nil)
		return
	}
	if r.code != 0 {
		s.t.Fatalf("aws codepipeline create-pipeline: exit %d\n%s%s", r.code, r.out, r.problems)
	}
}

// call makes a plain signed call that must succeed.
func (s *server) call(operation string, in, out any) {
	s.t.Helper()
	if err := s.caller().Call(s.t.Context(), operation, in, out); err != nil {
		s.t.Fatalf("%s: %v", operation, err)
	}
}

// refused makes a plain signed call that must be refused with the code.
func (s *server) refused(code, operation string, in any) {
	s.t.Helper()
	err := s.caller().Call(s.t.Context(), operation, in, nil)
	if e, ok := errors.AsType[*jobworker.Error](err); !ok || e.Code != code {
		s.t.Errorf("%s: %v, want %s", operation, err, code)
	}
}

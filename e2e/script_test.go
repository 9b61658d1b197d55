package e2e

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"penstock/e2e/node"
)

// script is a worker in another language. It tells each of its steps by a line
// and waits for a line of ours where it was asked to stop.
type script struct {
	t        testing.TB
	name     string
	in       io.WriteCloser
	lines    chan string // closed at the end
	ended    chan error
	problems syncBuffer
	said     []string
}

// script starts a program of e2e/node or e2e/python as a client of the server.
// stops names steps at which it waits.
func (s *server) script(t testing.TB, env []string, stops, name string, args ...string) *script {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	t.Cleanup(cancel)
	var cmd *exec.Cmd
	if strings.HasSuffix(name, ".mjs") {
		cmd = exec.CommandContext(ctx, "node", append([]string{filepath.Join(nodeDir(t), name)}, args...)...)
	} else {
		cmd = exec.CommandContext(ctx, pythonWithBoto(t), append([]string{filepath.Join("python", name)}, args...)...)
	}
	cmd.Env = append(append(s.clientEnv(), "AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE=1", "PYTHONDONTWRITEBYTECODE=1", "STOP_AT="+stops), env...)
	w := &script{t: t, name: name, lines: make(chan string), ended: make(chan error, 1)}
	cmd.Stderr = &w.problems
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.in = in
	go func() {
		for scan := bufio.NewScanner(out); scan.Scan(); {
			select {
			case w.lines <- scan.Text():
			case <-ctx.Done():
			}
		}
		close(w.lines)
		w.ended <- cmd.Wait()
	}()
	return w
}

// steps waits for steps, one after the other; each is the beginning of a line.
// It returns what the last line says behind the step's name.
func (w *script) steps(names ...string) (rest string) {
	w.t.Helper()
	for _, name := range names {
		line, more := <-w.lines
		if !more {
			w.t.Fatalf("%s ended before %q, after %q: %v\n%s", w.name, name, w.said, <-w.ended, w.problems.String())
		}
		w.said = append(w.said, line)
		if line != name && !strings.HasPrefix(line, name+" ") {
			w.t.Fatalf("%s says %q, want %q\n%s", w.name, w.said, name, w.problems.String())
		}
		rest = strings.TrimPrefix(strings.TrimPrefix(line, name), " ")
	}
	return rest
}

// tell lets the script go on with a line.
func (w *script) tell(line string) {
	w.t.Helper()
	if _, err := io.WriteString(w.in, line+"\n"); err != nil {
		w.t.Fatal(err)
	}
}

// end waits for the end, which must be a good one, and returns the lines that
// were left.
func (w *script) end() (left []string) {
	w.t.Helper()
	for line := range w.lines {
		left = append(left, line)
	}
	if err := <-w.ended; err != nil {
		w.t.Fatalf("%s ended with %v after %q and %q\n%s", w.name, err, w.said, left, w.problems.String())
	}
	return left
}

// needed fails the test in CI and skips it elsewhere.
func needed(t testing.TB, err error) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(err)
	}
	t.Skip(err)
}

// prepareNode makes the folder of the JavaScript programs, once.
var prepareNode = sync.OnceValues(func() (string, error) {
	dir := filepath.Join(filepath.Dir(binary), "node")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", err
	}
	files, err := filepath.Glob("node/*.mjs")
	if err != nil {
		return "", err
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(name)), text, 0o600); err != nil {
			return "", err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute) // npm itself is more patient
	defer cancel()
	return dir, node.Prepare(ctx, dir)
})

func nodeDir(t testing.TB) string {
	t.Helper()
	dir, err := prepareNode()
	if errors.Is(err, node.ErrMissing) {
		needed(t, err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// findPython looks for a Python that has boto3.
var findPython = sync.OnceValues(func() (string, error) {
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(python, "-c", "import boto3").Run() == nil {
			return python, nil
		}
	}
	return "", errors.New("Python has no boto3 (Debian: apt-get install python3-boto3)")
})

func pythonWithBoto(t testing.TB) string {
	t.Helper()
	python, err := findPython()
	if err != nil {
		needed(t, err)
	}
	return python
}

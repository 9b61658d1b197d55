//go:build unix

package procgroup

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// started returns a command whose output is a pipe, and the pipe: it ends when
// the last process that holds it has died.
func started(t *testing.T, script string) (*exec.Cmd, *os.File, *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	if err := r.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/bin/sh", "-c", script)
	cmd.Stdout = w
	return cmd, r, w
}

func TestRunReturnsExitStatus(t *testing.T) {
	t.Parallel()
	g, err := New()
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	if err := g.Run(t.Context(), exec.Command("/bin/sh", "-c", "exit 0"), time.Second); err != nil {
		t.Errorf("first: %v", err)
	}
	err = g.Run(t.Context(), exec.Command("/bin/sh", "-c", "exit 7"), time.Second)
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok || exit.ExitCode() != 7 {
		t.Errorf("second: %v, want exit status 7", err)
	}
}

func TestCancelKillsTheWholeGroup(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{
		"plain":             "echo up; sleep 1000",
		"grandchild":        "sh -c 'sleep 1000' & sh -c 'sleep 1000' & echo up; wait",
		"ignores terminate": "trap '' TERM; (trap '' TERM; sleep 1000) & echo up; sleep 1000; sleep 1000",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, err := New()
			if err != nil {
				t.Fatal(err)
			}
			defer g.Close()
			cmd, r, w := started(t, script)
			ctx, cancel := context.WithCancelCause(t.Context())
			cause := errors.New("stopped")
			lines := bufio.NewReader(r)
			go func() {
				if line, err := lines.ReadString('\n'); err == nil && line == "up\n" {
					cancel(cause)
				}
			}()
			if err := g.Run(ctx, cmd, 50*time.Millisecond); !errors.Is(err, cause) {
				t.Errorf("Run: %v, want the cause", err)
			}
			w.Close()
			if _, err := io.ReadAll(lines); err != nil {
				t.Errorf("a process outlived the group: %v", err)
			}
		})
	}
}

func TestBackgroundProcessLivesUntilClose(t *testing.T) {
	t.Parallel()
	g, err := New()
	if err != nil {
		t.Fatal(err)
	}
	cmd, r, w := started(t, "sleep 1000 & echo started")
	if err := g.Run(t.Context(), cmd, time.Second); err != nil {
		t.Fatal(err)
	}
	w.Close()
	lines := bufio.NewReader(r)
	if line, _ := lines.ReadString('\n'); line != "started\n" {
		t.Fatalf("got %q", line)
	}
	g.Close()
	if rest, err := io.ReadAll(lines); err != nil || len(rest) > 0 {
		t.Errorf("after Close: %q, %v", rest, err)
	}
}

// TestGroupDiesWithItsOwner kills a process that owns a group, as a crash of the
// server would, and expects the group's processes to die.
func TestGroupDiesWithItsOwner(t *testing.T) {
	if os.Getenv("PROCGROUP_OWNER") == "1" {
		g, err := New()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("/bin/sh", "-c", "(sleep 1000) & echo up; sleep 1000")
		cmd.Stdout = os.NewFile(3, "pipe")
		t.Fatal(g.Run(context.Background(), cmd, time.Second))
	}
	t.Parallel()
	_, r, w := started(t, "")
	owner := exec.Command(os.Args[0], "-test.run=^TestGroupDiesWithItsOwner$")
	owner.Env = append(os.Environ(), "PROCGROUP_OWNER=1")
	owner.ExtraFiles = []*os.File{w}
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	lines := bufio.NewReader(r)
	line, err := lines.ReadString('\n')
	if killErr := owner.Process.Kill(); killErr != nil {
		t.Fatal(killErr)
	}
	_ = owner.Wait()
	if strings.TrimSpace(line) != "up" || err != nil {
		t.Fatalf("owner said %q, %v", line, err)
	}
	if _, err := io.ReadAll(lines); err != nil {
		t.Errorf("the group outlived its owner: %v", err)
	}
}

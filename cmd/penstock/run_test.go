package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"penstock/internal/runlocal"
)

func TestRunUsage(t *testing.T) {
	t.Parallel()
	bad := write(t, "bad.json", `{"name": "web", "stages": []}`)
	data, err := os.ReadFile(release)
	if err != nil {
		t.Fatal(err)
	}
	two := write(t, "two.yaml", string(data)+strings.Replace(string(data[strings.Index(string(data), "  Release:"):]), "  Release:", "  Second:", 1))
	for _, c := range []struct {
		name   string
		args   []string
		stdout string // parts of the output
		stderr string
	}{
		{"no file", nil, "", "penstock run needs one FILE"},
		{"no pair", []string{"--source", "Fetch", site}, "", "--source must be NAME=VALUE"},
		{"no such file", []string{"nowhere.json"}, "", "nowhere.json: open nowhere.json"},
		{"problems", []string{bad}, "roleArn: constraint", "the declaration has 3 problems"},
		{"two pipelines", []string{two}, "", "choose one with --pipeline"},
		{"one reason", []string{"--approve", site}, "", "penstock: the action Lint is of the type Test/Lint of owner Custom, and has no worker; give one by --worker"},
		{"several reasons", []string{site}, "", "for 2 reasons:\n  the action Lint"},
		{"another of two", []string{"--pipeline", "Second", "--var", "None=1", two}, "", "--var None names no variable"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := consoleAt(t, "").run(append([]string{"run"}, c.args...)...)
			if code != exitUsage || !strings.Contains(stdout, c.stdout) || !strings.Contains(stderr, c.stderr) {
				t.Errorf("exit %d\n%s%s", code, stdout, stderr)
			}
		})
	}
}

// runSite runs the example with a folder of its own.
func runSite(t *testing.T, more ...string) (code int, stdout, stderr string) {
	t.Helper()
	src := t.TempDir()
	if err := os.WriteFile(filepath.Join(src, "title.txt"), []byte("Hello\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return consoleAt(t, "").run(append([]string{"run", site, "--source", "Fetch=" + src}, more...)...)
}

func TestRun(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	code, stdout, stderr := runSite(t, "--approve", "--worker", "Test/Lint=true", "--out", out)
	if code != exitOK || !strings.Contains(stdout, "site Succeeded after ") || !strings.Contains(stdout, "1 file in "+out) || !strings.Contains(stderr, "Deploy/Site succeeded after ") {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
	if page, err := os.ReadFile(filepath.Join(out, "www-example/public/index.html")); err != nil || string(page) != "<h1>Hello</h1>\n" {
		t.Errorf("deployed %q, %v", page, err)
	}
}

func TestRunFails(t *testing.T) {
	t.Parallel()
	code, stdout, stderr := runSite(t, "--approve", "--worker", "Test/Lint=echo oops; exit 3")
	log, table := strings.Index(stdout, "==> Log of Build/Lint\noops\n"), strings.Index(stdout, "STAGE")
	if code != exitFailure || log < 0 || table < log || !strings.Contains(stderr, "penstock: the run of site has ended: Failed\n") {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
}

func TestRunJSON(t *testing.T) {
	t.Parallel()
	code, stdout, _ := runSite(t, "--output", "json", "--skip", "Release", "--skip", "Site", "--worker", "Test/Lint=echo oops; exit 3")
	var got ran
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || code != exitFailure {
		t.Fatalf("exit %d, %v: %s", code, err, stdout)
	}
	if got.Pipeline != "site" || got.Status != "Failed" || got.ExecutionID == "" || len(got.Actions) != 3 || got.Actions[2].Log != "oops\n" || got.Actions[2].Stage != "Build" {
		t.Errorf("got %+v", got)
	}
}

func TestAsk(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		name     string
		ctx      context.Context
		in       io.Reader
		approved bool
		summary  string
		err      error
	}{
		{"yes", t.Context(), strings.NewReader("y\n"), true, "Approved on the terminal", nil},
		{"no", t.Context(), strings.NewReader("No\n"), false, "Rejected on the terminal", nil},
		{"asked again", t.Context(), strings.NewReader("what\n\nyes\n"), true, "Approved on the terminal", nil},
		{"nobody", t.Context(), strings.NewReader("perhaps\n"), false, "Nobody answered", nil},
		{"interrupted", ended, hung{t.Context()}, false, "", context.Canceled},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var told strings.Builder
			cmd := &cobra.Command{}
			cmd.SetIn(c.in)
			cmd.SetErr(&told)
			d, err := asker(cmd)(c.ctx, runlocal.Approval{Stage: "S", Action: "A", CustomData: "look\x1b well", Link: "https://example.com"})
			if d.Approved != c.approved || d.Summary != c.summary || !errors.Is(err, c.err) {
				t.Errorf("decided %+v, %v", d, err)
			}
			if text := told.String(); !strings.HasPrefix(text, "  look well\n  https://example.com\nApprove S/A? [y/n] ") {
				t.Errorf("asked %q", text)
			}
		})
	}
}

// hung is a terminal at which nobody types.
type hung struct{ ctx context.Context }

func (h hung) Read([]byte) (int, error) {
	<-h.ctx.Done()
	return 0, io.EOF
}

func TestProgressLine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		p    runlocal.Progress
		want string
	}{
		{"note", runlocal.Progress{Event: "note", Message: "all\nset"}, "penstock: all set"},
		{"started", runlocal.Progress{Stage: "S", Action: "A", Event: "started"}, "S/A started"},
		{"rule", runlocal.Progress{Stage: "S", Action: "R", Rule: true, Event: "started"}, "S/rule R started"},
		{"ended", runlocal.Progress{Stage: "S", Action: "A", Event: "Failed", Took: 1250 * time.Millisecond, Message: "no"}, "S/A failed after 1.2s: no"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := progressLine(c.p); got != c.want {
				t.Errorf("got %q", got)
			}
		})
	}
}

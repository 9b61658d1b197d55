//go:build unix

package doctest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"penstock/internal/awscli"
	"penstock/internal/store/postgres/pgtest"
)

// pageURL is where the pages say that the server listens.
const pageURL = "http://127.0.0.1:7480"

// limit is how long the blocks of one flow may take.
const limit = 5 * time.Minute

// need skips the test when a program that the page asks for is missing.
func need(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			lacking(t, p+" is not installed (Debian: apt-get install awscli python3)")
		}
	}
}

// lacking skips the test, and fails it where CI has to have what is missing.
func lacking(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s, and without it the pages cannot be tested", what)
	}
	t.Skip(what)
}

// recent skips the test when the AWS CLI is too old for declarations of today:
// Debian 12 has 2.9.
func recent(t *testing.T) {
	t.Helper()
	if !awscli.Recent() {
		t.Skip("the page needs AWS CLI 1.36 or 2.19: the installed one refuses declarations of today, and does not show all of the answers")
	}
}

var binDir string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "penstock-doctest-")
	if err != nil {
		panic(err)
	}
	binDir = dir
	if _, err := awscli.Install(dir); err != nil && !errors.Is(err, exec.ErrNotFound) {
		panic(err)
	}
	code := m.Run()
	pgtest.Stop()
	os.RemoveAll(dir)
	os.Exit(code)
}

// build makes the binary that people get by `make build`.
var build = sync.OnceValue(func() error {
	out, err := exec.Command("go", "build", "-o", filepath.Join(binDir, "penstock"), "penstock/cmd/penstock").CombinedOutput()
	os.Stderr.Write(out)
	return err
})

// scene is a folder with a server that runs in it.
type scene struct {
	dir string
	url string
	env []string
}

// folder makes the folder of a scene; its environment has the binary on the
// PATH and nothing of the tester's own configuration.
func folder(t *testing.T) *scene {
	t.Helper()
	if err := build(); err != nil {
		t.Fatalf("build: %v", err)
	}
	s := &scene{dir: t.TempDir()}
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "AWS_") && !strings.HasPrefix(kv, "PENSTOCK_") && !strings.HasPrefix(kv, "PATH=") {
			s.env = append(s.env, kv)
		}
	}
	s.env = append(s.env, "PATH="+binDir+string(os.PathListSeparator)+os.Getenv("PATH"),
		"AWS_CONFIG_FILE="+filepath.Join(s.dir, "no-config"), "AWS_EC2_METADATA_DISABLED=true", "NO_COLOR=1")
	return s
}

// open starts the server as the page says, but on a free port.
func open(t *testing.T, all []block) *scene {
	t.Helper()
	s := folder(t)
	s.url = s.serve(t, of(t, all, "run: server")[0].text, 1, "PENSTOCK_LISTEN=127.0.0.1:0")[0]
	return s
}

// serve starts a server by a script and returns the addresses in its first
// lines. It ends with the test.
func (s *scene) serve(t *testing.T, script string, lines int, env ...string) []string {
	t.Helper()
	server := s.command(t.Context(), "bash", "-euc", script)
	server.Env = append(server.Env, env...)
	return s.begin(t, server, lines)
}

// begin is serve for a command.
func (s *scene) begin(t *testing.T, server *exec.Cmd, lines int) []string {
	t.Helper()
	var log bytes.Buffer
	server.Stderr = &log
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Cancel()
		_ = server.Wait()
		if t.Failed() {
			t.Logf("log of the server:\n%s", &log)
		}
	})
	var urls []string
	for in := bufio.NewReader(out); len(urls) < lines; {
		line, err := in.ReadString('\n')
		at := strings.Index(line, "http://")
		if at < 0 {
			t.Fatalf("the server's line %d is %q, %v", len(urls)+1, line, err)
		}
		urls = append(urls, strings.TrimSpace(line[at:]))
	}
	return urls
}

// command prepares a command in the folder; when ctx ends, all that it has
// started is killed.
func (s *scene) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = s.dir, append([]string(nil), s.env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// between stands in the output before what each block printed.
const between = "\x1e"

// run pastes blocks into one bash and compares what each prints.
func (s *scene) run(t *testing.T, list []block) {
	t.Helper()
	var script strings.Builder
	for _, b := range list {
		script.WriteString("printf '" + between + "'\n" + strings.ReplaceAll(b.text, pageURL, s.url))
	}
	s.paste(t, list, "bash", "-eu", "-c", script.String())
}

// paste runs a command whose output has between before what each block prints.
func (s *scene) paste(t *testing.T, list []block, name string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	text, err := s.command(ctx, name, args...).CombinedOutput()
	printed := strings.Split(string(text), between)[1:]
	for i, got := range printed {
		if i == len(printed)-1 && err != nil {
			t.Fatalf("docs, block at line %d: %v\n%s", list[i].line, err, got)
		}
		if miss := missing(list[i].want, got); miss != "" {
			t.Errorf("docs, block at line %d does not print %q where the page has it, but\n%s", list[i].line, miss, got)
		}
	}
	if len(printed) != len(list) {
		t.Fatalf("%d of %d blocks ran: %v", len(printed), len(list), err)
	}
}

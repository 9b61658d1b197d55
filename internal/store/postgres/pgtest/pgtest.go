// Package pgtest gives tests a PostgreSQL server: Debian's, or that of the folder
// PENSTOCK_TEST_POSTGRES_BIN, started once a test binary in a folder of its own;
// or the running one that PENSTOCK_TEST_POSTGRES names.
package pgtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// environment names the URL of a server to use instead of an own one. Its user
// must be allowed to make schemas.
const environment = "PENSTOCK_TEST_POSTGRES"

// programs names the folder of initdb and postgres, to test with another version
// than the newest that Debian has here.
const programs = "PENSTOCK_TEST_POSTGRES_BIN"

// Server is a running server.
type Server struct {
	dir  string
	port int
	as   *syscall.Credential // nil = this user
	bin  string
	more []string // settings

	mu   sync.Mutex
	proc *exec.Cmd
}

var common struct {
	sync.Mutex
	server *Server
	url    string
}

var schemas atomic.Int64

// Main runs the tests and stops the server that they share. TestMain calls it.
func Main(m *testing.M) {
	code := m.Run()
	Stop()
	os.Exit(code)
}

// Stop stops the server that tests share, if one was started.
func Stop() {
	common.Lock()
	defer common.Unlock()
	if common.server != nil {
		common.server.Stop()
	}
	common.server, common.url = nil, ""
}

// URL is a database that is empty and the test's own: a schema of the shared
// server.
func URL(t testing.TB) string {
	t.Helper()
	base, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("t%d_%d", os.Getpid(), schemas.Add(1))
	run(t, base, `CREATE SCHEMA `+name)
	t.Cleanup(func() { run(t, base, `DROP SCHEMA `+name+` CASCADE`) })
	return with(base, "search_path", name)
}

func run(t testing.TB, url, sql string) {
	t.Helper()
	ctx, done := context.WithTimeout(context.Background(), time.Minute)
	defer done()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, sql); err != nil {
		t.Error(err)
	}
}

func with(base, name, value string) string {
	u, err := url.Parse(base)
	if err != nil {
		return base
	}
	q := u.Query()
	q.Set(name, value)
	u.RawQuery = q.Encode()
	return u.String()
}

func shared() (string, error) {
	common.Lock()
	defer common.Unlock()
	if common.url != "" {
		return common.url, nil
	}
	if given := os.Getenv(environment); given != "" {
		common.url = given
		return given, nil
	}
	s, err := Start()
	if err != nil {
		return "", err
	}
	common.server, common.url = s, s.URL()
	return common.url, nil
}

// Start makes a server of its own, for tests that harm it. Stop ends it.
func Start() (*Server, error) { return StartIn(roomy()) }

// StartIn is Start with the folder to make the server's own in, "" for that of
// temporary files, and settings as name=value beside those for tests.
func StartIn(folder string, settings ...string) (*Server, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(folder, "penstock-pg")
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir, bin: bin, port: 5432}
	for _, v := range settings {
		s.more = append(s.more, "-c", v)
	}
	if os.Geteuid() == 0 { // the server refuses to run as root
		if s.as, err = servant(); err != nil {
			return nil, err
		}
		if err := os.Chown(dir, int(s.as.Uid), int(s.as.Gid)); err != nil {
			return nil, err
		}
	}
	initdb := s.command("initdb", "-D", s.data(), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions")
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, out)
	}
	if err := s.Run(); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

// OnDisk has servers that are started from now on keep their data on the disk,
// as benchmarks want it.
func OnDisk() { onDisk.Store(true) }

var onDisk atomic.Bool

// roomy is a folder in memory, if there is one with room: the server syncs its
// files there as everywhere, and what it is spared tests nothing.
func roomy() string {
	const memory = "/dev/shm"
	var fs syscall.Statfs_t
	if onDisk.Load() || syscall.Statfs(memory, &fs) != nil || fs.Bavail*uint64(fs.Bsize) < 2<<30 {
		return ""
	}
	return memory
}

// binaries is the folder of the server's programs: Debian keeps each version
// in its own.
func binaries() (string, error) {
	if given := os.Getenv(programs); given != "" {
		return given, nil
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	best, newest := "", 0
	for _, path := range found {
		dir := filepath.Dir(path)
		if v, err := strconv.Atoi(filepath.Base(filepath.Dir(dir))); err == nil && v > newest {
			best, newest = dir, v
		}
	}
	if best != "" {
		return best, nil
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	return "", errors.New("PostgreSQL is not installed: run `make tools` (apt-get install postgresql), or set " + environment + " to the URL of a server")
}

func servant() (*syscall.Credential, error) {
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			return nil, err
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, err
	}
	return nil, errors.New("there is no user but root to run PostgreSQL as")
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

func (s *Server) command(name string, args ...string) *exec.Cmd {
	c := exec.Command(filepath.Join(s.bin, name), args...)
	c.Dir = s.dir
	c.SysProcAttr = &syscall.SysProcAttr{Credential: s.as, Setpgid: true}
	return c
}

// Run starts the server, also after Kill, and waits until it takes
// connections.
func (s *Server) Run() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	deadline := time.Now().Add(time.Minute)
	ended, err := s.launch()
	for err == nil {
		ctx, done := context.WithTimeout(context.Background(), 5*time.Second)
		conn, failed := pgx.Connect(ctx, s.URL())
		if failed == nil {
			failed = conn.Close(ctx)
		}
		done()
		if failed == nil {
			return nil
		}
		if time.Now().After(deadline) {
			text, _ := os.ReadFile(filepath.Join(s.dir, "log"))
			return fmt.Errorf("the server does not come up: %w\n%s", failed, text)
		}
		select {
		case <-ended: // processes of the one that was killed are still there
			ended, err = s.launch()
		case <-time.After(20 * time.Millisecond):
		}
	}
	return err
}

// launch starts the process; ended is closed when it ends.
func (s *Server) launch() (ended <-chan struct{}, err error) {
	c := s.command("postgres", append([]string{"-D", s.data(), "-k", s.dir, "-p", strconv.Itoa(s.port), "-c", "listen_addresses=",
		"-c", "max_connections=300", "-c", "shared_buffers=64MB", "-c", "log_min_messages=fatal"}, s.more...)...)
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	c.Stdout, c.Stderr = log, log
	c.SysProcAttr.Pdeathsig = syscall.SIGQUIT
	started, over := make(chan error, 1), make(chan struct{})
	go func() { // the signal comes when the thread ends that started the server
		runtime.LockOSThread()
		err := c.Start()
		started <- err
		if err == nil {
			_ = c.Wait() // killed or stopped
		}
		close(over)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	s.proc = c
	return over, nil
}

// URL is the server's database postgres.
func (s *Server) URL() string {
	return fmt.Sprintf("postgres://postgres@/postgres?host=%s&port=%d", url.QueryEscape(s.dir), s.port)
}

// Socket is the file that the server listens on.
func (s *Server) Socket() string { return filepath.Join(s.dir, fmt.Sprint(".s.PGSQL.", s.port)) }

// Kill ends all of the server's processes at once, as a crash of the host would.
func (s *Server) Kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	children := s.children()
	s.killMain()
	for _, pid := range children {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// KillMain ends the server's main process; the others end when they see it. Run
// starts it again.
func (s *Server) KillMain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.killMain()
}

func (s *Server) killMain() {
	if s.proc != nil {
		_ = syscall.Kill(s.proc.Process.Pid, syscall.SIGKILL)
		s.proc = nil
	}
}

// KillBackend ends a process that serves a connection, any one. The server then
// ends all of them and restarts itself; KillBackend returns when it has begun.
func (s *Server) KillBackend() error {
	ctx, done := context.WithTimeout(context.Background(), time.Minute)
	defer done()
	witness, err := pgx.Connect(ctx, s.URL())
	if err != nil {
		return err
	}
	defer witness.Close(ctx)
	if err := s.killBackend(); err != nil {
		return err
	}
	if _, err := witness.WaitForNotification(ctx); ctx.Err() != nil {
		return fmt.Errorf("the server goes on: %w", err)
	}
	return nil
}

func (s *Server) killBackend() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	children := s.children()
	rand.Shuffle(len(children), func(i, k int) { children[i], children[k] = children[k], children[i] })
	for _, pid := range children {
		title, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if strings.Contains(string(title), "[local]") {
			return syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	return errors.New("the server has no connection")
}

// Processes are the ids of the server's processes, the main one first; none
// when it is down.
func (s *Server) Processes() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc == nil {
		return nil
	}
	return append([]int{s.proc.Process.Pid}, s.children()...)
}

// children are the ids of the processes that the main one has started.
func (s *Server) children() (pids []int) {
	if s.proc == nil {
		return nil
	}
	pid := s.proc.Process.Pid
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	for _, child := range strings.Fields(string(text)) {
		if n, err := strconv.Atoi(child); err == nil {
			pids = append(pids, n)
		}
	}
	return pids
}

// Stop ends the server and removes its folder.
func (s *Server) Stop() {
	s.mu.Lock()
	proc := s.proc
	s.proc = nil
	s.mu.Unlock()
	if proc != nil {
		_ = proc.Process.Signal(syscall.SIGQUIT)
		for range 500 {
			if _, err := os.Stat(filepath.Join(s.data(), "postmaster.pid")); err != nil {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	_ = os.RemoveAll(s.dir)
}

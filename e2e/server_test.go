package e2e

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"penstock/internal/store/postgres/pgtest"
	"penstock/jobworker"
)

const (
	account   = "000000000000"
	region    = "us-east-1"
	keyID     = "AKIAE2EE2EE2EE2EE2E2"
	secretKey = "e2e-secret-access-key-that-no-log-may-hold"
)

// server is a penstock server in a process of its own.
type server struct {
	t     testing.TB
	data  string
	url   string
	args  []string
	dir   string     // working folder; "" is the test's
	fresh bool       // no root access key is given
	own   string     // the program; "" is the one that all tests drive
	under []string   // a command that runs the program as its last act
	env   []string   // more of the environment
	log   syncBuffer // standard error of all its processes

	mu      sync.Mutex
	secrets []string // must not be in the log
	cmd     *exec.Cmd
	exited  chan error
}

// startServer starts a server with fresh data that the test stops at its end.
func startServer(t testing.TB, args ...string) *server {
	t.Helper()
	var env []string
	if os.Getenv(onPostgres) != "" {
		env = append(env, "PENSTOCK_DATABASE="+pgtest.URL(t))
	}
	return newNode(t, args, env...)
}

// freeAddress returns an address for a server that is to come back to it. Its
// port is not one that the system gives to outgoing connections: a client that
// knocks while the server is down could otherwise take it.
func freeAddress(t testing.TB) string {
	t.Helper()
	for range 100 {
		address := fmt.Sprintf("127.0.0.1:%d", 10_000+rand.IntN(20_000))
		if l, err := net.Listen("tcp", address); err == nil {
			l.Close()
			return address
		}
	}
	t.Fatal("no free port was found")
	return ""
}

// start starts the process and waits until it is ready.
func (s *server) start() error {
	program := append(append(slices.Clone(s.under), cmp.Or(s.own, binary)), s.args...)
	cmd := exec.Command(program[0], program[1:]...)
	cmd.Dir, cmd.Env = s.dir, append(cleanEnv(), s.env...)
	if !s.fresh {
		cmd.Env = append(cmd.Env, "PENSTOCK_ROOT_ACCESS_KEY_ID="+keyID, "PENSTOCK_ROOT_SECRET_ACCESS_KEY="+secretKey)
	}
	cmd.Stderr = &s.log
	// The reader below sees the end of the output only when every holder of
	// the pipe is gone; the process itself may be waited for before that.
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	first := make(chan string, 1)
	exited := make(chan error, 1)
	go func() {
		r := bufio.NewReader(out)
		line, _ := r.ReadString('\n')
		first <- line
		io.Copy(io.Discard, r)
		exited <- cmd.Wait()
		close(exited)
	}()
	s.mu.Lock()
	s.cmd, s.exited = cmd, exited
	s.mu.Unlock()
	line := <-first
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "penstock listening on ")
	if !ok {
		cmd.Process.Kill()
		return fmt.Errorf("the first line on standard output is %q", line)
	}
	if s.url != url { // clients may be reading it
		s.url = url
	}
	return s.ready(30 * time.Second)
}

// ready waits until /readyz answers 200.
func (s *server) ready(limit time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/readyz", nil)
		if err != nil {
			return err
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not ready after %v", limit)
		case <-tick.C:
		}
	}
}

// kill ends the process at once, as kill -9 does.
func (s *server) kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		return
	}
	s.cmd.Process.Kill()
	<-s.exited
	s.cmd = nil
}

// stop ends the process as an operator does, and returns how it ended.
func (s *server) stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		return errors.New("the server does not run")
	}
	defer func() { s.cmd = nil }()
	s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-s.exited:
		return err
	case <-time.After(45 * time.Second):
		s.cmd.Process.Kill()
		<-s.exited
		return errors.New("the server did not stop on SIGTERM")
	}
}

// secret names a text that must not be in the log.
func (s *server) secret(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secrets = append(s.secrets, text)
}

// close stops the server and looks through its log.
func (s *server) close() {
	s.t.Helper()
	s.mu.Lock()
	running := s.cmd != nil
	s.mu.Unlock()
	if running {
		if err := s.stop(); err != nil {
			s.t.Errorf("the server ended with: %v", err)
		}
	}
	log := s.log.String()
	for _, text := range s.secrets {
		if strings.Contains(log, text) {
			s.t.Errorf("the log holds the secret %q", text)
		}
	}
	for _, sign := range []string{"DATA RACE", "panic", "goroutine "} {
		if strings.Contains(log, sign) {
			s.t.Errorf("the log speaks of a %q", sign)
		}
	}
	if s.t.Failed() {
		s.t.Logf("log of the server:\n%s", log)
	}
}

// codepipeline returns an SDK client.
func (s *server) codepipeline() *codepipeline.Client {
	return codepipeline.New(codepipeline.Options{
		Region: region, BaseEndpoint: aws.String(s.url), Credentials: credentials.NewStaticCredentialsProvider(keyID, secretKey, ""),
	})
}

// s3 returns an SDK client for S3.
func (s *server) s3() *awss3.Client {
	return awss3.New(awss3.Options{
		Region: region, BaseEndpoint: aws.String(s.url), UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(keyID, secretKey, ""),
	})
}

// caller makes plain signed calls, without retries and without a model.
func (s *server) caller() jobworker.Caller {
	c, err := jobworker.NewCaller(jobworker.Config{
		Endpoint: s.url, Region: region,
		Credentials: jobworker.Static(jobworker.Credentials{AccessKeyID: keyID, SecretAccessKey: secretKey}),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// syncBuffer is a buffer that may be read while it is written to.
type syncBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

// Write implements io.Writer.
func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

// String returns what was written so far.
func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

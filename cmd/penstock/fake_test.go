package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"penstock/internal/clientcfg"
)

var update = flag.Bool("update", false, "write the golden files")

// noon is the time of all tests.
var noon = time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)

// fake is the server's side of the wire: answers by operation, in turn, the last
// one for good.
type fake struct {
	t *testing.T

	mu      sync.Mutex
	answers map[string][]answer
	calls   []call
}

// answer is a body, or an error as the server sends it, or a broken connection.
type answer struct {
	body string
	code string
	cut  bool
	do   func() // before it is sent
}

type call struct {
	operation string
	body      string
	prefer    string
}

func newFake(t *testing.T) *fake { return &fake{t: t, answers: map[string][]answer{}} }

func (f *fake) on(operation string, answers ...answer) *fake {
	f.answers[operation] = answers
	return f
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		f.t.Error(err)
	}
	target := r.Header.Get("X-Amz-Target")
	operation := target[strings.IndexByte(target, '.')+1:]
	if !strings.Contains(r.Header.Get("Authorization"), "/us-east-1/codepipeline/aws4_request") {
		f.t.Errorf("%s is not signed: %q", operation, r.Header.Get("Authorization"))
	}
	f.mu.Lock()
	f.calls = append(f.calls, call{operation, string(body), r.Header.Get("Prefer")})
	queue := f.answers[operation]
	if len(queue) > 1 {
		f.answers[operation] = queue[1:]
	}
	f.mu.Unlock()
	if len(queue) == 0 {
		queue = []answer{{code: "UnknownOperationException"}}
	}
	a := queue[0]
	if a.do != nil {
		a.do()
	}
	w.Header().Set("X-Amzn-Requestid", "request-1")
	switch {
	case a.cut:
		panic(http.ErrAbortHandler)
	case a.code == "InternalFailure":
		w.WriteHeader(http.StatusInternalServerError)
	case a.code == "ServiceUnavailableException":
		w.WriteHeader(http.StatusServiceUnavailable)
	case a.code != "":
		w.WriteHeader(http.StatusBadRequest)
	}
	if a.code != "" {
		a.body = `{"__type":"` + a.code + `","message":"` + a.body + `"}`
	}
	_, _ = io.WriteString(w, a.body)
}

// sent returns the bodies of the calls of an operation.
func (f *fake) sent(operation string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var bodies []string
	for _, c := range f.calls {
		if c.operation == operation {
			bodies = append(bodies, c.body)
		}
	}
	return bodies
}

// console is a cli on a fake server; the clock moves only by its pauses.
type console struct {
	cli
	mu     sync.Mutex
	clock  time.Time
	pauses int
	ctx    context.Context
	cancel context.CancelFunc
}

func (f *fake) console() *console {
	server := httptest.NewUnstartedServer(f)
	server.Config.ErrorLog = nil
	server.Start()
	f.t.Cleanup(server.Close)
	return consoleAt(f.t, server.URL)
}

func consoleAt(t *testing.T, url string) *console {
	c := &console{clock: noon}
	c.ctx, c.cancel = context.WithCancel(t.Context())
	t.Cleanup(c.cancel)
	c.load = func(_ context.Context, o clientcfg.Options) (*clientcfg.Config, error) {
		if o.Profile == "none" {
			return nil, clientcfg.ErrNoCredentials
		}
		return &clientcfg.Config{
			Endpoint: url, S3Endpoint: url, Region: "us-east-1",
			Credentials: credentials.NewStaticCredentialsProvider("AKID", "secret", ""),
		}, nil
	}
	c.now = func() time.Time {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.clock
	}
	c.pause = func(ctx context.Context, d time.Duration) error {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.clock = c.clock.Add(d)
		if c.pauses++; c.pauses > 1000 {
			return errors.New("the command never ends")
		}
		return ctx.Err()
	}
	c.screen = func(io.Writer) screen { return screen{} }
	return c
}

// lockedBuffer is written by the worker's goroutines.
type lockedBuffer struct {
	lockedWriter
	b bytes.Buffer
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newBuffer() *lockedBuffer {
	l := new(lockedBuffer)
	l.w = &l.b
	return l
}

// run runs a command line as main does.
func (c *console) run(args ...string) (code int, stdout, stderr string) {
	root := c.root()
	root.SetArgs(args)
	out, err := newBuffer(), newBuffer()
	root.SetOut(out)
	root.SetErr(err)
	code = exitCode(root.ExecuteContext(c.ctx), err)
	return code, out.String(), err.String()
}

// golden compares got with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", filepath.FromSlash(name))
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (go test -update writes it)", err)
	}
	if got != string(want) {
		t.Errorf("%s differs (go test -update writes it)\ngot:\n%s\nwant:\n%s", file, got, want)
	}
}

func sameJSON(t *testing.T, got, want string) {
	t.Helper()
	var g, w any
	if err := json.Unmarshal([]byte(got), &g); err != nil {
		t.Fatalf("%v in %s", err, got)
	}
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatal(err)
	}
	gb, _ := json.Marshal(g)
	wb, _ := json.Marshal(w)
	if !bytes.Equal(gb, wb) {
		t.Errorf("got  %s\nwant %s", gb, wb)
	}
}

package event

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"penstock/internal/core/pipeline"
	"penstock/internal/store"
)

const sharedSecret = "0123456789abcdef-shared"

// receiver is the far end of the HTTP sink.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	status int // of the next answers
	got    []delivery
	came   chan struct{}
}

type delivery struct {
	id, timestamp, signature, contentType, body string
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{status: http.StatusOK, came: make(chan struct{}, 10000)}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			t.Error(err)
		}
		h := req.Header
		r.mu.Lock()
		r.got = append(r.got, delivery{h.Get(HeaderID), h.Get(HeaderTimestamp), h.Get(HeaderSignature), h.Get("Content-Type"), string(body)})
		status := r.status
		r.mu.Unlock()
		if status/100 == 3 {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, strings.Repeat("thanks ", 100))
		r.came <- struct{}{}
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) answer(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status = status
}

func (r *receiver) deliveries() []delivery {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

func newHTTP(t *testing.T, url string) *HTTP {
	t.Helper()
	h, err := NewHTTP(url, sharedSecret, func() time.Time { return dawn })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	return h
}

func someEvents(n int) (list []Event) {
	for i := range n {
		list = append(list, Event{ID: fmt.Sprint("id-", i), JSON: fmt.Appendf(nil, `{"n":%d}`, i), entry: int64(i + 1), last: true})
	}
	return list
}

func TestHTTPDelivers(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	h := newHTTP(t, r.URL+"/in?token=1")
	if n, err := h.Deliver(t.Context(), someEvents(3)); n != 3 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	at := strconv.FormatInt(dawn.Unix(), 10)
	for i, d := range r.deliveries() {
		body := fmt.Sprintf(`{"n":%d}`, i)
		want := delivery{fmt.Sprint("id-", i), at, "v1=" + Sign([]byte(sharedSecret), at, []byte(body)), "application/json", body}
		if d != want {
			t.Errorf("got %+v, want %+v", d, want)
		}
	}
	if n := len(r.deliveries()); n != 3 {
		t.Errorf("%d requests for 3 events", n)
	}
}

// TestSign holds the signature against a value that another program computed:
//
//	printf '1785585600.{"n":0}' | openssl dgst -sha256 -hmac 0123456789abcdef-shared
func TestSign(t *testing.T) {
	t.Parallel()
	const want = "6f7fac457c2c8b95249ca67c8d317c9fb30aaee43a8602a2ac88e06af5e751eb"
	if got := Sign([]byte(sharedSecret), "1785585600", []byte(`{"n":0}`)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestHTTPRefusals(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		status int
		want   string // in the error; "" = taken
	}{
		{"ok", 200, ""},
		{"no content", 204, ""},
		{"redirect is not followed", 307, "redirects are not followed"},
		{"moved", 301, "redirects are not followed"},
		{"refused", 400, "400 Bad Request"},
		{"gone", 410, "410 Gone"},
		{"broken", 503, "503 Service Unavailable"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t)
			r.answer(tc.status)
			n, err := newHTTP(t, r.URL).Deliver(t.Context(), someEvents(2))
			if tc.want == "" {
				if n != 2 || err != nil {
					t.Errorf("%d, %v", n, err)
				}
				return
			}
			if n != 0 || err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%d, %v", n, err)
			}
			if got := len(r.deliveries()); got != 1 {
				t.Errorf("%d requests, want only the first", got)
			}
		})
	}
	t.Run("errors do not tell the URL", func(t *testing.T) {
		t.Parallel()
		r := newReceiver(t)
		r.Close()
		host := strings.TrimPrefix(r.URL, "http://")
		_, err := newHTTP(t, "http://user:pass-word@"+host+"/in?token=t0ken").Deliver(t.Context(), someEvents(1))
		if err == nil || strings.Contains(err.Error(), "pass-word") || strings.Contains(err.Error(), "t0ken") {
			t.Errorf("%v", err)
		}
	})
	t.Run("a receiver that never answers", func(t *testing.T) {
		t.Parallel()
		hang := make(chan struct{})
		s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
		t.Cleanup(s.Close)
		t.Cleanup(func() { close(hang) })
		h := newHTTP(t, s.URL)
		if h.client.Timeout != answerTime {
			t.Errorf("the time limit is %v", h.client.Timeout)
		}
		h.client.Timeout = 20 * time.Millisecond
		if _, err := h.Deliver(t.Context(), someEvents(1)); err == nil {
			t.Error("taken")
		}
	})
}

func TestNewHTTPRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, url, secret string }{
		{"no URL", "", sharedSecret}, {"no scheme", "example.com/in", sharedSecret}, {"another scheme", "ftp://example.com", sharedSecret},
		{"no host", "http:///in", sharedSecret}, {"no secret", "http://example.com", ""},
	} {
		if _, err := NewHTTP(tc.url, tc.secret, time.Now); err == nil {
			t.Errorf("%s: accepted", tc.name)
		}
	}
}

// TestHTTPRecovers: a receiver is down, comes back, and the server crashes in
// between: each event comes, in order, at least once.
func TestHTTPRecovers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.pipeline(declared("web", 1, pipeline.Superseded, builds("Build", "Make")))
	r := newReceiver(t)
	r.answer(http.StatusInternalServerError)
	feed := w.feed(newHTTP(t, r.URL))
	w.start(p)
	w.work(fetchType, "")
	for range 3 {
		<-r.came
	}
	if n := w.cursor(); n != 0 {
		t.Errorf("the cursor is at %d, and nothing was taken", n)
	}
	feed.stop()
	w.reopen()
	r.answer(http.StatusAccepted)
	down := len(r.deliveries())
	feed = w.feed(newHTTP(t, r.URL))
	w.work(makeType, "")
	all := w.events()
	for feed.delivered.Load() < int64(len(all)) {
		<-feed.more
	}
	feed.stop()
	for i, d := range r.deliveries() {
		want := all[0] // what was asked for again and again
		if i >= down {
			want = all[i-down]
		}
		if d.id != want.ID || d.body != string(want.JSON) {
			t.Errorf("request %d: %s, want %s", i, d.id, want.ID)
		}
	}
	w.view(func(r store.Reader) error {
		_, newest, err := r.OutboxSpan()
		if n := w.cursor(); n != newest {
			t.Errorf("the cursor is at %d of %d", n, newest)
		}
		return err
	})
}

// TestDocs runs what docs/events.md tells receivers to do.
func TestDocs(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "events.md"))
	if err != nil {
		t.Fatal(err)
	}
	block := func(language string) string {
		_, rest, ok := strings.Cut(string(page), "```"+language+"\n")
		code, _, _ := strings.Cut(rest, "```")
		if !ok {
			t.Fatalf("docs/events.md has no example in %s", language)
		}
		return code
	}
	r := newReceiver(t)
	if _, err := newHTTP(t, r.URL).Deliver(t.Context(), someEvents(1)); err != nil {
		t.Fatal(err)
	}
	d := r.deliveries()[0]
	run := func(t *testing.T, body, program string, args ...string) (string, error) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "body.json"), []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(err)
		}
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "SECRET="+sharedSecret, "TIMESTAMP="+d.timestamp, "SIGNATURE="+d.signature)
		out, err := cmd.CombinedOutput()
		return strings.TrimSpace(string(out)), err
	}
	t.Run("openssl", func(t *testing.T) {
		t.Parallel()
		if _, err := exec.LookPath("openssl"); err != nil {
			t.Skip(err)
		}
		if out, err := run(t, d.body, "sh", "-c", block("sh")); err != nil || out != "genuine" {
			t.Errorf("%s, %v", out, err)
		}
		if out, _ := run(t, d.body+" ", "sh", "-c", block("sh")); out == "genuine" {
			t.Error("a changed body is genuine")
		}
	})
	t.Run("python", func(t *testing.T) {
		t.Parallel()
		check := block("python") + `
import os, sys
body = open("body.json", "rb").read()
now = int(os.environ["TIMESTAMP"]) + int(sys.argv[1])
print(genuine(os.environ["SECRET"].encode(), os.environ["TIMESTAMP"], body, os.environ["SIGNATURE"], now))
`
		for _, tc := range []struct{ name, body, late, want string }{
			{"as sent", d.body, "0", "True"}, {"another body", d.body + " ", "0", "False"}, {"an old one", d.body, "1000", "False"},
		} {
			if out, err := run(t, tc.body, "python3", "-c", check, tc.late); err != nil || out != tc.want {
				t.Errorf("%s: %s, %v", tc.name, out, err)
			}
		}
	})
}

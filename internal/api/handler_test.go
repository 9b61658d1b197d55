package api

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"penstock/internal/core/fault"
)

// stub is a Service that fails every call it has no function for.
type stub struct {
	Service
	getPipeline  func(context.Context, *GetPipelineInput) (*GetPipelineOutput, error)
	listWebhooks func(context.Context, *ListWebhooksInput) (*ListWebhooksOutput, error)
	delete       func(context.Context, *DeletePipelineInput) error
}

func (s *stub) GetPipeline(ctx context.Context, in *GetPipelineInput) (*GetPipelineOutput, error) {
	return s.getPipeline(ctx, in)
}

func (s *stub) ListWebhooks(ctx context.Context, in *ListWebhooksInput) (*ListWebhooksOutput, error) {
	return s.listWebhooks(ctx, in)
}

func (s *stub) DeletePipeline(ctx context.Context, in *DeletePipelineInput) error {
	return s.delete(ctx, in)
}

// signed is an Authenticator that knows callers with an Authorization header.
type signed struct{}

type callerKey struct{}

func (signed) Authenticate(ctx context.Context, r *http.Request, body []byte) (context.Context, error) {
	name := r.Header.Get("Authorization")
	if name == "" {
		return nil, fault.New("MissingAuthenticationTokenException", "Missing Authentication Token")
	}
	return context.WithValue(ctx, callerKey{}, name+" sent "+fmt.Sprint(len(body))), nil
}

type answer struct {
	status int
	header http.Header
	body   string
}

// server runs a handler and returns a function that sends a signed request.
func server(t *testing.T, svc Service, opt Options) func(target, body string, edit ...func(*http.Request)) answer {
	t.Helper()
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	srv := httptest.NewServer(NewHandler(svc, signed{}, opt))
	t.Cleanup(srv.Close)
	return func(target, body string, edit ...func(*http.Request)) answer {
		t.Helper()
		r, err := http.NewRequest(http.MethodPost, srv.URL, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-amz-json-1.1")
		r.Header.Set("X-Amz-Target", target)
		r.Header.Set("Authorization", "alice")
		for _, f := range edit {
			f(r)
		}
		resp, err := srv.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer{status: resp.StatusCode, header: resp.Header, body: string(text)}
	}
}

func set(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

const getPipeline = "CodePipeline_20150709.GetPipeline"

func okService() *stub {
	return &stub{
		getPipeline: func(context.Context, *GetPipelineInput) (*GetPipelineOutput, error) {
			return &GetPipelineOutput{Metadata: &PipelineMetadata{PipelineArn: "<arn>"}}, nil
		},
		listWebhooks: func(context.Context, *ListWebhooksInput) (*ListWebhooksOutput, error) { return nil, nil },
		delete:       func(context.Context, *DeletePipelineInput) error { return nil },
	}
}

var uuidForm = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// TestAnswers goes through sections 2, 3, 4 and 6 of the protocol.
func TestAnswers(t *testing.T) {
	t.Parallel()
	const (
		accessDenied = "<AccessDeniedException>\n  <Message>Unable to determine service/operation name to be authorized</Message>\n</AccessDeniedException>\n"
		missingToken = `{"__type":"MissingAuthenticationTokenException","message":"Missing Authentication Token"}`
	)
	call := server(t, okService(), Options{})
	method := func(m string) func(*http.Request) { return func(r *http.Request) { r.Method = m } }
	anonymous := func(r *http.Request) { r.Header.Del("Authorization") }
	untyped := func(r *http.Request) { r.Header.Del("Content-Type") }
	gzipped := func(r *http.Request) {
		var b bytes.Buffer
		zw := gzip.NewWriter(&b)
		_, _ = io.Copy(zw, r.Body)
		_ = zw.Close()
		r.Body, r.ContentLength = io.NopCloser(&b), int64(b.Len())
		r.Header.Set("Content-Encoding", "gzip")
	}
	chunked := func(r *http.Request) { r.ContentLength = -1 }
	huge := `{"name":"p","x":"` + strings.Repeat("x", MaxBody) + `"}`
	large := `{"name":"p","x":"` + strings.Repeat("x", MaxBody-100) + `"}`

	for _, tt := range []struct {
		name, target, body string
		edit               []func(*http.Request)
		status             int
		want, code, ctype  string
	}{
		{name: "output", target: getPipeline, body: `{"name":"p"}`, status: 200, want: `{"metadata":{"pipelineArn":"<arn>"}}`},
		{name: "no output", target: "CodePipeline_20150709.DeletePipeline", body: `{"name":"p"}`, status: 200},
		{name: "nil output", target: "CodePipeline_20150709.ListWebhooks", body: `{}`, status: 200, want: `{}`},
		{name: "empty body", target: "CodePipeline_20150709.ListWebhooks", status: 200, want: `{}`},
		{name: "JSON 1.0", target: getPipeline, body: `{"name":"p"}`, edit: with(set("Content-Type", "application/x-amz-json-1.0")), status: 200, want: `{"metadata":{"pipelineArn":"<arn>"}}`},
		{name: "content type with parameters", target: getPipeline, body: `{"name":"p"}`, edit: with(set("Content-Type", " application/x-amz-json-1.1 ; charset=utf-8")), status: 200, want: `{"metadata":{"pipelineArn":"<arn>"}}`},
		{name: "no content type", target: getPipeline, body: `{"name":"p"}`, edit: with(untyped), status: 200, want: `{"metadata":{"pipelineArn":"<arn>"}}`},
		{name: "base path", target: getPipeline, body: `{"name":"p"}`, edit: with(func(r *http.Request) { r.URL.Path = "/api/" }), status: 200, want: `{"metadata":{"pipelineArn":"<arn>"}}`},
		{name: "gzip", target: getPipeline, body: `{"name":"p"}`, edit: with(gzipped), status: 200, want: `{"metadata":{"pipelineArn":"<arn>"}}`},
		{name: "chunked", target: getPipeline, body: large, edit: with(chunked), status: 200, want: `{"metadata":{"pipelineArn":"<arn>"}}`},
		{name: "expect 100-continue", target: getPipeline, body: `{"name":"p"}`, edit: with(set("Expect", "100-continue")), status: 200, want: `{"metadata":{"pipelineArn":"<arn>"}}`},

		{name: "too large", target: getPipeline, body: huge, status: 413, code: "RequestEntityTooLargeException",
			want: `{"__type":"RequestEntityTooLargeException","message":"The request body is larger than 2097152 bytes."}`},
		{name: "too large in chunks", target: getPipeline, body: huge, edit: with(chunked), status: 413, code: "RequestEntityTooLargeException",
			want: `{"__type":"RequestEntityTooLargeException","message":"The request body is larger than 2097152 bytes."}`},
		{name: "too large when unpacked", target: getPipeline, body: huge, edit: with(gzipped), status: 413, code: "RequestEntityTooLargeException",
			want: `{"__type":"RequestEntityTooLargeException","message":"The request body is larger than 2097152 bytes."}`},
		{name: "not gzip", target: getPipeline, body: `{"name":"p"}`, edit: with(set("Content-Encoding", "gzip")), status: 400, code: "MalformedHttpRequestException",
			want: `{"__type":"MalformedHttpRequestException","message":"The request body is not valid gzip."}`},
		{name: "unknown encoding", target: getPipeline, body: `{"name":"p"}`, edit: with(set("Content-Encoding", "br")), status: 400, code: "MalformedHttpRequestException",
			want: `{"__type":"MalformedHttpRequestException","message":"The content encoding is not supported."}`},
		{name: "GET", target: getPipeline, edit: with(method("GET")), status: 403, want: accessDenied, ctype: "text/xml"},
		{name: "OPTIONS", target: getPipeline, edit: with(method("OPTIONS")), status: 403, want: accessDenied, ctype: "text/xml"},
		{name: "foreign content type", target: getPipeline, edit: with(set("Content-Type", "text/plain")), status: 404, want: "<UnknownOperationException/>\n", ctype: "text/xml"},
		{name: "foreign content type and no target", edit: with(set("Content-Type", "text/plain")), status: 403, want: accessDenied, ctype: "text/xml"},
		{name: "application/json", target: getPipeline, edit: with(set("Content-Type", "application/json")), status: 404, ctype: "application/json",
			want: `{"Output":{"__type":"com.amazon.coral.service#UnknownOperationException"},"Version":"1.0"}`},
		{name: "malformed JSON", target: getPipeline, body: `{"name":`, status: 400, want: `{"__type":"SerializationException"}`, code: "SerializationException"},
		{name: "malformed JSON for an unknown operation", target: "x", body: `{`, status: 400, want: `{"__type":"SerializationException"}`, code: "SerializationException"},
		{name: "unknown operation", target: "CodePipeline_20150709.GetPipelines", body: `{}`, status: 400, want: `{"__type":"UnknownOperationException"}`, code: "UnknownOperationException"},
		{name: "wrong case", target: "codepipeline_20150709.GetPipeline", body: `{}`, status: 400, want: `{"__type":"UnknownOperationException"}`, code: "UnknownOperationException"},
		{name: "other version", target: "CodePipeline_20150710.GetPipeline", body: `{}`, status: 400, want: `{"__type":"UnknownOperationException"}`, code: "UnknownOperationException"},
		{name: "split at the first dot", target: "CodePipeline_20150709.x.GetPipeline", body: `{}`, status: 400, want: `{"__type":"UnknownOperationException"}`, code: "UnknownOperationException"},
		{name: "no target", body: `{}`, status: 400, want: `{"__type":"UnknownOperationException"}`, code: "UnknownOperationException"},
		{name: "anonymous with bad JSON", target: getPipeline, body: `{`, edit: with(anonymous), status: 400, want: missingToken, code: "MissingAuthenticationTokenException"},
		{name: "anonymous with an unknown operation", target: "x", body: `{}`, edit: with(anonymous), status: 400, want: missingToken, code: "MissingAuthenticationTokenException"},
		{name: "type error", target: getPipeline, body: `{"name":1}`, status: 400, code: "SerializationException",
			want: `{"__type":"SerializationException","Message":"NUMBER_VALUE cannot be converted to String"}`},
		{name: "violation", target: getPipeline, body: `{"name":"a b"}`, status: 400, code: "ValidationException",
			want: `{"__type":"ValidationException","message":"1 validation error detected: Value at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [A-Za-z0-9.@\\-_]+"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := call(tt.target, tt.body, tt.edit...)
			if got.status != tt.status || got.body != tt.want {
				t.Errorf("%d %s\nwant %d %s", got.status, got.body, tt.status, tt.want)
			}
			ctype := tt.ctype
			if ctype == "" {
				ctype = "application/x-amz-json-1.1"
			}
			for name, want := range map[string]string{"Content-Type": ctype, "x-amzn-ErrorType": tt.code, "Content-Length": fmt.Sprint(len(tt.want))} {
				if h := got.header.Get(name); h != want {
					t.Errorf("%s: %q, want %q", name, h, want)
				}
			}
			if id := got.header.Get("x-amzn-RequestId"); !uuidForm.MatchString(id) {
				t.Errorf("request id %q", id)
			}
			if _, err := http.ParseTime(got.header.Get("Date")); err != nil {
				t.Errorf("Date: %v", err)
			}
		})
	}
}

func with(edit ...func(*http.Request)) []func(*http.Request) { return edit }

// TestErrors goes through section 7: what a service returns, and what callers
// and the log see of it.
func TestErrors(t *testing.T) {
	t.Parallel()
	secret := errors.New("disk full at /secret")
	for _, tt := range []struct {
		name   string
		err    error
		status int
		want   string
		logged bool
	}{
		{"modelled", fault.New(PipelineNotFoundException, "no pipeline 'p'"), 400, `{"__type":"PipelineNotFoundException","message":"no pipeline 'p'"}`, false},
		{"wrapped", fmt.Errorf("get: %w", fault.New(PipelineNotFoundException, "gone")), 400, `{"__type":"PipelineNotFoundException","message":"gone"}`, false},
		{"throttled", fault.New("ThrottlingException", "Rate exceeded"), 400, `{"__type":"ThrottlingException","message":"Rate exceeded"}`, false},
		{"unavailable", fault.New("ServiceUnavailableException", "starting"), 503, `{"__type":"ServiceUnavailableException","message":"starting"}`, false},
		{"denied", fault.New("AccessDeniedException", "no"), 400, `{"__type":"AccessDeniedException","message":"no"}`, false},
		{"unknown", secret, 500, `{"__type":"InternalFailure"}`, true},
		{"without a code", &fault.Error{Message: "secret"}, 500, `{"__type":"InternalFailure"}`, true},
		{"cancelled by the service itself", context.Canceled, 500, `{"__type":"InternalFailure"}`, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			svc := &stub{getPipeline: func(context.Context, *GetPipelineInput) (*GetPipelineOutput, error) { return nil, tt.err }}
			var log syncBuffer
			got := server(t, svc, Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})(getPipeline, `{"name":"p"}`)
			if got.status != tt.status || got.body != tt.want {
				t.Errorf("%d %s\nwant %d %s", got.status, got.body, tt.status, tt.want)
			}
			id := got.header.Get("x-amzn-RequestId")
			if n := strings.Count(log.String(), id); (n == 1) != tt.logged || n > 1 {
				t.Errorf("logged %d times: %s", n, log.String())
			}
			if tt.logged && !strings.Contains(log.String(), "operation=GetPipeline") {
				t.Errorf("the log does not name the operation: %s", log.String())
			}
		})
	}
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func TestPanic(t *testing.T) {
	t.Parallel()
	svc := okService()
	svc.getPipeline = func(context.Context, *GetPipelineInput) (*GetPipelineOutput, error) { panic("lost my towel") }
	var log syncBuffer
	call := server(t, svc, Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	got := call(getPipeline, `{"name":"p"}`)
	if got.status != 500 || got.body != `{"__type":"InternalFailure"}` || got.header.Get("Connection") == "close" {
		t.Errorf("%d %s %v", got.status, got.body, got.header)
	}
	if text := log.String(); !strings.Contains(text, "lost my towel") || !strings.Contains(text, "handler_test.go") || strings.Count(text, "lost my towel") != 1 {
		t.Errorf("logged: %s", text)
	}
	if got := call("CodePipeline_20150709.ListWebhooks", `{}`); got.status != 200 {
		t.Errorf("the next call: %d", got.status)
	}
}

// TestAbort lets a handler's wish to drop the connection through.
func TestAbort(t *testing.T) {
	t.Parallel()
	svc := &stub{getPipeline: func(context.Context, *GetPipelineInput) (*GetPipelineOutput, error) { panic(http.ErrAbortHandler) }}
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(`{"name":"p"}`))
	r.Header.Set("X-Amz-Target", getPipeline)
	r.Header.Set("Authorization", "alice")
	defer func() {
		if p := recover(); p != http.ErrAbortHandler {
			t.Errorf("recovered %v", p)
		}
	}()
	NewHandler(svc, signed{}, Options{}).ServeHTTP(httptest.NewRecorder(), r)
}

// TestClientGone cancels a waiting call: that is nobody's failure.
func TestClientGone(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	svc := &stub{getPipeline: func(ctx context.Context, _ *GetPipelineInput) (*GetPipelineOutput, error) {
		cancel()
		<-ctx.Done()
		return nil, fmt.Errorf("waiting: %w", ctx.Err())
	}}
	var log syncBuffer
	h := NewHandler(svc, signed{}, Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/", strings.NewReader(`{"name":"p"}`))
	r.Header.Set("X-Amz-Target", getPipeline)
	r.Header.Set("Authorization", "alice")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != 503 || log.String() != "" {
		t.Errorf("%d %s, logged %q", w.Code, w.Body, log.String())
	}
}

func TestContext(t *testing.T) {
	t.Parallel()
	var wait time.Duration
	var id, caller string
	svc := &stub{getPipeline: func(ctx context.Context, _ *GetPipelineInput) (*GetPipelineOutput, error) {
		wait, id, caller = PreferWait(ctx), RequestID(ctx), ctx.Value(callerKey{}).(string)
		return nil, nil
	}}
	call := server(t, svc, Options{})
	for header, want := range map[string]time.Duration{
		"": 0, "wait=5": 5 * time.Second, "wait=20": 20 * time.Second, "wait=21": 20 * time.Second, "wait=2000000000": 20 * time.Second,
		"wait=99999999999999999999": 0, "wait=-1": 0, "wait=": 0, "wait": 0, "wait=x": 0, "wait=1.5": 0, "respond-async, wait=3": 3 * time.Second,
		"Wait = 4": 4 * time.Second, "await=4": 0, "wait=0": 0,
	} {
		got := call(getPipeline, `{"name":"p"}`, set("Prefer", header))
		if wait != want {
			t.Errorf("Prefer: %s waits %v, want %v", header, wait, want)
		}
		if id != got.header.Get("x-amzn-RequestId") {
			t.Errorf("the operation saw id %s, the caller %s", id, got.header.Get("x-amzn-RequestId"))
		}
		if caller != "alice sent 12" {
			t.Errorf("caller %q", caller)
		}
	}
	if PreferWait(t.Context()) != 0 || RequestID(t.Context()) != "" {
		t.Error("a context outside of a request has a wait or an id")
	}
}

func TestAuthorize(t *testing.T) {
	t.Parallel()
	call := server(t, okService(), Options{Authorize: func(ctx context.Context, operation string, in any) error {
		if ctx.Value(callerKey{}) == nil {
			t.Error("no caller in the context")
		}
		if in, ok := in.(*GetPipelineInput); ok && operation == "GetPipeline" && strings.HasPrefix(in.Name, "open") {
			return nil
		}
		return fault.New("AccessDeniedException", "not allowed")
	}})
	for body, want := range map[string]string{
		`{"name":"open"}`:       "",
		`{"name":"open hell"}`:  "ValidationException",
		`{"name":"shut"}`:       "AccessDeniedException",
		`{"name":"shut hell"}`:  "AccessDeniedException",
		`{}`:                    "AccessDeniedException",
		`{"name":1}`:            "SerializationException",
		`{"name":"open"`:        "SerializationException",
		`{"name":"open"}, "x"}`: "SerializationException",
	} {
		if got := call(getPipeline, body); got.header.Get("x-amzn-ErrorType") != want {
			t.Errorf("%s → %s, want %q", body, got.body, want)
		}
	}
}

func TestExtra(t *testing.T) {
	t.Parallel()
	call := server(t, okService(), Options{Extra: map[string]ExtraOperation{
		"Penstock.Echo": func(_ context.Context, body []byte) (any, error) {
			return map[string]string{"body": string(body)}, nil
		},
		"Penstock.Nothing": func(context.Context, []byte) (any, error) { return nil, nil },
		"Penstock.Fail":    func(context.Context, []byte) (any, error) { return nil, fault.New(ConflictException, "busy") },
		"Penstock.Odd":     func(context.Context, []byte) (any, error) { return func() {}, nil },
	}})
	for _, tt := range []struct {
		target, body string
		status       int
		want         string
	}{
		{"Penstock.Echo", `{"a":"<"}`, 200, `{"body":"{\"a\":\"<\"}"}`},
		{"Penstock.Echo", ``, 200, `{"body":"{}"}`},
		{"Penstock.Echo", `[]`, 400, `{"__type":"SerializationException"}`},
		{"Penstock.Nothing", `{}`, 200, `{}`},
		{"Penstock.Fail", `{}`, 400, `{"__type":"ConflictException","message":"busy"}`},
		{"Penstock.Odd", `{}`, 500, `{"__type":"InternalFailure"}`},
		{"Penstock.Other", `{}`, 400, `{"__type":"UnknownOperationException"}`},
	} {
		if got := call(tt.target, tt.body); got.status != tt.status || got.body != tt.want {
			t.Errorf("%s %s → %d %s, want %d %s", tt.target, tt.body, got.status, got.body, tt.status, tt.want)
		}
	}
}

func TestObserve(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var seen []string
	h := NewHandler(okService(), signed{}, Options{
		Extra: map[string]ExtraOperation{"Penstock.X": func(context.Context, []byte) (any, error) { return nil, nil }},
		Observe: func(operation, code string, d time.Duration) {
			mu.Lock()
			defer mu.Unlock()
			if d <= 0 {
				t.Errorf("%s took %v", operation, d)
			}
			seen = append(seen, operation+" "+code)
		}})
	for _, r := range []struct{ method, target, body string }{
		{"POST", getPipeline, `{"name":"p"}`}, {"POST", getPipeline, `{}`}, {"GET", getPipeline, ``}, {"POST", "evil" + strings.Repeat("x", 99), `{}`}, {"POST", "Penstock.X", `{}`},
	} {
		req := httptest.NewRequest(r.method, "/", strings.NewReader(r.body))
		req.Header.Set("X-Amz-Target", r.target)
		req.Header.Set("Authorization", "alice")
		h.ServeHTTP(httptest.NewRecorder(), req)
	}
	want := "GetPipeline OK, GetPipeline ValidationException, GetPipeline AccessDeniedException, unknown UnknownOperationException, Penstock.X OK"
	if got := strings.Join(seen, ", "); got != want {
		t.Errorf("observed %s\nwant %s", got, want)
	}
}

// brokenBody fails with an error after a few bytes.
type brokenBody struct{ err error }

func (b brokenBody) Read([]byte) (int, error) { return 0, b.err }
func (b brokenBody) Close() error             { return nil }

func TestBodyNotReceived(t *testing.T) {
	t.Parallel()
	h := NewHandler(okService(), signed{}, Options{})
	for _, tt := range []struct {
		err    error
		status int
		code   string
	}{
		{fmt.Errorf("read tcp: %w", os.ErrDeadlineExceeded), 408, "RequestTimeoutException"},
		{io.ErrUnexpectedEOF, 400, "MalformedHttpRequestException"},
	} {
		r := httptest.NewRequest(http.MethodPost, "/", brokenBody{tt.err})
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != tt.status || w.Header().Get("x-amzn-ErrorType") != tt.code {
			t.Errorf("%v → %d %s", tt.err, w.Code, w.Body)
		}
	}
}

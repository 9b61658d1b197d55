package service_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/smithy-go"
	"github.com/google/uuid"

	"penstock/internal/api"
	"penstock/internal/auth"
	"penstock/internal/blob"
	"penstock/internal/control"
	"penstock/internal/core/pipeline"
	"penstock/internal/scheduler"
	"penstock/internal/service"
	"penstock/internal/sigv4"
	"penstock/internal/store"
	"penstock/internal/store/postgres"
	"penstock/internal/store/postgres/pgtest"
	"penstock/internal/store/sqlite"
	"penstock/internal/store/storetest"
)

const (
	account   = "000000000000"
	stranger  = "111111111111"
	region    = "eu-west-1"
	keyID     = "AKIAIOSFODNN7EXAMPLE"
	secretKey = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
)

// clock is the time that jobs, timers and tokens of a server live in.
// Signatures are checked by the real one.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// credentialSource numbers the credentials that it makes and remembers what
// they are for.
type credentialSource struct {
	mu   sync.Mutex
	made []credential
	hold func(ctx context.Context) // if set, called before credentials are made
}

type credential struct {
	account, job    string
	inputs, outputs []blob.ObjectRef
}

func (c *credentialSource) For(ctx context.Context, account string, inputs, outputs []blob.ObjectRef, jobID string) (blob.Credentials, error) {
	if c.hold != nil {
		c.hold(ctx)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.made = append(c.made, credential{account, jobID, inputs, outputs})
	n := fmt.Sprint(len(c.made))
	return blob.Credentials{AccessKeyID: "ASIA" + n, SecretAccessKey: "secret" + n, SessionToken: "token" + n}, nil
}

// logBuffer keeps what a server logs.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// server is a whole service over HTTP, with its own database and clock, and
// without loops: time passes when a test says so.
type server struct {
	*testing.T
	clock    *clock
	store    *store.Store
	faults   *storetest.Faults // of the store
	folder   string
	url      string
	log      *logBuffer
	granted  *credentialSource
	sessions *auth.Sessions
	lastID   atomic.Pointer[string] // newest id that the engine took
	buckets  sync.Map               // account/region/bucket that was ensured

	sdk  *codepipeline.Client
	root caller
}

const continuationPause = 30 * time.Second

// options change a server before it starts.
type options struct {
	delay                        time.Duration // of continuations
	maxPipelines, maxActionTypes int
	createActionTypes            bool // by UpdateActionType
	maxPolling                   int
	postgres                     bool // keeps the state there
}

// usual are the options of most tests.
var usual = options{delay: continuationPause, maxPipelines: 1000, maxActionTypes: 50, maxPolling: 300}

func TestMain(m *testing.M) { pgtest.Main(m) }

// fresh are the files of a data folder in which nothing has happened yet. All
// tests begin with them: to make the tables again for each took most of the
// suite's time.
var fresh = sync.OnceValues(func() (files map[string][]byte, err error) {
	folder, err := os.MkdirTemp("", "penstock-fresh-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	master, err := auth.LoadOrCreateMasterKey(folder, "")
	if err != nil {
		return nil, err
	}
	driver, err := sqlite.Open(filepath.Join(folder, "penstock.db"), sqlite.Options{Sealer: auth.NewSealer(master)})
	if err != nil {
		return nil, err
	}
	if err := driver.Close(); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	files = map[string][]byte{}
	for _, e := range entries {
		if files[e.Name()], err = os.ReadFile(filepath.Join(folder, e.Name())); err != nil {
			return nil, err
		}
	}
	return files, nil
})

func newServer(t *testing.T, opts ...options) *server {
	t.Helper()
	o := usual
	if len(opts) > 0 {
		o = opts[0]
	}
	s := &server{
		T: t, clock: &clock{t: time.Date(2026, 10, 2, 12, 0, 0, 0, time.UTC)}, folder: t.TempDir(),
		log: &logBuffer{}, granted: &credentialSource{},
	}
	files, err := fresh()
	s.ok(err)
	for name, b := range files {
		s.ok(os.WriteFile(filepath.Join(s.folder, name), b, 0o600))
	}
	master, err := auth.LoadOrCreateMasterKey(s.folder, "")
	s.ok(err)
	log := slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var driver store.Driver
	if o.postgres {
		driver, err = postgres.Open(t.Context(), pgtest.URL(t), postgres.Options{Sealer: auth.NewSealer(master), Logger: log, Now: s.clock.now})
	} else {
		driver, err = sqlite.Open(filepath.Join(s.folder, "penstock.db"), sqlite.Options{Sealer: auth.NewSealer(master), Logger: log, Now: s.clock.now})
	}
	s.ok(err)
	var keys atomic.Int64
	s.faults = &storetest.Faults{Driver: driver}
	s.store = store.New(s.faults, store.Options{
		Now: s.clock.now, NewID: s.newID, NewKey: func() string { return fmt.Sprintf("k%06d", keys.Add(1)) },
		Native:            func(id pipeline.ActionType) bool { return id.Provider == "S3" && id.Category == "Source" },
		ContinuationDelay: o.delay, AckWindow: 2 * time.Minute,
	})
	s.sessions = auth.NewSessions(master, time.Now)
	authenticator := auth.NewAuthenticator(auth.Config{
		AccessKey: s.accessKey,
		Account:   account, RootAccessKeyID: keyID, RootSecretAccessKey: secretKey, Sessions: s.sessions, Now: time.Now,
	})
	svc := service.New(s.store, service.Options{
		Logger: log, Credentials: s.granted, PageKey: master.Subkey("page token v1"),
		EnsureBucket: func(_ context.Context, account, region, bucket string) error {
			s.buckets.Store(account+"/"+region+"/"+bucket, true)
			return nil
		},
		SourcesChanged: func(int64) {},
		MaxPipelines:   o.maxPipelines, MaxPolling: o.maxPolling, MaxActionTypes: o.maxActionTypes, CreateActionTypes: o.createActionTypes,
	})
	ctl := &control.Service{Store: s.store, Types: svc, Version: "test", NewToken: func() string { return "client-token-" + uuid.NewString() }}
	h := httptest.NewServer(api.NewHandler(svc, authenticator, api.Options{
		Logger: log, Extra: ctl.Operations(), Observe: func(op, code string, _ time.Duration) { declared(t, op, code) },
	}))
	s.url = h.URL
	t.Cleanup(func() {
		h.Close()
		if err := driver.Close(); err != nil {
			t.Error(err)
		}
	})
	s.root = caller{s: s, id: keyID, secret: secretKey}
	s.sdk = s.client(s.root)
	return s
}

// declared holds the service to the errors that the model declares for each
// operation.
func declared(t *testing.T, operation, code string) {
	if code == faultCode {
		return
	}
	if code == "InternalFailure" || code != "OK" && slices.Contains(api.Operations(), operation) && !api.Declared(operation, code) {
		t.Errorf("%s answered %s, which it does not declare", operation, code)
	}
}

func (s *server) newID() string {
	id, err := uuid.NewV7()
	if err != nil {
		panic(err)
	}
	text := id.String()
	s.lastID.Store(&text)
	return text
}

func (s *server) ok(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// client is the SDK as a user of the key would set it up, without repeats.
func (s *server) client(c caller) *codepipeline.Client {
	return codepipeline.New(codepipeline.Options{
		BaseEndpoint: &s.url, Region: region, Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider(c.id, c.secret, c.token),
	})
}

// pass lets time go by and does what is due meanwhile.
func (s *server) pass(d time.Duration) {
	s.Helper()
	s.clock.add(d)
	_, err := (&scheduler.Timers{Store: s.store, Log: slog.New(slog.DiscardHandler)}).Fire(s.Context())
	s.ok(err)
}

// purge removes what is past its time.
func (s *server) purge() {
	s.Helper()
	for more := true; more; {
		s.ok(s.store.Update(s.Context(), func(tx store.Tx) (err error) {
			more, err = tx.Purge(s.store.Now(), 1000)
			return err
		}))
	}
}

// caller signs raw requests.
type caller struct {
	s                 *server
	id, secret, token string
}

// accessKey finds the keys that Penstock.CreateAccessKey has made.
func (s *server) accessKey(id string) (auth.AccessKey, bool, error) {
	var k store.AccessKey
	err := s.store.View(context.Background(), func(r store.Reader) (err error) {
		k, err = r.AccessKey(id)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return auth.AccessKey{}, false, nil
	}
	return auth.AccessKey{ID: k.ID, Secret: auth.Secret(k.Secret), Account: k.Account, User: k.User, ServicePrincipal: k.ServicePrincipal}, err == nil, err
}

// as returns a caller of another account.
func (s *server) as(account string) caller {
	c := s.sessions.Mint(auth.SessionScope{Account: account, ARN: "arn:aws:iam::" + account + ":user/u"}, time.Hour)
	return caller{s: s, id: c.AccessKeyID, secret: string(c.SecretAccessKey), token: string(c.SessionToken)}
}

// raw sends a request as it is and returns the answer as it is, or the error's
// code and text.
func (c caller) raw(operation, body string) (answer, code, message string) {
	c.s.Helper()
	target := operation
	if !strings.Contains(target, ".") {
		target = "CodePipeline_20150709." + operation
	}
	client := api.Client{Endpoint: c.s.url, Sign: func(r *http.Request, body []byte) error {
		service := "codepipeline"
		if strings.HasPrefix(target, "Penstock.") {
			service = "penstock"
		}
		sigv4.Sign(r, sigv4.PayloadHash(body), sigv4.Credentials{AccessKeyID: c.id, SecretAccessKey: c.secret, SessionToken: c.token}, region, service, time.Now())
		return nil
	}}
	var out json.RawMessage
	err := client.CallRaw(c.s.Context(), target, json.RawMessage(body), &out)
	if e, ok := errors.AsType[*api.APIError](err); ok {
		return "", e.Code, e.Message
	}
	c.s.ok(err)
	return string(out), "", ""
}

// must sends a request that has to succeed and returns the answer.
func (c caller) must(operation, body string) string {
	c.s.Helper()
	out, code, message := c.raw(operation, body)
	if code != "" {
		c.s.Fatalf("%s %s: %s: %s", operation, body, code, message)
	}
	return out
}

// refuse sends a request that has to be refused with the code and, unless it
// is "", with the text.
func (c caller) refuse(operation, body, code, text string) {
	c.s.Helper()
	out, got, message := c.raw(operation, body)
	switch {
	case got == "":
		c.s.Errorf("%s %s: got %s, want %s", operation, body, out, code)
	case got != code || text != "" && message != text:
		c.s.Errorf("%s %s:\n got %s: %s\nwant %s: %s", operation, body, got, message, code, text)
	case message == "":
		c.s.Errorf("%s %s: %s has no text", operation, body, got)
	}
}

// get reads a member of an answer by its path: "jobs.0.data.inputArtifacts".
// An absent one is nil.
func get(t *testing.T, answer, path string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(answer), &v); err != nil {
		t.Fatalf("%s: %v", answer, err)
	}
	for step := range strings.SplitSeq(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[step]
		case []any:
			var i int
			if _, err := fmt.Sscan(step, &i); err != nil || i >= len(x) {
				return nil
			}
			v = x[i]
		default:
			return nil
		}
	}
	return v
}

// text is get for strings; an absent one is "".
func text(t *testing.T, answer, path string) string {
	t.Helper()
	s, _ := get(t, answer, path).(string)
	return s
}

// codeOf is the error code that the SDK saw, "" for success.
func codeOf(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode()
	}
	t.Fatal(err)
	return ""
}

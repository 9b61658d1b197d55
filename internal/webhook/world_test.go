package webhook_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"penstock/internal/api"
	"penstock/internal/auth"
	"penstock/internal/blob"
	"penstock/internal/core/pipeline"
	"penstock/internal/service"
	"penstock/internal/sigv4"
	"penstock/internal/sourcehost"
	"penstock/internal/store"
	"penstock/internal/store/sqlite"
	"penstock/internal/webhook"
)

const (
	account = "000000000000"
	region  = "eu-west-1"
	keyID   = "AKIAIOSFODNN7EXAMPLE"
	key     = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	secret  = "It's a Secret to Everybody"
	token   = "gho_16C7e42F292c6912E7710c838347Ae178B4a"
)

// world is the API and the receiver over HTTP, with a clock that the test
// turns.
type world struct {
	*testing.T
	url   string
	store *store.Store

	mu   sync.Mutex
	time time.Time
	log  strings.Builder
}

// settings change a world before it starts.
type settings struct {
	reveal  bool
	max     int
	proxies []netip.Prefix
	host    string // of the GitHub API
	rate    float64
	burst   int
}

func newWorld(t *testing.T, set settings) *world {
	t.Helper()
	w := &world{T: t, time: time.Date(2026, 10, 2, 12, 0, 0, 0, time.UTC)}
	if set.max == 0 {
		set.max = 300
	}
	if set.host == "" {
		set.host = "http://127.0.0.1:1"
	}
	folder := t.TempDir()
	master, err := auth.LoadOrCreateMasterKey(folder, "")
	w.ok(err)
	log := slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
	driver, err := sqlite.Open(filepath.Join(folder, "penstock.db"), sqlite.Options{Sealer: auth.NewSealer(master), Logger: log, Now: w.now})
	w.ok(err)
	t.Cleanup(func() {
		if err := driver.Close(); err != nil {
			t.Error(err)
		}
	})
	w.store = store.New(driver, store.Options{
		Now: w.now, NewID: func() string { return uuid.Must(uuid.NewV7()).String() }, NewKey: func() string { return "abcdefg" },
		Native: func(pipeline.ActionType) bool { return false }, AckWindow: 2 * time.Minute,
	})
	host, err := sourcehost.New(set.host, nil)
	w.ok(err)
	svc := service.New(w.store, service.Options{
		Logger: log, Credentials: noCredentials{}, PageKey: []byte("page"), MaxPipelines: 10, MaxActionTypes: 10,
		EnsureBucket:   func(context.Context, string, string, string) error { return nil },
		SourcesChanged: func(int64) {},
		Webhooks:       service.WebhookOptions{BaseURL: func() string { return w.url }, RevealSecrets: set.reveal, Max: set.max, Host: host},
	})
	authenticator := auth.NewAuthenticator(auth.Config{
		Account: account, RootAccessKeyID: keyID, RootSecretAccessKey: key, Sessions: auth.NewSessions(master, time.Now), Now: time.Now,
	})
	mux := http.NewServeMux()
	mux.Handle("/", api.NewHandler(svc, authenticator, api.Options{Logger: log, Observe: func(op, code string, _ time.Duration) {
		if code != "OK" && !api.Declared(op, code) {
			t.Errorf("%s answered %s, which it does not declare", op, code)
		}
	}}))
	mux.Handle("/webhooks/", webhook.NewReceiver(webhook.Options{
		Store: w.store, Logger: log, TrustedProxies: set.proxies, Rate: set.rate, Burst: set.burst,
	}))
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	w.url = srv.URL
	return w
}

// noCredentials is for jobs whose artifacts nobody reads.
type noCredentials struct{}

func (noCredentials) For(context.Context, string, []blob.ObjectRef, []blob.ObjectRef, string) (blob.Credentials, error) {
	return blob.Credentials{}, nil
}

func (w *world) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.time
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.time = w.time.Add(d)
}

// Write keeps the log.
func (w *world) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.Write(p)
}

func (w *world) logged() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.String()
}

// call sends a signed request and returns the answer, or the error's code and
// text.
func (w *world) call(operation, body string) (answer, code, message string) {
	w.Helper()
	client := api.Client{Endpoint: w.url, Sign: func(r *http.Request, body []byte) error {
		sigv4.Sign(r, sigv4.PayloadHash(body), sigv4.Credentials{AccessKeyID: keyID, SecretAccessKey: key}, region, "codepipeline", time.Now())
		return nil
	}}
	var out json.RawMessage
	err := client.CallRaw(w.Context(), "CodePipeline_20150709."+operation, json.RawMessage(body), &out)
	if e, ok := errors.AsType[*api.APIError](err); ok {
		return "", e.Code, e.Message
	}
	w.ok(err)
	return string(out), "", ""
}

func (w *world) must(operation, body string) string {
	w.Helper()
	out, code, message := w.call(operation, body)
	if code != "" {
		w.Fatalf("%s %s: %s: %s", operation, body, code, message)
	}
	return out
}

// refuse sends a request that has to be refused with the code and, unless it
// is "", the text.
func (w *world) refuse(operation, body, code, text string) {
	w.Helper()
	out, got, message := w.call(operation, body)
	if got != code || text != "" && message != text || got != "" && message == "" {
		w.Errorf("%s %s:\n got %s%s: %s\nwant %s: %s", operation, body, out, got, message, code, text)
	}
}

// item is what ListWebhooks shows of a webhook.
type item struct {
	Definition struct {
		Name, TargetPipeline, TargetAction, Authentication string
		Filters                                            []struct{ JSONPath, MatchEquals string }
		AuthenticationConfiguration                        map[string]string
	}
	URL, ARN, ErrorCode, ErrorMessage string
	LastTriggered                     float64
	Tags                              []struct{ Key, Value string }
}

func (i item) tags() string {
	var out []string
	for _, t := range i.Tags {
		out = append(out, t.Key+"="+t.Value)
	}
	return strings.Join(out, " ")
}

func read[T any](w *world, answer string) (v T) {
	w.Helper()
	if err := json.Unmarshal([]byte(answer), &v); err != nil {
		w.Fatalf("%s: %v", answer, err)
	}
	return v
}

// put makes or changes a webhook; extra are more members of the request.
func (w *world) put(definition string, extra ...string) item {
	w.Helper()
	return read[struct{ Webhook item }](w, w.must("PutWebhook", `{"webhook":`+definition+strings.Join(extra, "")+`}`)).Webhook
}

func (w *world) list() []item {
	w.Helper()
	return read[struct{ Webhooks []item }](w, w.must("ListWebhooks", `{}`)).Webhooks
}

// definition is a webhook W for the action Fetch of pipeline P.
func definition(authentication, configuration string, filters ...string) string {
	return fmt.Sprintf(`{"name":"W","targetPipeline":"P","targetAction":"Fetch","filters":[%s],"authentication":%q,"authenticationConfiguration":{%s}}`,
		strings.Join(filters, ","), authentication, configuration)
}

// signedBy is a webhook of GITHUB_HMAC that takes pushes to the branch.
func signedBy(secret string) string {
	return definition("GITHUB_HMAC", fmt.Sprintf(`"SecretToken":%q`, secret), `{"jsonPath":"$.ref","matchEquals":"refs/heads/{Branch}"}`)
}

func open(filters ...string) string { return definition("UNAUTHENTICATED", "", filters...) }

const customSource = `{"name":"Fetch","actionTypeId":{"category":"Source","owner":"Custom","provider":"Git","version":"1"},
	"configuration":{"Branch":"main"},"outputArtifacts":[{"name":"Code"}]}`

const gitHubSource = `{"name":"Fetch","actionTypeId":{"category":"Source","owner":"ThirdParty","provider":"GitHub","version":"1"},
	"configuration":{"Owner":"acme","Repo":"site","Branch":"main","OAuthToken":"` + token + `","PollForSourceChanges":"false"},"outputArtifacts":[{"name":"Code"}]}`

func declaration(source string) string {
	return `{"pipeline":{"name":"P","roleArn":"arn:aws:iam::000000000000:role/r","artifactStore":{"type":"S3","location":"artifacts"},"stages":[
		{"name":"Source","actions":[` + source + `]},
		{"name":"Gate","actions":[{"name":"Ask","actionTypeId":{"category":"Approval","owner":"AWS","provider":"Manual","version":"1"}}]}]}}`
}

// pipeline makes the pipeline P.
func (w *world) pipeline(source string) {
	w.Helper()
	if source == customSource {
		w.must("CreateCustomActionType", `{"category":"Source","provider":"Git","version":"1","inputArtifactDetails":{"minimumCount":0,"maximumCount":0},
			"outputArtifactDetails":{"minimumCount":1,"maximumCount":1},"configurationProperties":[{"name":"Branch","required":true,"key":true,"secret":false}]}`)
	}
	w.must("CreatePipeline", declaration(source))
}

// started lists the executions that webhooks started, newest first, as "type
// detail".
func (w *world) started() (out []string) {
	w.Helper()
	type page struct {
		PipelineExecutionSummaries []struct {
			Trigger struct{ TriggerType, TriggerDetail string }
		}
	}
	for _, e := range read[page](w, w.must("ListPipelineExecutions", `{"pipelineName":"P"}`)).PipelineExecutionSummaries {
		if e.Trigger.TriggerType == "Webhook" {
			out = append(out, e.Trigger.TriggerDetail)
		}
	}
	return out
}

func mac(algorithm func() hash.Hash, secret, body string) string {
	h := hmac.New(algorithm, []byte(secret))
	io.WriteString(h, body)
	return hex.EncodeToString(h.Sum(nil))
}

func sign1(secret, body string) string   { return "sha1=" + mac(sha1.New, secret, body) }
func sign256(secret, body string) string { return "sha256=" + mac(sha256.New, secret, body) }

// deliver posts a body; headers are names and values in turn.
func (w *world) deliver(url, body string, headers ...string) (status int, answer string) {
	w.Helper()
	resp := w.request(http.MethodPost, url, strings.NewReader(body), headers...)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	w.ok(err)
	return resp.StatusCode, string(b)
}

func (w *world) request(method, url string, body io.Reader, headers ...string) *http.Response {
	w.Helper()
	r, err := http.NewRequestWithContext(w.Context(), method, url, body)
	w.ok(err)
	r.Header.Set("Content-Type", "application/json")
	for pair := range slices.Chunk(headers, 2) {
		r.Header.Set(pair[0], pair[1])
	}
	resp, err := http.DefaultClient.Do(r)
	w.ok(err)
	return resp
}

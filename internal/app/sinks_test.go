package app

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"penstock/internal/api"
	"penstock/internal/control"
	"penstock/internal/event"
	"penstock/internal/sigv4"
)

// TestEventSinks: what happens to a pipeline reaches the file, the endpoint,
// which is down at first, and a client that waits; before and after a restart.
func TestEventSinks(t *testing.T) {
	t.Parallel()
	const secret = "0123456789abcdef"
	var mu sync.Mutex
	up := false
	var posted []string
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if r.Header.Get(event.HeaderSignature) != "v1="+event.Sign([]byte(secret), r.Header.Get(event.HeaderTimestamp), body) {
			t.Errorf("the signature is wrong: %v", r.Header)
		}
		mu.Lock()
		defer mu.Unlock()
		if !up {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		posted = append(posted, string(body))
	}))
	t.Cleanup(receiver.Close)
	cfg := settings(t, "--event-file", filepath.Join(t.TempDir(), "events.jsonl"))
	cfg.EventURL, cfg.EventSecret = receiver.URL, secret

	s := open(t, cfg)
	stop := s.run()
	s.custom(types.ActionCategorySource, "Src")
	first := func(s *server) control.GetEventsOutput {
		client := &api.Client{Endpoint: s.url, Sign: func(r *http.Request, body []byte) error {
			keys := sigv4.Credentials{AccessKeyID: rootID, SecretAccessKey: rootToken}
			sigv4.Sign(r, sigv4.PayloadHash(body), keys, region, "codepipeline", time.Now())
			return nil
		}}
		var out control.GetEventsOutput
		s.ok(client.CallRaw(api.WithWait(t.Context(), 20*time.Second), "Penstock.GetEvents", control.GetEventsInput{}, &out))
		return out
	}
	waiting := make(chan control.GetEventsOutput, 1)
	go func() { waiting <- first(s) }()
	s.create("web", stage("Source", types.ActionDeclaration{
		Name: aws.String("Get"), ActionTypeId: typeID(types.ActionCategorySource, types.ActionOwnerCustom, "Src"),
		OutputArtifacts: []types.OutputArtifact{{Name: aws.String("Src")}},
	}), gate())
	lines := func() []string {
		b, err := os.ReadFile(cfg.EventFile)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
	}
	s.until("the start is in the file", func() bool { return len(lines()) == 3 })
	// The call may have come after the start; then it waits for this one.
	_, err := s.sdk.StartPipelineExecution(t.Context(), &codepipeline.StartPipelineExecutionInput{Name: aws.String("web")})
	s.ok(err)
	if out := <-waiting; len(out.Events) == 0 || !bytes.Contains(out.Events[0], []byte(`"state":"STARTED"`)) {
		t.Errorf("the waiting client got %s", out.Events)
	}
	s.until("both starts are in the file", func() bool { return len(lines()) == 4 })
	stop()
	s.shut()

	mu.Lock()
	up = true
	mu.Unlock()
	s = open(t, cfg)
	stop = s.run()
	_, err = s.sdk.DisableStageTransition(t.Context(), &codepipeline.DisableStageTransitionInput{
		PipelineName: aws.String("web"), StageName: aws.String("Gate"), TransitionType: types.StageTransitionTypeInbound, Reason: aws.String("r")})
	s.ok(err)
	_, err = s.sdk.StartPipelineExecution(t.Context(), &codepipeline.StartPipelineExecutionInput{Name: aws.String("web")})
	s.ok(err)
	s.until("everything was posted", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(posted) == len(lines()) && len(posted) == 6
	})
	for _, want := range []string{ // an event counts when its answer has come
		`penstock_events_delivered_total{sink="http"} 6`, `penstock_events_delivered_total{sink="file"} 2`,
		`penstock_event_decisions_lost_total{sink="http"} 0`,
	} {
		s.until("the metrics have "+want, func() bool {
			resp, err := http.Get(s.url + "/metrics")
			s.ok(err)
			defer resp.Body.Close()
			metrics, err := io.ReadAll(resp.Body)
			s.ok(err)
			return strings.Contains(string(metrics), want)
		})
	}
	stop()
	if got, want := strings.Join(posted, "\n"), strings.Join(lines(), "\n"); got != want {
		t.Errorf("posted\n%s\nin the file\n%s", got, want)
	}
	if strings.Contains(s.text.String(), secret) {
		t.Error("the secret is in the log")
	}
}

// TestSinksRefused: a server does not start with a sink that cannot work.
func TestSinksRefused(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, file, url, want string }{
		{"a folder", t.TempDir(), "", "--event-file"},
		{"no URL", "", "example.com", "--event-url"},
	} {
		cfg := settings(t)
		cfg.EventFile, cfg.EventURL, cfg.EventSecret = tc.file, tc.url, "0123456789abcdef"
		if _, err := Open(t.Context(), cfg, "test", slog.New(slog.DiscardHandler), io.Discard); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
}

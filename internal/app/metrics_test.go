package app

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"penstock/internal/blob"
	"penstock/internal/obs"
)

func (s *server) fetch(url string) (status int, body string) {
	s.Helper()
	resp, err := http.Get(url)
	s.ok(err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	s.ok(err)
	return resp.StatusCode, string(text)
}

// The metrics follow what happens to jobs, timers, deliveries and artifacts.
func TestMetrics(t *testing.T) {
	t.Parallel()
	s := open(t, settings(t))
	s.custom(types.ActionCategorySource, "Git")
	s.create("p", stage("Source", types.ActionDeclaration{Name: aws.String("Fetch"),
		ActionTypeId: typeID(types.ActionCategorySource, types.ActionOwnerCustom, "Git")}), gate())
	for range 2 {
		_, err := s.sdk.StartPipelineExecution(t.Context(), &codepipeline.StartPipelineExecutionInput{Name: aws.String("p")})
		s.ok(err)
	}
	resp, err := http.Post(s.url+"/webhooks/?t=nobody", "application/json", strings.NewReader("{}"))
	s.ok(err)
	s.ok(resp.Body.Close())
	s.clock.add(30 * 24 * time.Hour) // the job's time limit is over, and no loop runs
	_, text := s.fetch(s.url + "/metrics")
	for _, want := range []string{
		`penstock_database_up 1`,
		`penstock_jobs_waiting{kind="custom"} 1`, // SUPERSEDED: the second execution waits for the first
		`penstock_jobs_handed_out{kind="custom"} 0`,
		`penstock_jobs_waiting{kind="partner"} 0`,
		`penstock_jobs_waiting{kind="built-in"} 0`,
		`penstock_nodes 1`,
		`penstock_node_lease 1`,
		`penstock_webhook_deliveries_total{code="404",receiver="webhook"} 1`,
		`penstock_artifact_store_calls_total{operation="EnsureBucket",result="ok"} 1`,
	} {
		if !strings.Contains(text, "\n"+want+"\n") {
			t.Errorf("no %s", want)
		}
	}
	for _, zero := range []string{"timers_overdue", "timer_overdue_seconds", "database_updates_total", "data_free_bytes", "data_size_bytes",
		`jobs_oldest_waiting_seconds{kind="custom"}`, `database_transactions_total{kind="shared"}`} {
		if !strings.Contains(text, "\npenstock_"+zero+" ") || strings.Contains(text, "\npenstock_"+zero+" 0\n") {
			t.Errorf("%s is missing or 0", zero)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

// With an address of their own the metrics are there and nowhere else, and
// nothing else is there.
func TestMetricsListen(t *testing.T) {
	t.Parallel()
	s := open(t, settings(t, "--metrics-listen", "127.0.0.1:0"))
	s.run()
	if status, text := s.fetch(s.MetricsURL()); status != http.StatusOK || !strings.Contains(text, "penstock_database_up 1") {
		t.Errorf("%s answers %d %s", s.MetricsURL(), status, text)
	}
	for _, url := range []string{s.url + "/metrics", strings.Replace(s.MetricsURL(), "/metrics", "/readyz", 1)} {
		if status, text := s.fetch(url); status != http.StatusNotFound {
			t.Errorf("%s answers %d %s", url, status, text)
		}
	}
}

func TestArtifactCalls(t *testing.T) {
	t.Parallel()
	s := open(t, settings(t))
	m := obs.New("v")
	c := counted{s.embedded, m}
	if _, err := c.Head(t.Context(), "none", "k", nil); blob.CodeOf(err) != blob.NoSuchBucket {
		t.Errorf("Head: %v", err)
	}
	s.ok(c.EnsureBucket(t.Context(), "bucket", nil))
	broken := errors.New("broken pipe")
	if _, err := c.Put(t.Context(), "bucket", "k", io.MultiReader(strings.NewReader("x"), failingReader{broken}), nil); !errors.Is(err, broken) {
		t.Errorf("Put: %v", err)
	}
	_, err := c.Put(t.Context(), "bucket", "k", strings.NewReader("x"), nil)
	s.ok(err)
	object, err := c.Get(t.Context(), "bucket", "k", nil)
	s.ok(err)
	s.ok(object.Body.Close())
	_, err = c.Copy(t.Context(), blob.Source{Bucket: "bucket", Key: "k"}, "bucket", "l", nil)
	s.ok(err)
	_, err = c.List(t.Context(), "bucket", nil)
	s.ok(err)
	_, err = c.Delete(t.Context(), "bucket", "k", nil)
	s.ok(err)
	page := httptest.NewServer(m.Handler())
	defer page.Close()
	_, w := s.fetch(page.URL)
	for _, want := range []string{`Head",result="refused`, `EnsureBucket",result="ok`, `Put",result="failed`, `Put",result="ok`,
		`Get",result="ok`, `Copy",result="ok`, `List",result="ok`, `Delete",result="ok`} {
		if !strings.Contains(w, `{operation="`+want+`"} 1`) {
			t.Errorf("no %s in\n%s", want, w)
		}
	}
}

type failingReader struct{ err error }

func (r failingReader) Read([]byte) (int, error) { return 0, r.err }

func TestSpace(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" && runtime.GOOS != "darwin" {
		t.Skip("space is not known here")
	}
	if free, size := space(t.TempDir()); free == 0 || size < free {
		t.Errorf("%d of %d bytes are free", free, size)
	}
	if free, size := space(filepath.Join(t.TempDir(), "none")); free != 0 || size != 0 {
		t.Errorf("a folder that is not there has %d of %d bytes", free, size)
	}
}

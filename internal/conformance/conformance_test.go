package conformance_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"penstock/internal/api"
	"penstock/internal/app"
	"penstock/internal/config"
	"penstock/internal/conformance"
	"penstock/internal/sigv4"
)

const region = "eu-west-1"

var root = sigv4.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}

func readModel(t *testing.T) *conformance.Model {
	t.Helper()
	m, err := conformance.Read("../../model/codepipeline-2015-07-09.json")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// server is a whole server; the client signs each request.
func server(t *testing.T) *api.Client {
	t.Helper()
	var cfg config.Config
	f := pflag.NewFlagSet("server", pflag.ContinueOnError)
	cfg.Flags(f)
	if err := f.Parse([]string{"--listen", "127.0.0.1:0", "--data", t.TempDir()}); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"PENSTOCK_ROOT_ACCESS_KEY_ID": root.AccessKeyID, "PENSTOCK_ROOT_SECRET_ACCESS_KEY": root.SecretAccessKey}
	if err := cfg.Load(f, func(k string) string { return env[k] }); err != nil {
		t.Fatal(err)
	}
	a, err := app.Open(context.Background(), cfg, "test", slog.New(slog.DiscardHandler), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(a.Handler())
	t.Cleanup(func() {
		h.Close()
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return &api.Client{
		Endpoint: h.URL, HTTP: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 50}},
		Sign: func(r *http.Request, body []byte) error {
			sigv4.Sign(r, sigv4.PayloadHash(body), root, region, "codepipeline", time.Now())
			return nil
		},
	}
}

// TestEdges sends every edge of every operation to a server: what lies outside
// of a constraint is refused in the words of the protocol, what lies inside is
// not refused for a constraint.
func TestEdges(t *testing.T) {
	t.Parallel()
	m := readModel(t)
	// The model lets the name be absent; there would be nothing to do.
	for _, operation := range []string{"RegisterWebhookWithThirdParty", "DeregisterWebhookWithThirdParty"} {
		m.Shapes[m.Operations[operation].Input.Shape].Required = []string{"webhookName"}
	}
	c := server(t)
	if len(m.Operations) != 44 {
		t.Errorf("the model has %d operations", len(m.Operations))
	}
	var inside, outside atomic.Int32
	t.Cleanup(func() {
		if i, o := inside.Load(), outside.Load(); !t.Failed() && testing.Verbose() {
			t.Logf("%d edges inside, %d outside", i, o)
		}
	})
	for operation := range m.Operations {
		t.Run(operation, func(t *testing.T) {
			t.Parallel()
			for e := range m.Edges(operation) {
				err := c.CallRaw(context.Background(), "CodePipeline_20150709."+operation, json.RawMessage(e.Body), nil)
				refused, ok := errors.AsType[*api.APIError](err)
				switch {
				case err != nil && !ok:
					t.Fatal(err)
				case e.Code != "":
					outside.Add(1)
					if !ok || refused.Status != http.StatusBadRequest || refused.Code != e.Code || refused.Message != e.Message {
						t.Errorf("%s\n got %v\nwant %s: %s", e.Name, err, e.Code, e.Message)
					}
				default:
					inside.Add(1)
					if ok && (refused.Status != http.StatusBadRequest || refused.Code == "SerializationException" || !api.Declared(operation, refused.Code) || strings.Contains(refused.Message, "failed to satisfy constraint")) {
						t.Errorf("%s\n got %v\nwant no violation", e.Name, err)
					}
				}
			}
		})
	}
}

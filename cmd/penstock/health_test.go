package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"penstock/internal/clientcfg"
)

func TestHealth(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		status int
		body   string
		args   []string
		code   int
		want   string
	}{
		{"ready", 200, "ready\n", nil, exitOK, "ready"},
		{"ready, for programs", 200, "ready\n", []string{"--output", "json"}, exitOK, `"ready": true`},
		{"not ready", 503, "starting or \x1b[1mstopping\n", nil, exitFailure, "is not ready: 503 Service Unavailable starting or [1mstopping"},
		{"sent elsewhere", 302, "", nil, exitFailure, "is not ready: 302"},
		{"too many words", 200, "", []string{"now"}, exitUsage, "takes no arguments"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method+" "+r.URL.Path != "GET /readyz" || r.Header.Get("Authorization") != "" {
					t.Errorf("%s %s with credentials %q", r.Method, r.URL, r.Header.Get("Authorization"))
				}
				if c.status == http.StatusFound {
					w.Header().Set("Location", "http://127.0.0.1:1/")
				}
				w.WriteHeader(c.status)
				io.WriteString(w, c.body)
			}))
			defer server.Close()
			cli := consoleAt(t, server.URL)
			cli.load = func(context.Context, clientcfg.Options) (*clientcfg.Config, error) {
				return &clientcfg.Config{Endpoint: server.URL}, clientcfg.ErrNoCredentials
			}
			code, stdout, stderr := cli.run(append([]string{"health"}, c.args...)...)
			if code != c.code || !strings.Contains(stdout+stderr, c.want) {
				t.Errorf("exit %d, %q %q; want %d and %q", code, stdout, stderr, c.code, c.want)
			}
		})
	}
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	if code, _, stderr := consoleAt(t, gone.URL).run("health"); code != exitUnreachable || !strings.Contains(stderr, "no answer") {
		t.Errorf("exit %d, %q without a server", code, stderr)
	}
}

package app

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"penstock/internal/sigv4"
	"penstock/internal/store"
	"penstock/internal/trouble"
)

// router tells apart the services that share the endpoint: by the service in
// the signature's scope, by X-Amz-Target, by content type and path.
type router struct {
	api, sts, s3 http.Handler
	own          *http.ServeMux // health, metrics, webhooks; never keys of S3
	dates        *dates         // nil = the host's are right
}

// ServeHTTP implements http.Handler.
func (rt *router) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if rt.dates != nil {
		w.Header()["Date"] = rt.dates.line()
	}
	if !strings.HasPrefix(r.Header.Get("Authorization"), "AWS") && isOwn(r.URL.Path) {
		rt.own.ServeHTTP(w, r)
		return
	}
	switch scope := sigv4.Service(r); {
	case scope == "s3":
		rt.s3.ServeHTTP(w, r)
	case scope == "sts":
		rt.sts.ServeHTTP(w, r)
	case scope != "", r.Header.Get("X-Amz-Target") != "", isJSON(r):
		rt.api.ServeHTTP(w, r)
	case r.Method == http.MethodPost && r.URL.Path == "/" && strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded"):
		rt.sts.ServeHTTP(w, r)
	default:
		rt.s3.ServeHTTP(w, r)
	}
}

func isOwn(path string) bool {
	return path == "/healthz" || path == "/readyz" || path == "/metrics" || strings.HasPrefix(path, "/-/") || strings.HasPrefix(path, "/webhooks/")
}

func isJSON(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-amz-json-")
}

// ownPages are the pages that no AWS service has.
func (a *App) ownPages(webhooks http.Handler) *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if !a.ready.Load() {
			http.Error(w, "starting or stopping", http.StatusServiceUnavailable)
			return
		}
		if err := a.reachable(r.Context()); err != nil {
			http.Error(w, cmp.Or(trouble.Text(err), "The server's database does not answer."), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
	})
	if a.cfg.MetricsListen == "" {
		mux.Handle("GET /metrics", a.metrics.Handler())
	}
	mux.Handle("/webhooks/", webhooks)
	return mux
}

// readyTime is how long the database may take to answer before the server does
// not count as ready.
const readyTime = 3 * time.Second

// reachable asks the database for something small: not for the next timer, as
// who asks for that is taken to know of it from then on.
func (a *App) reachable(ctx context.Context) error {
	ctx, done := context.WithTimeout(ctx, readyTime)
	defer done()
	return a.driver.View(ctx, func(r store.Reader) error {
		_, err := r.Due(time.Time{}, 1)
		return err
	})
}

// externalS3 answers S3 requests of a server whose artifacts lie elsewhere.
func externalS3(endpoint string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(http.StatusNotImplemented)
		fmt.Fprintf(w, "<Error><Code>NotImplemented</Code><Message>This server keeps its artifacts in another S3 (%s)</Message></Error>", endpoint)
	})
}

package app

import (
	"fmt"
	"net/http"
	"strings"
)

// router tells apart the services that share the endpoint: by the service in
// the signature's scope, by X-Amz-Target, by content type and path.
type router struct {
	api, sts, s3 http.Handler
	own          *http.ServeMux // health, metrics; never keys of S3
}

// ServeHTTP implements http.Handler.
func (rt *router) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") == "" && isOwn(r.URL.Path) {
		rt.own.ServeHTTP(w, r)
		return
	}
	switch scope := scopeService(r); {
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

// scopeService is the service of the credential scope KEY/DATE/REGION/SERVICE/
// aws4_request, "" when the request carries none that can be read.
func scopeService(r *http.Request) string {
	credential := ""
	if _, after, ok := strings.Cut(r.Header.Get("Authorization"), "Credential="); ok {
		credential, _, _ = strings.Cut(after, ",")
	} else if strings.Contains(r.URL.RawQuery, "X-Amz-Credential=") {
		credential = r.URL.Query().Get("X-Amz-Credential")
	}
	parts := strings.Split(strings.TrimSpace(credential), "/")
	if len(parts) < 5 {
		return ""
	}
	return parts[len(parts)-2]
}

// ownPages are the pages that no AWS service has.
func (a *App) ownPages() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if !a.ready.Load() {
			http.Error(w, "starting or stopping", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
	})
	mux.Handle("GET /metrics", a.metrics.Handler())
	return mux
}

// externalS3 answers S3 requests of a server whose artifacts lie elsewhere.
func externalS3(endpoint string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(http.StatusNotImplemented)
		fmt.Fprintf(w, "<Error><Code>NotImplemented</Code><Message>This server keeps its artifacts in another S3 (%s)</Message></Error>", endpoint)
	})
}

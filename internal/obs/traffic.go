package obs

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// traffic counts what comes in beside API calls, and what goes out.
type traffic struct {
	deliveries, s3, polls, artifacts *prometheus.CounterVec
}

func newTraffic(r *prometheus.Registry) traffic {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "penstock_" + name, Help: help}, labels)
	}
	t := traffic{
		deliveries: counter("webhook_deliveries_total", "Deliveries at webhook URLs, by receiver and HTTP status.", "receiver", "code"),
		s3:         counter("s3_requests_total", "Requests to the embedded S3, by HTTP status.", "code"),
		polls:      counter("source_polls_total", "Looks at polling sources, by kind and result: ok, unreadable, failed.", "source", "result"),
		artifacts:  counter("artifact_store_calls_total", "Calls of the server itself to the artifact store, by result: ok, refused, failed.", "operation", "result"),
	}
	// What alerts look for is there from the start: else the first one is no increase.
	for _, s := range []string{"s3", "git"} {
		t.polls.WithLabelValues(s, "failed")
	}
	for _, receiver := range []string{"webhook", "connection"} {
		t.deliveries.WithLabelValues(receiver, "200")
	}
	for _, operation := range []string{"EnsureBucket", "Head", "Get", "Put", "Copy", "Delete", "List"} {
		t.artifacts.WithLabelValues(operation, "failed")
	}
	for _, code := range []string{"500", "503"} {
		t.s3.WithLabelValues(code)
	}
	r.MustRegister(t.deliveries, t.s3, t.polls, t.artifacts)
	return t
}

// Deliveries counts what the receiver of a kind of webhooks answers.
func (m *Metrics) Deliveries(receiver string, h http.Handler) http.Handler {
	return promhttp.InstrumentHandlerCounter(m.traffic.deliveries.MustCurryWith(prometheus.Labels{"receiver": receiver}), h)
}

// S3 counts what the embedded S3 answers.
func (m *Metrics) S3(h http.Handler) http.Handler {
	return promhttp.InstrumentHandlerCounter(m.traffic.s3, h)
}

// Polled counts a look at a source of a kind. unreadable says that the error is
// for the pipeline's owner to mend.
func (m *Metrics) Polled(source string, err error, unreadable bool) {
	result := "ok"
	switch {
	case unreadable:
		result = "unreadable"
	case err != nil:
		result = "failed"
	}
	m.traffic.polls.WithLabelValues(source, result).Inc()
}

// Artifact counts a call to the artifact store. refused says that the error is
// an answer of the store, such as a missing object, rather than a failure.
func (m *Metrics) Artifact(operation string, err error, refused bool) {
	result := "ok"
	switch {
	case refused:
		result = "refused"
	case err != nil:
		result = "failed"
	}
	m.traffic.artifacts.WithLabelValues(operation, result).Inc()
}

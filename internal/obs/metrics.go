// Package obs holds the metrics that the server offers to Prometheus.
package obs

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics are the server's own metrics, in a registry of their own.
type Metrics struct {
	registry *prometheus.Registry
	calls    *prometheus.CounterVec
	duration *prometheus.HistogramVec
	jobs     *prometheus.CounterVec
	traffic  traffic
}

// New returns the metrics, with those of the Go runtime and the process.
func New(version string) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "penstock_api_requests_total", Help: "API calls by operation and error code (OK when there was none).",
		}, []string{"operation", "code"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "penstock_api_request_seconds", Help: "Time to answer API calls.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, 1, 5, 25},
		}, []string{"operation"}),
		jobs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "penstock_local_jobs_total", Help: "Jobs of built-in actions that ended on this server.",
		}, []string{"provider", "result"}),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "penstock_build_info", Help: "Always 1; the label names the version.", ConstLabels: prometheus.Labels{"version": version},
	})
	build.Set(1)
	m.registry.MustRegister(m.calls, m.duration, m.jobs, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.traffic = newTraffic(m.registry)
	return m
}

// Call counts an API call.
func (m *Metrics) Call(operation, code string, d time.Duration) {
	m.calls.WithLabelValues(operation, code).Inc()
	m.duration.WithLabelValues(operation).Observe(d.Seconds())
}

// Jobs adds a provider of built-in actions: its counts begin at 0.
func (m *Metrics) Jobs(provider string) {
	m.jobs.WithLabelValues(provider, "reported")
	m.jobs.WithLabelValues(provider, "lost")
}

// Job counts a job of a built-in action.
func (m *Metrics) Job(provider string, err error) {
	result := "reported"
	if err != nil {
		result = "lost"
	}
	m.jobs.WithLabelValues(provider, result).Inc()
}

// Handler serves the metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

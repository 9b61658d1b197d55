package obs

import "github.com/prometheus/client_golang/prometheus"

// EventSink are the metrics of one sink of events.
type EventSink struct {
	delivered, failed, lost prometheus.Counter
	waiting                 prometheus.Gauge
}

// EventSink adds the metrics of the named sink; once for a name.
func (m *Metrics) EventSink(name string) *EventSink {
	labels := prometheus.Labels{"sink": name}
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help, ConstLabels: labels})
	}
	s := &EventSink{
		delivered: counter("penstock_events_delivered_total", "Events that the sink has taken."),
		failed:    counter("penstock_event_failures_total", "Attempts to deliver events that failed."),
		lost:      counter("penstock_event_decisions_lost_total", "Decisions whose events were removed, a day old, before the sink took them."),
		waiting: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "penstock_event_decisions_waiting", Help: "Decisions whose events the sink has yet to take.", ConstLabels: labels,
		}),
	}
	m.registry.MustRegister(s.delivered, s.failed, s.lost, s.waiting)
	return s
}

// Delivered counts events that the sink has taken.
func (s *EventSink) Delivered(events int) { s.delivered.Add(float64(events)) }

// Failed counts an attempt that left events behind.
func (s *EventSink) Failed() { s.failed.Inc() }

// Lost counts decisions whose events the sink will never get.
func (s *EventSink) Lost(decisions int64) { s.lost.Add(float64(decisions)) }

// Waiting says how many decisions the sink is behind.
func (s *EventSink) Waiting(decisions int64) { s.waiting.Set(float64(decisions)) }

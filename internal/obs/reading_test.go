package obs

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func scrape(t *testing.T, h http.Handler) string {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func TestReading(t *testing.T) {
	t.Parallel()
	full := Reading{
		DatabaseUp: true, Queues: map[string]Queue{"custom": {3, 2, 90 * time.Second}},
		TimersOverdue: 4, TimerOverdue: 1500 * time.Millisecond, Nodes: 3, Lease: true, Heartbeat: 2 * time.Second,
		Work:     Work{Updates: 10, Groups: 5, Alone: 1, Statements: 70, Failures: 7, File: &File{6, 4096}, Pool: &Pool{8, 3, 12, 9, time.Minute}},
		DataFree: 1000, DataSize: 4000,
	}
	for _, c := range []struct {
		name         string
		reading      Reading
		there, never []string
	}{
		{"full", full, []string{
			`penstock_database_up 1`, `penstock_jobs_waiting{kind="custom"} 3`, `penstock_jobs_handed_out{kind="custom"} 2`,
			`penstock_jobs_oldest_waiting_seconds{kind="custom"} 90`, `penstock_timers_overdue 4`, `penstock_timer_overdue_seconds 1.5`,
			`penstock_nodes 3`, `penstock_node_lease 1`, `penstock_node_heartbeat_age_seconds 2`,
			`penstock_database_updates_total 10`, `penstock_database_transactions_total{kind="shared"} 5`,
			`penstock_database_transactions_total{kind="alone"} 1`, `penstock_database_statements_total 70`, `penstock_database_failures_total 7`,
			`penstock_sqlite_checkpoints_total 6`, `penstock_sqlite_wal_bytes 4096`,
			`penstock_postgres_connections{state="busy"} 3`, `penstock_postgres_connections{state="idle"} 5`, `penstock_postgres_connections_max 12`,
			`penstock_postgres_connection_waits_total 9`, `penstock_postgres_connection_wait_seconds_total 60`,
			`penstock_data_free_bytes 1000`, `penstock_data_size_bytes 4000`,
		}, nil},
		{"the database does not answer", Reading{Work: Work{Updates: 1}}, []string{`penstock_database_up 0`, `penstock_database_updates_total 1`},
			[]string{"penstock_jobs_waiting", "penstock_nodes", "penstock_timers_overdue", "penstock_sqlite", "penstock_postgres", "penstock_data_"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := New("v")
			m.Read(func(context.Context) Reading { return c.reading })
			text := scrape(t, m.Handler())
			for _, want := range c.there {
				if !strings.Contains(text, "\n"+want+"\n") {
					t.Errorf("no %s", want)
				}
			}
			for _, not := range c.never {
				if strings.Contains(text, not) {
					t.Errorf("there is %s", not)
				}
			}
		})
	}
}

// Strangers that ask often do not make the server ask the database as often.
func TestReadingIsKept(t *testing.T) {
	t.Parallel()
	now, reads := time.Unix(1000, 0), 0
	r := &reader{now: func() time.Time { return now }, read: func(ctx context.Context) Reading {
		if _, limited := ctx.Deadline(); !limited {
			t.Error("a reading may take for ever")
		}
		reads++
		return Reading{Nodes: reads}
	}}
	for _, c := range []struct {
		after time.Duration
		want  int
	}{{0, 1}, {readAgain - 1, 1}, {1, 2}, {0, 2}} {
		now = now.Add(c.after)
		if got := r.reading().Nodes; got != c.want {
			t.Errorf("after %v: reading %d, want %d", c.after, got, c.want)
		}
	}
}

func TestTraffic(t *testing.T) {
	t.Parallel()
	m := New("v")
	answer := func(status int) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
	}
	for _, h := range []http.Handler{m.Deliveries("webhook", answer(403)), m.Deliveries("connection", answer(200)), m.S3(answer(503))} {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), "BREW", "/", nil))
	}
	m.Polled("s3", nil, false)
	m.Polled("s3", errors.New("no such bucket"), true)
	m.Polled("git", errors.New("no route"), false)
	m.Artifact("Put", nil, false)
	m.Artifact("Put", errors.New("disk full"), false)
	m.Artifact("Get", errors.New("no such key"), true)
	text := scrape(t, m.Handler())
	for _, want := range []string{
		`penstock_webhook_deliveries_total{code="403",receiver="webhook"} 1`,
		`penstock_webhook_deliveries_total{code="200",receiver="connection"} 1`,
		`penstock_s3_requests_total{code="503"} 1`,
		`penstock_source_polls_total{result="ok",source="s3"} 1`,
		`penstock_source_polls_total{result="unreadable",source="s3"} 1`,
		`penstock_source_polls_total{result="failed",source="s3"} 0`,
		`penstock_source_polls_total{result="failed",source="git"} 1`,
		`penstock_artifact_store_calls_total{operation="Put",result="ok"} 1`,
		`penstock_artifact_store_calls_total{operation="Put",result="failed"} 1`,
		`penstock_artifact_store_calls_total{operation="Get",result="refused"} 1`,
	} {
		if !strings.Contains(text, "\n"+want+"\n") {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}

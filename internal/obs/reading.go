package obs

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Reading is the state of a server at one moment.
type Reading struct {
	DatabaseUp bool // the database answered; else the rest up to Work is missing

	Queues        map[string]Queue // by for whom the jobs are
	TimersOverdue int
	TimerOverdue  time.Duration // the oldest of them; 0 = none
	Nodes         int
	Lease         bool          // this node has one
	Heartbeat     time.Duration // since this node's last one

	Work Work

	DataFree, DataSize uint64 // bytes of the data folder's file system; 0, 0 = not known
}

// Queue is the jobs that no worker has acknowledged yet.
type Queue struct {
	Ready, HandedOut int
	Oldest           time.Duration // how long the first of Ready waits
}

// Work is what the store did since the start.
type Work struct {
	Updates, Groups, Alone, Statements, Failures int64

	File *File // with SQLite
	Pool *Pool // with PostgreSQL
}

// File is the write-ahead log of SQLite.
type File struct{ Checkpoints, LogBytes int64 }

// Pool is the connections to PostgreSQL.
type Pool struct {
	Open, Busy, Most, Waits int64
	Waited                  time.Duration
}

const (
	// readAgain is how old a reading may become: strangers may ask for
	// metrics, and each reading costs a few queries.
	readAgain = 5 * time.Second
	// readTime is how long one may take.
	readTime = 3 * time.Second
)

// Read adds metrics of what read returns, which is called when metrics are
// asked for, by one at a time.
func (m *Metrics) Read(read func(context.Context) Reading) {
	m.registry.MustRegister(&reader{read: read, now: time.Now})
}

// reader is a collector of readings.
type reader struct {
	read func(context.Context) Reading
	now  func() time.Time

	mu   sync.Mutex
	last Reading
	at   time.Time
}

func (r *reader) reading() Reading {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := r.now(); r.at.IsZero() || now.Sub(r.at) >= readAgain {
		ctx, done := context.WithTimeout(context.Background(), readTime)
		defer done()
		r.last, r.at = r.read(ctx), now
	}
	return r.last
}

// Describe implements prometheus.Collector. What is read depends on the
// database, so nothing is promised.
func (r *reader) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (r *reader) Collect(out chan<- prometheus.Metric) {
	x := r.reading()
	set := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	count := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, labels...)
	}
	set(databaseUp, flag(x.DatabaseUp))
	if x.DatabaseUp {
		for kind, q := range x.Queues {
			set(jobsReady, float64(q.Ready), kind)
			set(jobsHandedOut, float64(q.HandedOut), kind)
			set(jobsOldest, q.Oldest.Seconds(), kind)
		}
		set(timersOverdue, float64(x.TimersOverdue))
		set(timerOverdue, x.TimerOverdue.Seconds())
		set(nodes, float64(x.Nodes))
		set(nodeLease, flag(x.Lease))
		set(nodeHeartbeat, x.Heartbeat.Seconds())
	}
	w := x.Work
	count(updates, float64(w.Updates))
	count(transactions, float64(w.Groups), "shared")
	count(transactions, float64(w.Alone), "alone")
	count(statements, float64(w.Statements))
	count(failures, float64(w.Failures))
	if f := w.File; f != nil {
		count(checkpoints, float64(f.Checkpoints))
		set(logBytes, float64(f.LogBytes))
	}
	if p := w.Pool; p != nil {
		set(connections, float64(p.Busy), "busy")
		set(connections, float64(p.Open-p.Busy), "idle")
		set(connectionsMost, float64(p.Most))
		count(connectionWaits, float64(p.Waits))
		count(connectionWaited, p.Waited.Seconds())
	}
	if x.DataSize > 0 {
		set(dataFree, float64(x.DataFree))
		set(dataSize, float64(x.DataSize))
	}
}

func flag(on bool) float64 {
	if on {
		return 1
	}
	return 0
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("penstock_"+name, help, labels, nil)
}

var (
	databaseUp    = describe("database_up", "1 when the database answered this reading.")
	jobsReady     = describe("jobs_waiting", "Jobs that wait for a worker, by whose work they are.", "kind")
	jobsHandedOut = describe("jobs_handed_out", "Jobs that were polled and not acknowledged yet.", "kind")
	jobsOldest    = describe("jobs_oldest_waiting_seconds", "How long the oldest job that waits for a worker does so.", "kind")
	timersOverdue = describe("timers_overdue", "Timers that are due and have not been fired, 1000 at most.")
	timerOverdue  = describe("timer_overdue_seconds", "How late the oldest timer is that is due.")
	nodes         = describe("nodes", "Servers that work on the database.")
	nodeLease     = describe("node_lease", "1 while this server has its lease; 0 when others have taken over what it held.")
	nodeHeartbeat = describe("node_heartbeat_age_seconds", "Time since the database took this server's last heartbeat.")

	updates          = describe("database_updates_total", "Changes that calls and loops asked the database for.")
	transactions     = describe("database_transactions_total", "Transactions of changes: shared by those that waited together, or alone.", "kind")
	statements       = describe("database_statements_total", "Statements of SQL that were run.")
	failures         = describe("database_failures_total", "Changes that failed because of the database.")
	checkpoints      = describe("sqlite_checkpoints_total", "Times that the write-ahead log was copied into the database file.")
	logBytes         = describe("sqlite_wal_bytes", "Part of the write-ahead log that is in use.")
	connections      = describe("postgres_connections", "Connections to PostgreSQL for reads and hand-outs.", "state")
	connectionsMost  = describe("postgres_connections_max", "Connections for reads and hand-outs that may be open.")
	connectionWaits  = describe("postgres_connection_waits_total", "Times that a call had to wait for a connection.")
	connectionWaited = describe("postgres_connection_wait_seconds_total", "Time that calls waited for a connection.")

	dataFree = describe("data_free_bytes", "Free space of the data folder's file system, as far as this user may take it.")
	dataSize = describe("data_size_bytes", "Size of the data folder's file system.")
)

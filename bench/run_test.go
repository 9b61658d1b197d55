package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"penstock/internal/store/postgres/pgtest"
)

// built is the server, which all runs share.
var built = struct {
	sync.Once
	path string
	err  error
}{}

func server(t *testing.T) string {
	t.Helper()
	built.Do(func() {
		var dir string
		if dir, built.err = os.MkdirTemp("", "penstock-bench-test-"); built.err == nil {
			built.path = filepath.Join(dir, "penstock")
			built.err = build(t.Context(), built.path)
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return built.path
}

// folder is one that PostgreSQL gets to even if it runs as another user.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o711); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// shortRun measures for a moment and returns the line for machines. Every
// refusal, every job that comes twice fails it.
func shortRun(t *testing.T, args ...string) map[string]any {
	t.Helper()
	var out, notes bytes.Buffer
	args = append([]string{"--quick", "--json", "--binary", server(t), "--data", t.TempDir(), "--callers", "8", "--rounds", "1",
		"--round", "300ms", "--history", "1000"}, args...)
	if err := run(t.Context(), args, &out, &notes); err != nil {
		t.Fatalf("%v\n%s", err, &notes)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	var got map[string]any
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &got); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{
		"noop_rps", "loglimit_rps", "fsync_p50_us", "fsync_p99_us", "calls_rps", "server_cpu_us_per_call",
		"ratio_loglimit", "handover_p99_us", "handover_sent_p50_us", "ratio_history",
		"executions_per_second", "start_ms", "start_history_ms", "rss_idle_bytes", "rss_load_bytes", "list_p50_us", "list_p99_us",
	} {
		if n, ok := got[key].(float64); !ok || n <= 0 {
			t.Errorf("%s is %v", key, got[key])
		}
	}
	if _, ok := got["handover_p50_us"]; !ok { // may be 0: see handoverTime
		t.Error("handover_p50_us is missing")
	}
	if got["callers"] != 8.0 || got["rounds"] != 1.0 || got["history"] != 1000.0 {
		t.Errorf("measured %v callers in %v rounds after %v executions", got["callers"], got["rounds"], got["history"])
	}
	return got
}

func TestShortRun(t *testing.T) {
	t.Parallel()
	if got := shortRun(t); got["nodes"] != 1.0 || got["store"] != nil {
		t.Errorf("measured %v nodes on %v", got["nodes"], got["store"])
	}
}

// TestNodesRun has the bench make and drop its databases on a server that runs
// already.
func TestNodesRun(t *testing.T) {
	t.Parallel()
	s, err := pgtest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	if got := shortRun(t, "--database", s.URL(), "--nodes", "2"); got["nodes"] != 2.0 || got["store"] != "postgres" {
		t.Errorf("measured %v nodes on %v", got["nodes"], got["store"])
	}
	d := &database{url: s.URL()}
	if err := d.run(t.Context(), `DO $$ BEGIN ASSERT NOT EXISTS (SELECT FROM pg_database WHERE datname LIKE 'penstock%'); END $$`); err != nil {
		t.Errorf("databases are left: %v", err)
	}
}

func TestPrint(t *testing.T) {
	t.Parallel()
	some := []round{{Calls: 700, Starts: 7, Seconds: 1, CPU: 0.07, DB: 0.14}}
	times := []time.Duration{time.Millisecond, 2 * time.Millisecond}
	res := results{
		Levels: []level{{Callers: 64, Noop: some, Log: some, Real: some, Past: some}}, Lines: some, Fsyncs: times,
		Handovers: []handoverTime{{Answered: time.Millisecond, Sent: time.Millisecond}},
		Lists:     []listTimes{{Operation: "ListSome", Pages: 2, All: times, First: times}},
		Start:     15 * time.Millisecond, StartPast: 25 * time.Millisecond, Idle: 20e6, Loaded: 90e6,
	}
	var out bytes.Buffer
	if err := res.print(&out, plan{Nodes: 3, History: 10}, &database{}); err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(out.String()), " ")
	for _, want := range []string{
		"64 700 700 700 1.000 1.000 100.0 100.0 100.0 0.0 200.0 1.000", "ListSome 2 1.00/2.00 1.00/2.00 - -", "store: postgres, nodes: 3",
		"64 callers: 7/s", "20.0 MB after its start, 90.0 MB after all load", "15.0 ms on an empty database, 25.0 ms on the one with history",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
}

// TestWaitingRun lets a few workers wait on two nodes.
func TestWaitingRun(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	d, err := openDatabase(t.Context(), ownServer, dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.close(); err != nil {
			t.Error(err)
		}
	})
	b := &bench{plan: plan{Nodes: 2, Rest: 10 * time.Millisecond, Handovers: 10}, dir: dir, binary: server(t), say: t.Logf, database: d}
	got, err := b.runWaiting(t.Context(), 20)
	if err != nil {
		t.Fatal(err)
	}
	if got.Workers != 20 || got.Memory <= 0 || got.Peak < got.Memory/2 || got.P50 <= 0 {
		t.Errorf("measured %+v", got)
	}
}

func TestRefusedFlags(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"--nodes", "2"}, {"--nodes", "0"}, {"--nodes", "65", "--database", "postgres"}, {"--callers", "0"},
		{"--database", "postgres://nobody@127.0.0.1:1/none?connect_timeout=2", "--binary", "/none", "--data", t.TempDir()},
	} {
		var out, notes bytes.Buffer
		if err := run(t.Context(), args, &out, &notes); err == nil {
			t.Errorf("%v was taken", args)
		}
	}
}

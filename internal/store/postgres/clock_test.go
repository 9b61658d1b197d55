package postgres

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"penstock/internal/store/postgres/pgtest"
)

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestClock has the clocks of a host and of its database differ: what counts is
// the database's, also when it is set right, and the log says so.
func TestClock(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	set := func(ahead string) { // a function of this name in front of the system's
		t.Helper()
		_, err := conn.Exec(t.Context(), `CREATE OR REPLACE FUNCTION clock_timestamp() RETURNS timestamptz LANGUAGE sql AS
			$$ SELECT pg_catalog.clock_timestamp() + interval '`+ahead+`' $$`)
		if err != nil {
			t.Fatal(err)
		}
	}
	set("0")
	var log lockedBuffer
	schema, _, _ := strings.Cut(url[strings.Index(url, "search_path=")+len("search_path="):], "&")
	d, err := Open(t.Context(), strings.Replace(url, "search_path="+schema, "search_path="+schema+"%2Cpg_catalog", 1),
		Options{Sealer: testSealer{}, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	for _, tc := range []struct {
		ahead  string
		want   time.Duration
		warned bool
	}{{"0", 0, false}, {"25 hours", 25 * time.Hour, true}, {"-3 hours", -3 * time.Hour, true}, {"1 second", time.Second, false}} {
		set(tc.ahead)
		patience := time.Now().Add(time.Minute)
		// The heartbeat reads it; no more than a moment passes meanwhile.
		for near := false; !near; near = time.Until(d.Now().Add(-tc.want)).Abs() < 900*time.Millisecond {
			if time.Now().After(patience) {
				t.Fatalf("%s: the node's time is %v, the host's %v", tc.ahead, d.Now(), time.Now())
			}
			if err := d.beatOnce(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := strings.Count(log.String(), "this host's clock differs"); n < 1 || n > 2 {
		t.Errorf("%d warnings, want one for each time that they part:\n%s", n, log.String())
	}
}

// TestClockIsMonotonic keeps the reading of the monotonic clock, which a jump of
// the host's time of day does not move.
func TestClockIsMonotonic(t *testing.T) {
	t.Parallel()
	d := open(t, pgtest.URL(t))
	if local := d.clock.last.Load().local; !strings.Contains(local.String(), " m=") {
		t.Errorf("the reading is by the time of day alone: %s", local)
	}
}

// TestReadings: an answer that was held up does not replace a better one, unless
// the database's clock was set.
func TestReadings(t *testing.T) {
	t.Parallel()
	local := time.Now()
	database := local.Add(time.Hour)
	good := &reading{database, local, time.Millisecond}
	for name, tc := range map[string]struct {
		after, ahead, off time.Duration
		want              bool
	}{
		"as good":                         {2 * time.Second, 0, time.Millisecond, false},
		"held up":                         {2 * time.Second, 300 * time.Millisecond, 350 * time.Millisecond, true},
		"held up the other way":           {2 * time.Second, -300 * time.Millisecond, 350 * time.Millisecond, true},
		"held up, but the clock was set":  {2 * time.Second, time.Second, 350 * time.Millisecond, false},
		"held up, and the good one old":   {time.Hour, 0, 350 * time.Millisecond, false},
		"a little late, and a minute old": {time.Minute, 0, 5 * time.Millisecond, false},
	} {
		newer := &reading{database.Add(tc.after + tc.ahead), local.Add(tc.after), tc.off}
		if got := good.outlasts(newer); got != tc.want {
			t.Errorf("%s: the older reading outlasts it: %v", name, got)
		}
	}
}

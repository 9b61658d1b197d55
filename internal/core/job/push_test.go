package job

import (
	"testing"
	"time"

	"penstock/internal/core/fault"
)

// To callers a pushed job is InProgress from its start, whether its function has
// been called or not.
func TestPushed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		state  State
		report string // error of a report
		taken  bool   // a worker within the server can take it
	}{
		{Created, "InvalidJobStateException", false},
		{Queued, "", true},
		{Dispatched, "", true},
		{InProgress, "", true},
		{TimedOut, "InvalidJobStateException", false},
		{Succeeded, "InvalidJobStateException", false},
		{Failed, "InvalidJobStateException", false},
	} {
		t.Run(string(c.state), func(t *testing.T) {
			t.Parallel()
			j := &Job{ID: "J", Kind: Pushed, Account: "1", State: c.state, EndedAt: noon}
			nonce := j.Nonces.HandOut()
			if c.state == InProgress {
				j.Nonces.Acked = 1
			}
			if _, err := j.Acknowledge(nonce, noon); fault.Code(err) != "InvalidNonceException" || j.State != c.state {
				t.Errorf("acknowledged: %v, %s", err, j.State)
			}
			if repeat, err := j.CheckReport("x", noon); repeat || fault.Code(err) != c.report {
				t.Errorf("a report: %t, %v", repeat, err)
			}
			if j.Visible(Custom, true, noon) != nil || j.Visible(Partner, true, noon) == nil || j.Visible(Custom, false, noon) == nil {
				t.Error("it is open to other calls than those of custom actions")
			}
			if s, err := j.Take(nonce, noon); err != nil || (s == InProgress) != c.taken || j.Held() != c.taken {
				t.Errorf("taken: %s, %v", s, err)
			}
			if j.LetGo() != c.taken || j.LetGo() || j.Held() {
				t.Error("it is still held")
			}
			if repeat, err := j.CheckReport("x", noon); repeat || fault.Code(err) != c.report {
				t.Errorf("a report, after the call: %t, %v", repeat, err)
			}
			if _, err := j.Take("-1", noon); fault.Code(err) != "InvalidNonceException" {
				t.Errorf("taken with the nonce of nobody: %v", err)
			}
		})
	}
}

// No other job is let go, nor reported on before it is taken.
func TestOnlyPushed(t *testing.T) {
	t.Parallel()
	for _, k := range []Kind{Custom, Partner, Native, Called} {
		j := &Job{Kind: k, State: Dispatched}
		nonce := j.Nonces.HandOut()
		if _, err := j.CheckReport("x", noon); err == nil || j.Held() {
			t.Errorf("%s: %v, held: %t", k, err, j.Held())
		}
		if _, err := j.Take(nonce, noon); err != nil || j.LetGo() || j.Held() != (k == Native || k == Called) {
			t.Errorf("%s: %v, held: %t", k, err, j.Held())
		}
	}
}

// Each job of an action has its time from when it can be taken.
func TestLimit(t *testing.T) {
	t.Parallel()
	j := &Job{Kind: Pushed, QueuedAt: noon, Timeout: 20 * time.Minute}
	j.Limit()
	if want := noon.Add(20 * time.Minute); !j.ReportBy.Equal(want) {
		t.Errorf("the first is due at %s", j.ReportBy)
	}
	if n := j.Next("K", "t", Created, noon.Add(time.Hour)); !n.ReportBy.Equal(noon.Add(80 * time.Minute)) {
		t.Errorf("the next is due at %s", n.ReportBy)
	}
	for _, other := range []Job{{Kind: Pushed, QueuedAt: noon}, {Kind: Partner, QueuedAt: noon, Timeout: time.Hour}} {
		if other.Limit(); !other.ReportBy.IsZero() {
			t.Errorf("%+v has a time", other)
		}
	}
}

func TestQueuesOfFunctions(t *testing.T) {
	t.Parallel()
	one, two := Job{Account: "1", Region: "r"}, Job{Account: "2", Region: "s"}
	one.Type.Provider, two.Type.Provider = "P", "Q"
	for _, c := range []struct {
		kind Kind
		same bool // for all types
	}{{Pushed, false}, {Called, true}} {
		one.Kind, two.Kind = c.kind, c.kind
		if got := one.Queue() == two.Queue(); got != c.same {
			t.Errorf("%s: %q and %q", c.kind, one.Queue(), two.Queue())
		}
		two.Type = one.Type
		if one.Queue() != two.Queue() {
			t.Errorf("%s: accounts have queues of their own", c.kind)
		}
		two.Type.Provider = "Q"
	}
}

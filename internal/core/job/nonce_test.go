package job

import (
	"strconv"
	"testing"
)

// accepts lists which of the nonces the job would be acknowledged with.
func accepts(n Nonces, nonces ...string) string {
	out := ""
	for _, s := range nonces {
		j := Job{State: Dispatched, Nonces: n}
		if _, err := j.Acknowledge(s, noon); err == nil {
			out += s + " "
		}
	}
	return out
}

func TestNonces(t *testing.T) {
	t.Parallel()
	all := []string{"0", "1", "2", "3", "4", "5", "-1", "+1", "01", " 1", "1 ", "", "1.0", "99999999999999999999"}
	tests := []struct {
		name string
		do   func(*Nonces)
		want string
	}{
		{"never handed out", func(n *Nonces) {}, ""},
		{"handed out", func(n *Nonces) { n.HandOut() }, "1 "},
		{"handed out again: the older one is void", func(n *Nonces) { n.HandOut(); n.HandOut() }, "2 "},
		{"details fetched twice: all of this hand-out are good", func(n *Nonces) { n.HandOut(); n.Issue(); n.Issue() }, "1 2 3 "},
		{"handed out after that: all older are void", func(n *Nonces) { n.HandOut(); n.Issue(); n.HandOut(); n.Issue() }, "3 4 "},
		{"details of a job that was never handed out", func(n *Nonces) { n.Issue(); n.Issue() }, "1 2 "},
		{"acknowledged: only that one", func(n *Nonces) { n.HandOut(); n.Issue(); n.Issue(); n.Acked = 2 }, "2 "},
		{"details after the acknowledgement", func(n *Nonces) { n.HandOut(); n.Issue(); n.Acked = 2; n.Issue() }, "2 "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var n Nonces
			tt.do(&n)
			if got := accepts(n, all...); got != tt.want {
				t.Errorf("accepted %q, want %q", got, tt.want)
			}
		})
	}
}

func TestNonceShown(t *testing.T) {
	t.Parallel()
	var n Nonces
	for i, got := range []string{n.HandOut(), n.Issue(), n.HandOut()} {
		if want := strconv.Itoa(i + 1); got != want {
			t.Errorf("nonce %s, want %s", got, want)
		}
	}
	n.Acked = 3
	n.Last = 9
	if got := n.Issue(); got != "3" || n.String() != "3" || n.Last != 9 {
		t.Errorf("after the acknowledgement: %s, %+v", got, n.String())
	}
}

// A nonce that was issued but not stored before a restart is never issued
// again, and stays good until the job is handed out again.
func TestNoncesAcrossRestarts(t *testing.T) {
	t.Parallel()
	var stored Nonces
	stored.Base(1)
	if got := accepts(stored, stored.String()); got != "" {
		t.Errorf("a nonce is good before the first hand-out: %q", got)
	}
	lost := stored // what the first process had in memory
	old := lost.HandOut()

	stored.Base(2)
	stored.Base(2) // twice is as once
	if got := accepts(stored, old); got != old+" " {
		t.Errorf("after the restart the nonce %s is void", old)
	}
	now := stored.HandOut()
	if now == old {
		t.Errorf("nonce %s was issued twice", now)
	}
	if got := accepts(stored, old, now); got != now+" " {
		t.Errorf("after the next hand-out: %q, want %q only", got, now)
	}
}

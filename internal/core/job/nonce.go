package job

import "strconv"

// Nonces are the proof of a hand-out, three numbers per job. A nonce rotates
// when the job is handed out again, not when the acknowledgement window ends,
// so that a worker that was slow but not overtaken can still acknowledge.
type Nonces struct {
	Last  int64 // newest issued
	Floor int64 // first that belongs to the present hand-out; older ones are void
	Acked int64 // the acknowledged one; from then on the only valid one
}

// HandOut issues a nonce for a new hand-out and voids all older ones.
func (n *Nonces) HandOut() string {
	n.Last++
	n.Floor = n.Last
	return n.String()
}

// Issue issues one more nonce for the present hand-out
// (GetThirdPartyJobDetails before the acknowledgement). The first one of a job
// that was never handed out is as good as a hand-out.
func (n *Nonces) Issue() string {
	if n.Acked == 0 {
		n.Last++
	}
	if n.Floor == 0 {
		n.Floor = n.Last
	}
	return n.String()
}

// String is the nonce to show: the acknowledged one, else the newest.
func (n *Nonces) String() string {
	if n.Acked != 0 {
		return strconv.FormatInt(n.Acked, 10)
	}
	return strconv.FormatInt(n.Last, 10)
}

// Base lifts the counters to the range of a server start, so that a nonce
// issued after a restart never equals one that was issued, but not stored,
// before it. Nonces of earlier starts stay valid until the next hand-out.
func (n *Nonces) Base(boot int64) {
	base := boot << 32
	if n.Last >= base {
		return
	}
	n.Last = base
	if n.Floor == 0 {
		n.Floor = base + 1 // a new job: nothing was issued yet
	}
}

func (n *Nonces) valid(v int64) bool {
	if n.Acked != 0 {
		return v == n.Acked
	}
	return v >= n.Floor && v <= n.Last && n.Floor > 0
}

// parseNonce accepts only the canonical decimal form: "03" is not "3".
func parseNonce(s string) (int64, bool) {
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil || v <= 0 || strconv.FormatInt(v, 10) != s {
		return 0, false
	}
	return v, true
}

package app

import (
	"testing"
	"time"

	"github.com/google/uuid"
)

// TestIDs sets the clock back: ids go on, and tell their time when it is right.
func TestIDs(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 10, 2, 12, 0, 0, 123_456_789, time.UTC)
	g := &ids{now: func() time.Time { return at }}
	last := ""
	for i, step := range []time.Duration{0, 0, time.Microsecond, -time.Hour, 0, time.Hour, time.Second} {
		at = at.Add(step)
		for range 5000 { // more than there are fractions in a millisecond
			text := g.next()
			id, err := uuid.Parse(text)
			if err != nil || id.Version() != 7 || id.Variant() != uuid.RFC4122 {
				t.Fatalf("step %d: %s: version %d, variant %s, %v", i, text, id.Version(), id.Variant(), err)
			}
			if text <= last {
				t.Fatalf("step %d: %s after %s", i, text, last)
			}
			last = text
		}
	}
	sec, nsec := uuid.MustParse(last).Time().UnixTime()
	if off := time.Unix(sec, nsec).Sub(at); off < 0 || off > 100*time.Millisecond {
		t.Errorf("the id tells a time that is off by %v", off)
	}
}

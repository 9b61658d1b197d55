package app

import (
	"testing"
	"time"
)

// TestDates: the header follows its clock, and is made once a second.
func TestDates(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 12, 0, 0, 999, time.FixedZone("", 3600))
	d := &dates{clock: func() time.Time { return now }}
	first := d.line()
	if first[0] != "Sun, 22 Nov 2026 11:00:00 GMT" {
		t.Errorf("the date is %q", first[0])
	}
	now = now.Add(500 * time.Millisecond)
	if again := d.line(); &again[0] != &first[0] {
		t.Error("it is made twice within a second")
	}
	now = now.Add(-2 * time.Hour)
	if got := d.line()[0]; got != "Sun, 22 Nov 2026 09:00:00 GMT" || first[0] != "Sun, 22 Nov 2026 11:00:00 GMT" {
		t.Errorf("set back, the date is %q", got)
	}
}

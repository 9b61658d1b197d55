package app

import (
	"testing"
	"time"
)

// TestSteady sets the host's clock while time passes.
func TestSteady(t *testing.T) {
	t.Parallel()
	began := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	var passed, ahead time.Duration
	day := func() time.Time { return began.Add(passed + ahead) }
	c := &steady{day: day, passed: func() time.Duration { return passed }}
	for _, step := range []struct {
		what         string
		passes, jump time.Duration
		wait         time.Duration // how far the clock gets
		agrees       bool
	}{
		{"the start", 0, 0, 0, true},
		{"time passes", time.Minute, 0, time.Minute, true},
		{"set forward", time.Second, 2 * time.Hour, 2*time.Hour + time.Second, true},
		{"set back", time.Second, -2 * time.Hour, time.Second / 2, false},
		{"on the way", 2 * time.Hour, 0, time.Hour, false},
		{"nearly there", 2*time.Hour - 2*time.Second, 0, time.Hour - time.Second, false},
		{"there", time.Minute, 0, time.Minute - time.Second/2, true},
		{"a little back", 0, -time.Millisecond, 0, false},
		{"soon there", 3 * time.Millisecond, 0, 2 * time.Millisecond, true},
	} {
		before := c.now()
		passed += step.passes
		ahead += step.jump
		got := c.now()
		if step.what != "the start" && got.Sub(before) != step.wait {
			t.Errorf("%s: the clock goes on by %v, want %v", step.what, got.Sub(before), step.wait)
		}
		if got.Equal(day()) != step.agrees {
			t.Errorf("%s: the clock is %v ahead of the host's", step.what, got.Sub(day()))
		}
	}
}

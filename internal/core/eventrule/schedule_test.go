package eventrule

import (
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 10, 2, 12, 0, 30, 0, time.UTC)

func TestSchedule(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text        string
		first, next time.Duration // from noon; next is of a turn taken 100 minutes late
	}{
		{"rate(1 minute)", time.Minute, 102 * time.Minute},
		{"rate(5 minutes)", 5 * time.Minute, 110 * time.Minute},
		{"rate(1 hour)", time.Hour, 3 * time.Hour},
		{"rate(3 days)", 72 * time.Hour, 144 * time.Hour},
		{"cron(0/10 * * * ? *)", 9*time.Minute + 30*time.Second, 119*time.Minute + 30*time.Second},
		{"cron(0 0 ? * sun 2026)", 36*time.Hour - 30*time.Second, 36*time.Hour - 30*time.Second + 7*24*time.Hour},
	} {
		s, err := ParseSchedule(tt.text)
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
			continue
		}
		first := s.First(noon)
		if got := first.Sub(noon); got != tt.first {
			t.Errorf("%s comes first after %s, want %s", tt.text, got, tt.first)
		}
		if got := s.Next(first, first.Add(100*time.Minute)).Sub(noon); got != tt.next {
			t.Errorf("%s comes next after %s, want %s", tt.text, got, tt.next)
		}
		if next := s.Next(first, first); !next.After(first) {
			t.Errorf("%s comes at %s and then at %s", tt.text, first, next)
		}
		if next := s.Next(first, first.Add(-time.Hour)); !next.After(first) { // a clock that runs behind
			t.Errorf("%s, by a clock that runs behind, comes at %s and then at %s", tt.text, first, next)
		}
	}
	s, err := ParseSchedule("cron(0 0 1 1 ? 2020)")
	if err != nil || !s.First(noon).IsZero() {
		t.Errorf("a schedule that is over comes at %s, %v", s.First(noon), err)
	}
}

func TestScheduleErrors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "schedule is", "at(2026-10-02T12:00:00)": "schedule is", "rate(5 minutes": "schedule is", "Rate(5 minutes)": "schedule is",
		"rate()": "number", "rate(0 minutes)": "number", "rate(-1 minutes)": "number", "rate(+2 minutes)": "number", "rate(1.5 hours)": "number",
		"rate(5)": "unit", "rate(5  minutes)": "unit", "rate(5 seconds)": "unit", "rate(5 weeks)": "unit",
		"rate(1 minutes)": "singular", "rate(5 minute)": "singular", "rate(99999999 days)": "100 years", "rate(99999999999999999999 days)": "number",
		"cron()": "0 fields", "cron(0 12 * * ?)": "5 fields", "cron(0 0 12 * * ? *)": "7 fields",
		"cron(0 12 * * * *)": "must be ?", "cron(0 12 ? * ? *)": "must be ?", "cron(60 12 * * ? *)": "minutes", "cron(0 12 * * ? 2200)": "year",
	} {
		if _, err := ParseSchedule(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want it to say %q", text, err, want)
		}
	}
}

package cron

import (
	"strings"
	"testing"
	"time"
)

const form = "2006-01-02 15:04"

func at(t testing.TB, s string) time.Time {
	t.Helper()
	v, err := time.ParseInLocation(form, s, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func parse(text string) (Expression, error) {
	f := strings.Fields(text)
	return Parse(Fields{Minutes: f[0], Hours: f[1], Days: f[2], Months: f[3], Weekdays: f[4], Years: f[5]})
}

func TestNext(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ expression, after, want string }{
		{"* * * * ? *", "2026-10-02 12:34", "2026-10-02 12:35"},
		{"0 12 * * ? *", "2026-10-02 11:59", "2026-10-02 12:00"},
		{"0 12 * * ? *", "2026-10-02 12:00", "2026-10-03 12:00"},
		{"15 10 ? * 6L *", "2026-10-02 12:00", "2026-10-30 10:15"},
		{"0/15 8-9 ? * MON-FRI *", "2026-10-02 09:45", "2026-10-05 08:00"}, // over a weekend
		{"0 0 29 2 ? *", "2026-03-01 00:00", "2028-02-29 00:00"},
		{"0 0 1 1 ? 2030-2031", "2026-10-02 12:00", "2030-01-01 00:00"},
		{"59 23 31 12 ? *", "2026-12-31 23:58", "2026-12-31 23:59"},
		{"59 23 31 12 ? *", "2026-12-31 23:59", "2027-12-31 23:59"},
		{"0 18 ? * 3#1 *", "2026-10-31 00:00", "2026-11-03 18:00"},
	} {
		e, err := parse(tt.expression)
		if err != nil {
			t.Errorf("%s: %v", tt.expression, err)
			continue
		}
		if got := e.Next(at(t, tt.after)).Format(form); got != tt.want {
			t.Errorf("%s after %s: %s, want %s", tt.expression, tt.after, got, tt.want)
		}
	}
	for _, never := range []string{"0 0 30 2 ? *", "0 0 1 1 ? 2020", "0 0 1 1 ? 1970-2025"} {
		e, err := parse(never)
		if err != nil {
			t.Errorf("%s: %v", never, err)
		}
		if next := e.Next(at(t, "2026-10-02 12:00")); !next.IsZero() {
			t.Errorf("%s comes at %s", never, next)
		}
	}
	e, _ := parse("0 0 1 1 ? *")
	if next := e.Next(at(t, "2199-06-01 00:00")); !next.IsZero() {
		t.Errorf("behind the last year comes %s", next)
	}
}

// FuzzNext: what comes next is in the set, and nothing between is.
func FuzzNext(f *testing.F) {
	f.Add("0/7 */5 1W * ? *", int64(1790000000))
	f.Add("5 22-3 ? FEB-NOV/3 FRI#2 2024/3", int64(1790000000))
	f.Fuzz(func(t *testing.T, text string, seconds int64) {
		if len(strings.Fields(text)) != 6 || seconds < 0 || seconds > 7_000_000_000 {
			return
		}
		e, err := parse(strings.ToUpper(text))
		if err != nil {
			return
		}
		after := time.Unix(seconds, 0).UTC()
		next := e.Next(after)
		if !next.IsZero() && (!next.After(after) || !e.Contains(next)) {
			t.Fatalf("%q after %s: %s", text, after, next)
		}
		for i := 1; i < 3000; i++ {
			m := after.Truncate(time.Minute).Add(time.Duration(i) * time.Minute)
			if !next.IsZero() && !m.Before(next) {
				break
			}
			if e.Contains(m) {
				t.Fatalf("%q after %s: %s, but %s comes before", text, after, next, m)
			}
		}
	})
}

package webhook

import (
	"testing"
	"time"
)

func TestRates(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 10, 2, 12, 0, 0, 0, time.UTC)
	r := &rates[int64]{perSecond: 2, burst: 3, buckets: map[int64]bucket{}}
	for i := range 3 {
		if wait := r.take(1, now); wait != 0 {
			t.Errorf("delivery %d waits %v", i, wait)
		}
	}
	if wait := r.take(1, now); wait != time.Second/2 {
		t.Errorf("the delivery above the burst waits %v", wait)
	}
	if wait := r.take(2, now); wait != 0 {
		t.Errorf("another webhook waits %v", wait)
	}
	if wait := r.take(1, now.Add(time.Second/2)); wait != 0 {
		t.Errorf("after the wait it waits %v", wait)
	}
	if wait := r.take(1, now.Add(-time.Hour)); wait != time.Second/2 {
		t.Errorf("a clock that goes back gives tokens: %v", wait)
	}
	if r.take(1, now.Add(time.Hour)); r.buckets[1].left != 2 {
		t.Errorf("after an hour %v are left", r.buckets[1].left)
	}
}

func TestRatesForgetFullBuckets(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 10, 2, 12, 0, 0, 0, time.UTC)
	r := &rates[int64]{perSecond: 1, burst: 2, buckets: map[int64]bucket{}}
	for id := range int64(maxBuckets) {
		r.take(id, now)
	}
	now = now.Add(500 * time.Millisecond)
	r.take(0, now)
	if n := len(r.buckets); n != maxBuckets {
		t.Errorf("%d buckets", n)
	}
	r.take(-1, now.Add(500*time.Millisecond))
	if n := len(r.buckets); n != 2 {
		t.Errorf("%d buckets are left, want that of the webhook that was just busy and the new one", n)
	}
}

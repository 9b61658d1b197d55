package webhook

import (
	"math"
	"sync"
	"time"
)

// rates holds a token bucket for each webhook.
type rates struct {
	perSecond, burst float64

	mu      sync.Mutex
	buckets map[int64]bucket
}

type bucket struct {
	left float64
	at   time.Time
}

// maxBuckets is where buckets that are full again are dropped.
const maxBuckets = 1024

// take takes a token of the webhook. Without one it returns how long to wait
// for the next.
func (r *rates) take(webhook int64, now time.Time) (wait time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	b, ok := r.buckets[webhook]
	if !ok {
		if len(r.buckets) >= maxBuckets {
			r.sweep(now)
		}
		b = bucket{left: r.burst, at: now}
	}
	b = r.filled(b, now)
	if b.left < 1 {
		return time.Duration(math.Ceil((1 - b.left) / r.perSecond * float64(time.Second)))
	}
	b.left--
	r.buckets[webhook] = b
	return 0
}

func (r *rates) filled(b bucket, now time.Time) bucket {
	since := now.Sub(b.at)
	if since <= 0 {
		return b // the clock went back
	}
	return bucket{left: min(r.burst, b.left+since.Seconds()*r.perSecond), at: now}
}

func (r *rates) sweep(now time.Time) {
	for id, b := range r.buckets {
		if r.filled(b, now).left >= r.burst {
			delete(r.buckets, id)
		}
	}
}

package webhook

import (
	"cmp"
	"math"
	"sync"
	"time"
)

// rates holds a token bucket for each webhook or connection.
type rates[K comparable] struct {
	perSecond, burst float64

	mu      sync.Mutex
	buckets map[K]bucket
}

// newRates returns rates with the defaults of Options.
func newRates[K comparable](o Options) rates[K] {
	return rates[K]{perSecond: cmp.Or(o.Rate, 5), burst: float64(cmp.Or(o.Burst, 60)), buckets: map[K]bucket{}}
}

type bucket struct {
	left float64
	at   time.Time
}

// maxBuckets is where buckets that are full again are dropped.
const maxBuckets = 1024

// take takes a token of one of them. Without one it returns how long to wait
// for the next.
func (r *rates[K]) take(of K, now time.Time) (wait time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	b, ok := r.buckets[of]
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
	r.buckets[of] = b
	return 0
}

func (r *rates[K]) filled(b bucket, now time.Time) bucket {
	since := now.Sub(b.at)
	if since <= 0 {
		return b // the clock went back
	}
	return bucket{left: min(r.burst, b.left+since.Seconds()*r.perSecond), at: now}
}

func (r *rates[K]) sweep(now time.Time) {
	for id, b := range r.buckets {
		if r.filled(b, now).left >= r.burst {
			delete(r.buckets, id)
		}
	}
}

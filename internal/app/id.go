package app

import (
	"encoding/binary"
	"sync"
	"time"

	"github.com/google/uuid"
)

// ids makes time-ordered UUIDs (version 7) by a clock that may be set back: each
// is greater than the one before.
type ids struct {
	now func() time.Time

	mu   sync.Mutex
	last int64 // milliseconds and 12 bits of their fraction
}

func (g *ids) next() string {
	id := uuid.New()
	now := g.now()
	stamp := now.UnixMilli()<<12 | int64(now.Nanosecond()%1e6)<<12/1e6
	g.mu.Lock()
	stamp = max(stamp, g.last+1)
	g.last = stamp
	g.mu.Unlock()
	binary.BigEndian.PutUint64(id[:8], uint64(stamp>>12)<<16|0x7000|uint64(stamp&0xfff))
	return id.String()
}

package app

import (
	"sync"
	"time"
)

// steady is the clock of a server that shares its database with nobody: the
// host's, but it never goes back. After the host's clock was set back it goes at
// half the speed until the two agree, so that what waits for a time (a window, a
// pause, a time limit) waits twice as long at most, not for hours.
type steady struct {
	day    func() time.Time     // the host's time of day
	passed func() time.Duration // the host's monotonic clock

	mu   sync.Mutex
	last time.Time     // what was told last
	at   time.Duration // passed, then
}

// hostClock returns a steady clock of this host.
func hostClock() *steady {
	began := time.Now()
	return &steady{day: time.Now, passed: func() time.Duration { return time.Since(began) }}
}

func (c *steady) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	day, at := c.day().Round(0), c.passed()
	went := at - c.at
	c.at = at
	next := c.last.Add(went)
	if day.Before(next) {
		next = c.last.Add(went / 2)
	}
	if c.last = day; day.Before(next) {
		c.last = next
	}
	return c.last
}

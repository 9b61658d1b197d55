package postgres

import (
	"context"
	"sync/atomic"
	"time"
)

// wrongBy is by how much the clock of this host may differ from the database's
// before it is worth a warning.
const wrongBy = 5 * time.Second

// clock is the database's: all nodes live by it. Between two readings it goes on
// by the host's monotonic clock, so that a jump of the host's time of day means
// nothing.
type clock struct {
	last   atomic.Pointer[reading]
	warned bool // the loop's
}

// reading is the time that the database gave, when that was, and by how much it
// may be wrong: an answer says nothing of how long it took there and back.
type reading struct {
	database, local time.Time
	off             time.Duration
}

// drift bounds by which part of the time that passes two clocks part.
const drift = 2000

// outlasts reports whether the reading is still the better of the two: the newer
// one was answered so late that it says less, and nothing else. Windows of
// hand-outs would end early on one node or late on another otherwise.
func (r *reading) outlasts(newer *reading) bool {
	age := newer.local.Sub(r.local)
	off := r.off + age/drift
	return off < newer.off && newer.database.Sub(r.database.Add(age)).Abs() <= off+newer.off
}

func (c *clock) now() time.Time {
	r := c.last.Load()
	return r.database.Add(time.Since(r.local))
}

// read asks the database for the time.
func (d *Driver) readClock(ctx context.Context) error {
	var database time.Time
	asked := time.Now()
	if err := d.pool.QueryRow(ctx, `SELECT clock_timestamp()`).Scan(&database); err != nil {
		return err
	}
	took := time.Since(asked)
	r := &reading{database, asked.Add(took / 2), took / 2}
	if last := d.clock.last.Load(); last == nil || !last.outlasts(r) {
		d.clock.last.Store(r)
	}
	off := r.local.Round(0).Sub(database).Round(time.Millisecond) // by the time of day
	wrong := off.Abs() > wrongBy+took
	if wrong && !d.clock.warned {
		d.log.Warn("this host's clock differs from the database's: pipelines and jobs live by the database's, signatures are checked by the host's; set the clocks", "ahead", off)
	}
	d.clock.warned = wrong
	return nil
}

// Now is the time that all nodes on the database live by.
func (d *Driver) Now() time.Time { return d.now() }

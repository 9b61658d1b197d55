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

// reading is the time that the database gave, and when that was.
type reading struct{ database, local time.Time }

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
	r := &reading{database, asked.Add(took / 2)}
	d.clock.last.Store(r)
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

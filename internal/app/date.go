package app

import (
	"net/http"
	"sync/atomic"
	"time"
)

// dates writes the Date of answers by the clock that signatures are checked by:
// AWS's SDKs learn the server's time from it and sign their next calls by that.
type dates struct {
	clock func() time.Time
	last  atomic.Pointer[date]
}

// date is the header of one second.
type date struct {
	second int64
	line   []string
}

func (d *dates) line() []string {
	now := d.clock()
	last := d.last.Load()
	if last == nil || last.second != now.Unix() {
		last = &date{now.Unix(), []string{now.UTC().Format(http.TimeFormat)}}
		d.last.Store(last)
	}
	return last.line
}

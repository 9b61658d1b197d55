package store

import (
	"context"
	"time"

	"penstock/internal/core/job"
)

// MaxCounted is how many waiting jobs Meter.Waiting counts at most on a
// database where counting costs time: half a second when all of them lie on
// pages of their own that are read from the disk.
const MaxCounted = 5000

// Waiting is the jobs of one kind that no worker has acknowledged yet.
type Waiting struct {
	Ready     int       // can be handed out
	HandedOut int       // hidden until they are acknowledged or their window ends
	Oldest    time.Time // when the first of Ready was queued; zero = none is
}

// Add counts more jobs in.
func (w *Waiting) Add(ready, handedOut int, oldest time.Time) {
	w.Ready += ready
	w.HandedOut += handedOut
	if ready > 0 && (w.Oldest.IsZero() || oldest.Before(w.Oldest)) {
		w.Oldest = oldest
	}
}

// Work is what a driver did since it was opened, and holds at this moment.
type Work struct {
	Updates int64 // calls of Update whose function ran
	Groups  int64 // transactions that updates shared
	Alone   int64 // transactions of a single update, after it could not stay in a group
	// Statements of SQL that were run, those that begin and end transactions
	// among them.
	Statements int64
	Failures   int64 // transactions that the database did not take or whose end is not known

	File *FileWork // nil unless the database is a file of this server
	Pool *PoolWork // nil unless it is reached by connections
}

// FileWork is about the write-ahead log of a database file.
type FileWork struct {
	Checkpoints int64 // times the log was copied into the file
	LogBytes    int64 // part of the log that is in use
}

// PoolWork is about the connections that reads and hand-outs share.
type PoolWork struct {
	Open, Busy, Most int64         // connections; Most may be open at a time
	Waits            int64         // times that all were busy and a call had to wait
	Waited           time.Duration // how long calls waited in all
}

// Meter tells operators how a database does.
type Meter interface {
	// Waiting counts the jobs that wait for an acknowledgement, by Custom,
	// Partner and Native, which stands for all that run in the server. It
	// reads no more than MaxCounted rows.
	Waiting(ctx context.Context) (map[job.Kind]Waiting, error)
	// Work asks the database for nothing.
	Work() Work
}

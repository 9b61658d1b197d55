package sqlite

import (
	"context"
	"time"

	"penstock/internal/core/job"
	"penstock/internal/store"
)

// Waiting implements store.Meter: the board knows, without a look at the jobs.
func (d *Driver) Waiting(context.Context) (map[job.Kind]store.Waiting, error) {
	return d.board.waiting(d.now()), nil
}

// waiting counts the jobs of the board. Each client's line begins with its
// oldest job.
func (b *board) waiting(now time.Time) map[job.Kind]store.Waiting {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := map[job.Kind]store.Waiting{}
	for _, q := range b.queues {
		q.unhide(now.UnixMilli())
		var oldest time.Time
		for e := q.ready.order.Front(); e != nil; e = e.Next() {
			if at := fromMillis(e.Value.(*turn).items[0].queuedAt); oldest.IsZero() || at.Before(oldest) {
				oldest = at
			}
		}
		kind := job.KindOfQueue(q.name)
		w := all[kind]
		w.Add(q.ready.Len(), q.hidden.Len()+q.held, oldest)
		all[kind] = w
	}
	return all
}

// Work implements store.Meter.
func (d *Driver) Work() store.Work {
	s := d.db.Stats()
	return store.Work{
		Updates: s.Calls, Groups: s.Groups, Statements: s.Statements, Failures: s.Failed,
		File: &store.FileWork{Checkpoints: s.Checkpoints, LogBytes: s.WALBytes},
	}
}

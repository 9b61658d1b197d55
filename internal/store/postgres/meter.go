package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"penstock/internal/core/job"
	"penstock/internal/store"
)

// countWaiting counts along the index of the jobs that wait, so far and no
// further.
const countWaiting = `SELECT queue, count(*) FILTER (WHERE hidden_until <= $1), count(*) FILTER (WHERE hidden_until > $1),
		coalesce(min(queued_at) FILTER (WHERE hidden_until <= $1), 0)
	FROM (SELECT queue, hidden_until, queued_at FROM job WHERE state = 'Queued'
		ORDER BY queue, client, queued_at, id LIMIT $2) AS waiting GROUP BY queue`

// Waiting implements store.Meter.
func (d *Driver) Waiting(ctx context.Context) (map[job.Kind]store.Waiting, error) {
	rows, err := d.pool.Query(ctx, countWaiting, millis(d.now()), store.MaxCounted)
	if err != nil {
		return nil, plain(d.closing(err))
	}
	all := map[job.Kind]store.Waiting{}
	var queue string
	var ready, handedOut int
	var oldest int64
	_, err = pgx.ForEachRow(rows, []any{&queue, &ready, &handedOut, &oldest}, func() error {
		kind := job.KindOfQueue(queue)
		w := all[kind]
		w.Add(ready, handedOut, fromMillis(oldest))
		all[kind] = w
		return nil
	})
	return all, plain(d.closing(err))
}

// Work implements store.Meter.
func (d *Driver) Work() store.Work {
	pool := &store.PoolWork{}
	for _, s := range []*pgxpool.Stat{d.pool.Stat(), d.quick.Stat()} {
		pool.Open += int64(s.TotalConns())
		pool.Busy += int64(s.AcquiredConns())
		pool.Most += int64(s.MaxConns())
		pool.Waits += s.EmptyAcquireCount()
		pool.Waited += s.EmptyAcquireWaitTime()
	}
	return store.Work{
		Updates: d.updates.Load(), Groups: d.groups.Load(), Alone: d.alone.Load(),
		Statements: d.statements.n.Load(), Failures: d.failures.Load(), Pool: pool,
	}
}

// noteFailure counts an update that failed because of the database, and not by
// what it found there. It returns err.
func (d *Driver) noteFailure(err error) error {
	if code(err) != "" || unreachable(err) || errors.Is(err, ErrOutcome) {
		d.failures.Add(1)
	}
	return err
}

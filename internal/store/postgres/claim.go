package postgres

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"penstock/internal/core/job"
)

// nextNonce is the nonce of a hand-out. It is taken from the server's clock,
// in microseconds: hand-outs do not wait for the disk, so that a crash of the
// server may undo one, and its nonce must not be given to somebody else then.
const nextNonce = `greatest(last + 1, (extract(epoch FROM now()) * 1000000)::bigint)`

// claimed are the rows of RETURNING.
const claimed = ` RETURNING job.id, job.queued_at, job.last, job.floor, job.doc`

// claimOldest hands out the oldest jobs of a client in a queue. Jobs that
// others look at in this moment are left out.
const claimOldest = `WITH next AS MATERIALIZED (
		SELECT id FROM job WHERE queue = $1 AND client = $2 AND state = 'Queued' AND hidden_until <= $3
		ORDER BY queued_at, id LIMIT $4 FOR UPDATE SKIP LOCKED)
	UPDATE job SET hidden_until = $5, last = ` + nextNonce + `, floor = ` + nextNonce + `
	FROM next WHERE job.id = next.id` + claimed

// nextClient is the client of a queue whose turn it is: of those with a job,
// the one that was served longest ago. It goes from client to client along the
// index.
const nextClient = `WITH RECURSIVE waiting AS (
		(SELECT client FROM job WHERE queue = $1 AND state = 'Queued' ORDER BY client LIMIT 1)
		UNION ALL
		SELECT (SELECT job.client FROM job WHERE queue = $1 AND state = 'Queued' AND job.client > waiting.client
			ORDER BY job.client LIMIT 1) FROM waiting WHERE waiting.client IS NOT NULL)
	SELECT waiting.client FROM waiting LEFT JOIN turn ON turn.queue = $1 AND turn.client = waiting.client
	WHERE waiting.client IS NOT NULL AND EXISTS (SELECT 1 FROM job
		WHERE queue = $1 AND job.client = waiting.client AND state = 'Queued' AND hidden_until <= $2)
	ORDER BY turn.served NULLS FIRST, waiting.client LIMIT 1`

// served puts the client behind the others of its queue.
const served = `INSERT INTO turn (queue, client) VALUES ($1, $2)
	ON CONFLICT (queue, client) DO UPDATE SET served = DEFAULT`

// claim is one request for jobs.
type claim struct {
	queue       string
	max         int
	now, hidden int64
}

// Claim implements store.Driver. A queue that was empty a moment ago and in
// which nothing has come since is not looked at.
func (d *Driver) Claim(ctx context.Context, queue string, max int, now time.Time, window time.Duration) ([]*job.Job, error) {
	if err := ctx.Err(); err != nil {
		d.room.announce(queue, 1) // what this one was woken for is another's
		return nil, err
	}
	look := d.room.enter(queue, millis(now))
	if look == nil {
		return nil, nil
	}
	d.claims.Add(1)
	c := claim{queue, max, millis(now), millis(now.Add(window))}
	work := d.shift.now(d.alive) // a claim that goes on without its caller knows what it handed out
	var jobs []*job.Job
	var err error
	if shared(queue) {
		jobs, err = d.claimByTurns(work, c)
	} else {
		jobs, err = d.claimFrom(work, d.quick, c, "")
	}
	if err != nil {
		d.room.announce(queue, 1)
		return nil, plain(d.closing(err))
	}
	if len(jobs) == 0 {
		return nil, d.inspect(ctx, look, c.now, true)
	}
	return jobs, nil
}

// claimTime bounds claims, whose callers may have gone.
const claimTime = 20 * time.Second

// shift is the context of claims: one for all that begin within claimTime, which
// lasts twice as long.
type shift struct{ current atomic.Pointer[span] }

type span struct {
	ctx  context.Context
	next time.Time // when another begins
	end  context.CancelFunc
}

func (s *shift) now(alive context.Context) context.Context {
	w := s.current.Load()
	if now := time.Now(); w == nil || now.After(w.next) {
		w = &span{next: now.Add(claimTime)}
		w.ctx, w.end = context.WithTimeout(alive, 2*claimTime)
		s.current.Store(w)
	}
	return w.ctx
}

// giveBack undoes hand-outs after which nothing happened to the job.
const giveBack = `UPDATE job SET hidden_until = 0 FROM unnest($1::text[], $2::bigint[]) AS back (id, last)
	WHERE job.id = back.id AND job.last = back.last AND state = 'Queued' AND hidden_until > 0`

// GiveBack implements store.Driver.
func (d *Driver) GiveBack(ctx context.Context, jobs []*job.Job) error {
	if len(jobs) == 0 {
		return nil
	}
	ids, nonces := make([]string, len(jobs)), make([]int64, len(jobs))
	for i, j := range jobs {
		ids[i], nonces[i] = j.ID, j.Nonces.Last
	}
	if _, err := d.quick.Exec(ctx, giveBack, ids, nonces); err != nil {
		return plain(d.closing(err))
	}
	queue := jobs[0].Queue()
	for range jobs {
		d.room.announce(queue, 1)
		d.news.queued(queue)
	}
	return nil
}

// shared reports whether several clients have jobs in the queue.
func shared(queue string) bool { return strings.Contains(queue, "|ThirdParty|") }

// querier is a pool, or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

func (d *Driver) claimFrom(ctx context.Context, q querier, c claim, client string) ([]*job.Job, error) {
	rows, err := q.Query(ctx, claimOldest, c.queue, client, c.now, c.max, c.hidden)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var jobs []*job.Job
	for rows.Next() {
		var id string
		var row jobRow
		if err := rows.Scan(&id, &row.queuedAt, &row.last, &row.floor, nil); err != nil {
			return nil, err
		}
		doc, ok := d.jobs.Get(id)
		if !ok {
			if doc, err = d.decodeJob(slices.Clone(rows.RawValues()[4])); err != nil {
				return nil, err
			}
		}
		row.state, row.hidden = string(job.Queued), c.hidden
		jobs = append(jobs, row.job(doc, fromMillis(c.now)))
	}
	slices.SortFunc(jobs, func(a, b *job.Job) int {
		return cmp.Or(a.QueuedAt.Compare(b.QueuedAt), cmp.Compare(a.ID, b.ID))
	})
	return jobs, rows.Err()
}

// claimByTurns has the clients of the queue take turns, over all nodes.
func (d *Driver) claimByTurns(ctx context.Context, c claim) (jobs []*job.Job, err error) {
	err = pgx.BeginFunc(ctx, d.quick, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`, c.queue); err != nil {
			return err
		}
		for left := c.max; left > 0; left-- {
			rows, err := tx.Query(ctx, nextClient, c.queue, c.now)
			if err != nil {
				return err
			}
			client, err := pgx.CollectRows(rows, pgx.RowTo[string])
			if err != nil || len(client) == 0 {
				return err
			}
			one := c
			one.max = 1
			got, err := d.claimFrom(ctx, tx, one, client[0])
			if err != nil || len(got) == 0 { // another is about to end it
				return err
			}
			jobs = append(jobs, got...)
			if _, err := tx.Exec(ctx, served, c.queue, client[0]); err != nil {
				return err
			}
		}
		return nil
	})
	return jobs, err
}

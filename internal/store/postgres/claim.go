package postgres

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"penstock/internal/core/job"
)

// nextNonce is the nonce of a hand-out. It is taken from the server's clock,
// in microseconds: hand-outs do not wait for the disk, so that a crash of the
// server may undo one, and its nonce must not be given to somebody else then.
const nextNonce = `greatest(last + 1, (extract(epoch FROM now()) * 1000000)::bigint)`

// claimOldest hands out the oldest jobs of a client in each of some queues. Jobs
// that others look at in this moment are left out.
const claimOldest = `WITH next AS MATERIALIZED (
		SELECT oldest.id, w.hidden
		FROM (SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[]) LIMIT $6)
				AS w (queue, client, now, hidden, max),
			LATERAL (SELECT id FROM job
				WHERE queue = w.queue AND client = w.client AND state = 'Queued' AND hidden_until <= w.now
				ORDER BY queued_at, id LIMIT w.max FOR UPDATE SKIP LOCKED) AS oldest)
	UPDATE job SET hidden_until = next.hidden, last = ` + nextNonce + `, floor = ` + nextNonce + `
	FROM next WHERE job.id = next.id RETURNING job.id, job.queue, job.queued_at, job.last, job.floor, job.doc`

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
	queue, client string
	max           int
	now, hidden   int64
	look          *glance
	done          chan struct{} // closed when there is an answer
	jobs          []*job.Job
	err           error
}

// Claim implements store.Driver. A queue that was empty a moment ago and in
// which nothing has come since is not looked at.
func (d *Driver) Claim(ctx context.Context, queue string, max int, now time.Time, window time.Duration) ([]*job.Job, error) {
	if err := ctx.Err(); err != nil {
		d.room.announce(queue, 1) // what this one was woken for is another's
		return nil, err
	}
	c := &claim{queue: queue, max: max, now: millis(now), hidden: millis(now.Add(window)), done: make(chan struct{})}
	if c.look = d.room.enter(queue, c.now); c.look == nil {
		return nil, nil
	}
	d.claims.Add(1)
	serve := d.desk.serve
	if shared(queue) {
		serve = d.claimByTurns
	}
	jobs, err := serve(c)
	if err != nil {
		d.room.announce(queue, 1)
		return nil, plain(d.closing(err))
	}
	return jobs, nil
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

// claimFrom hands out jobs for claims of different queues, oldest first.
func (d *Driver) claimFrom(ctx context.Context, q querier, claims ...*claim) ([]claimed, error) {
	s := statement{many: true}
	for _, c := range claims {
		s.join(&statement{args: []any{c.queue, c.client, c.now, c.hidden, int64(c.max)}})
	}
	rows, err := q.Query(ctx, claimOldest, s.arguments()...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []claimed
	for rows.Next() {
		var j claimed
		if err := rows.Scan(&j.id, &j.queue, &j.row.queuedAt, &j.row.last, &j.row.floor, nil); err != nil {
			return nil, err
		}
		var ok bool
		if j.doc, ok = d.jobs.Get(j.id); !ok {
			if j.doc, err = d.decodeJob(slices.Clone(rows.RawValues()[5])); err != nil {
				return nil, err
			}
		}
		all = append(all, j)
	}
	slices.SortFunc(all, func(a, b claimed) int {
		return cmp.Or(cmp.Compare(a.row.queuedAt, b.row.queuedAt), cmp.Compare(a.id, b.id))
	})
	return all, rows.Err()
}

// claimed is a job that was handed out.
type claimed struct {
	id, queue string
	row       jobRow
	doc       *job.Job
}

// take gives a job to the claim.
func (c *claim) take(j *claimed) {
	j.row.state, j.row.hidden = string(job.Queued), c.hidden
	c.jobs = append(c.jobs, j.row.job(j.doc, fromMillis(c.now)))
}

// claimByTurns has the clients of the queue take turns, over all nodes.
func (d *Driver) claimByTurns(c *claim) (jobs []*job.Job, err error) {
	ctx, done := context.WithTimeout(d.alive, claimTime)
	defer done()
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
			one := *c
			one.client, one.max = client[0], 1
			got, err := d.claimFrom(ctx, tx, &one)
			if err != nil || len(got) == 0 { // another is about to end it
				return err
			}
			one.take(&got[0])
			jobs = append(jobs, one.jobs...)
			if _, err := tx.Exec(ctx, served, c.queue, client[0]); err != nil {
				return err
			}
		}
		return nil
	})
	if len(jobs) == 0 && err == nil {
		err = d.inspect(ctx, c.now, true, c.look)
	}
	return jobs, err
}

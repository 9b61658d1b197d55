package sqlite

import (
	"context"
	"errors"
	"time"

	"penstock/internal/core/engine"
	"penstock/internal/core/job"
	"penstock/internal/sqlite"
	"penstock/internal/store"
)

// maxCachedJob is the length of document up to which a job stays in memory.
const maxCachedJob = 8 << 10

// Job implements store.JobReader.
func (v *reader) Job(id string) (*job.Job, error) {
	row, err := v.jobRow(id)
	if err != nil {
		return nil, err
	}
	return v.wholeJob(id, row)
}

// Job is the same on the writer's goroutine, where rows in use are cached.
func (t *txn) Job(id string) (*job.Job, error) {
	row, ok := t.d.rows.Get(id)
	if !ok {
		var err error
		if row, err = t.jobRow(id); err != nil {
			return nil, err
		}
		if !row.state.Terminal() { // an ended one is seldom read, and purged one day
			t.d.rows.Put(id, row, rowWeight)
		}
	}
	return t.wholeJob(id, row)
}

// jobRow is what changes of a job, as the database knows it.
type jobRow struct {
	state            job.State
	nonces           job.Nonces
	queuedAt         time.Time
	ackedAt, endedAt time.Time
	report           string
}

// rowWeight is about what a row takes in the cache; a report is a digest.
const rowWeight = 256

func (v *reader) jobRow(id string) (jobRow, error) {
	r, ok := v.tx.QueryRow(`SELECT state, queued_at, last, floor, acked, acked_at, ended_at, report FROM job WHERE id = ?`, id)
	if !ok {
		return jobRow{}, missing(r)
	}
	return jobRow{
		state: job.State(r.Text(0)), queuedAt: fromMillis(r.Int64(1)),
		nonces:  job.Nonces{Last: r.Int64(2), Floor: r.Int64(3), Acked: r.Int64(4)},
		ackedAt: fromMillis(r.Int64(5)), endedAt: fromMillis(r.Int64(6)), report: r.Text(7),
	}, nil
}

// keepRow remembers what the call wrote.
func (t *txn) keepRow(j *job.Job) {
	if j.State.Terminal() {
		t.d.rows.Drop(j.ID)
		return
	}
	if t.jobs == nil {
		t.jobs = t.jobRoom[:0]
	}
	t.jobs = append(t.jobs, j.ID)
	t.d.rows.Put(j.ID, jobRow{
		state: stored(j.State), nonces: j.Nonces, queuedAt: j.QueuedAt,
		ackedAt: j.AckedAt, endedAt: j.EndedAt, report: j.Report,
	}, rowWeight)
}

// wholeJob adds what never changes, and what the board knows.
func (v *reader) wholeJob(id string, row jobRow) (*job.Job, error) {
	doc, err := v.jobDocument(id)
	if err != nil {
		return nil, err
	}
	j := *doc
	j.State, j.QueuedAt, j.Nonces = row.state, row.queuedAt, row.nonces
	j.AckedAt, j.EndedAt, j.Report = row.ackedAt, row.endedAt, row.report
	if j.State == job.Queued {
		if nonces, dispatched, ok := v.d.board.look(id, v.now); ok {
			j.Nonces = nonces
			if dispatched {
				j.State = job.Dispatched
			}
		}
	}
	return &j, nil
}

// jobDocument returns what never changes of a job, to be copied.
func (v *reader) jobDocument(id string) (*job.Job, error) {
	if j, ok := v.d.jobs.Get(id); ok {
		return j, nil
	}
	r, ok := v.tx.QueryRow(`SELECT doc FROM job WHERE id = ?`, id)
	if !ok {
		return nil, missing(r)
	}
	doc := r.RawBytes(0)
	j, err := store.DecodeJob(doc, v.d.sealer)
	if err != nil {
		return nil, err
	}
	v.d.keepJob(j, len(doc))
	return j, nil
}

func (d *Driver) keepJob(j *job.Job, length int) {
	if length <= maxCachedJob {
		d.jobs.Put(j.ID, j, length)
	}
}

// stored is the state that the database knows: a hand-out is the board's.
func stored(s job.State) job.State {
	if s == job.Dispatched {
		return job.Queued
	}
	return s
}

func (t *txn) openJob(j *job.Job) error {
	j.Nonces.Base(t.d.board.boot)
	t.d.buf = store.AppendJob(t.d.buf[:0], j, t.d.sealer)
	queue, queuedAt := j.Queue(), millis(j.QueuedAt)
	err := t.tx.Exec(`INSERT INTO job (id, queue, state, queued_at, last, floor, acked, acked_at, ended_at, report, doc, client)
		VALUES (?, ?, ?, ?, ?, ?, 0, 0, 0, '', ?, ?)`,
		j.ID, queue, string(stored(j.State)), queuedAt, j.Nonces.Last, j.Nonces.Floor, t.d.buf, j.ClientID)
	if err != nil {
		return err
	}
	t.d.keepJob(j, len(t.d.buf))
	t.keepRow(j)
	if j.State == job.Queued {
		t.offer(boardChange{id: j.ID, queue: queue, client: j.ClientID, queuedAt: queuedAt, nonces: j.Nonces})
	}
	return nil
}

func (t *txn) queueJob(c engine.JobQueued) error {
	t.d.rows.Drop(c.ID)
	r, ok := t.tx.QueryRow(`UPDATE job SET state = 'Queued', queued_at = ? WHERE id = ? AND state = 'Created'
		RETURNING queue, last, floor, client`, millis(c.At), c.ID)
	if !ok {
		return r.Err()
	}
	change := boardChange{
		id: c.ID, queue: r.Text(0), client: r.Text(3), queuedAt: millis(c.At),
		nonces: job.Nonces{Last: r.Int64(1), Floor: r.Int64(2)},
	}
	t.offer(change)
	return nil
}

func (t *txn) closeJob(c engine.JobClosed) error {
	nonces, _, _ := t.d.board.look(c.ID, t.now)
	t.withdraw(c.ID)
	t.d.rows.Drop(c.ID)
	return t.tx.Exec(`UPDATE job SET state = ?, ended_at = ?, report = ?, last = max(last, ?), floor = max(floor, ?)
		WHERE id = ?`, string(c.State), millis(c.At), c.Digest, nonces.Last, nonces.Floor, c.ID)
}

func (t *txn) purgeJob(id string) error {
	t.withdraw(id)
	t.d.rows.Drop(id)
	return t.tx.Exec(`DELETE FROM job WHERE id = ?`, id)
}

// SaveJob implements store.JobWriter. While a job waits, its nonces are the
// board's.
func (t *txn) SaveJob(j *job.Job) error {
	state := stored(j.State)
	if state != job.Queued && state != job.Created {
		t.withdraw(j.ID)
	}
	err := t.tx.Exec(`UPDATE job SET state = ?, queued_at = ?, last = ?, floor = ?, acked = ?, acked_at = ?, ended_at = ?, report = ?
		WHERE id = ?`, string(state), millis(j.QueuedAt), j.Nonces.Last, j.Nonces.Floor, j.Nonces.Acked,
		millis(j.AckedAt), millis(j.EndedAt), j.Report, j.ID)
	if err != nil {
		return err
	}
	if t.tx.Changes() == 0 {
		return store.ErrNotFound
	}
	t.keepRow(j)
	if state == job.InProgress && j.Timeout > 0 {
		return t.setTimer(j.PipelineID, engine.JobTimer(j))
	}
	return nil
}

// offer puts the job on the board when the call is durable.
func (t *txn) offer(c boardChange) {
	t.atCommit()
	t.board = append(t.board, c)
}

// withdraw takes the job off the board: nobody is given it from now on, and
// the commit forgets it.
func (t *txn) withdraw(id string) {
	t.atCommit()
	t.board = append(t.board, boardChange{id: id, gone: true})
	if t.d.board.hold(id) {
		t.held = append(t.held, id)
	}
}

// Claim implements store.Driver.
func (d *Driver) Claim(ctx context.Context, queue string, max int, now time.Time, window time.Duration) ([]*job.Job, error) {
	if err := ctx.Err(); err != nil {
		d.board.pass(queue)
		return nil, err
	}
	claims := d.board.claim(queue, max, now, window)
	if len(claims) == 0 {
		return nil, nil
	}
	jobs := make([]*job.Job, 0, len(claims))
	for i, c := range claims {
		doc, err := d.claimed(ctx, c.id)
		if errors.Is(err, store.ErrNotFound) {
			continue // ended at this moment
		}
		if err != nil {
			for _, back := range claims[i:] {
				d.board.giveBack(back.id, back.nonces)
			}
			if len(jobs) > 0 {
				return jobs, nil
			}
			return nil, err
		}
		j := *doc
		j.State, j.QueuedAt, j.Nonces = job.Dispatched, fromMillis(c.queuedAt), c.nonces
		jobs = append(jobs, &j)
	}
	return jobs, nil
}

// GiveBack implements store.Driver.
func (d *Driver) GiveBack(_ context.Context, jobs []*job.Job) error {
	for _, j := range jobs {
		d.board.giveBack(j.ID, j.Nonces)
	}
	return nil
}

func (d *Driver) claimed(ctx context.Context, id string) (j *job.Job, err error) {
	if j, ok := d.jobs.Get(id); ok {
		return j, nil
	}
	err = d.db.View(ctx, func(tx *sqlite.Tx) error {
		v := reader{d: d, tx: tx}
		j, err = v.jobDocument(id)
		return err
	})
	return j, err
}

// Await implements store.Driver.
func (d *Driver) Await(ctx context.Context, queue string) error { return d.board.await(ctx, queue) }

// IssueNonce implements store.Driver.
func (d *Driver) IssueNonce(ctx context.Context, jobID string) (nonce string, err error) {
	nonce, held := d.board.issue(jobID)
	if nonce != "" {
		return nonce, nil
	}
	look := d.db.View
	if held { // wait behind the call that holds it, and see what it did
		look = d.db.Update
	}
	err = look(ctx, func(tx *sqlite.Tx) error {
		r, ok := tx.QueryRow(`SELECT state, acked FROM job WHERE id = ?`, jobID)
		if !ok {
			return missing(r)
		}
		n, ended := job.Nonces{Acked: r.Int64(1)}, job.State(r.Text(0)).Terminal()
		switch {
		case !ended && n.Acked != 0:
			nonce = n.String()
		case !ended && held: // that call was undone
			nonce, _ = d.board.issue(jobID)
		}
		if nonce == "" {
			return store.ErrNotFound
		}
		return nil
	})
	return nonce, err
}

// requeueNative makes the jobs that workers of the server had in hand when it
// ended (job.Held) pollable again. Their old nonces are void.
func (d *Driver) requeueNative(tx *sqlite.Tx) error {
	n := job.Nonces{}
	n.Base(d.board.boot)
	return tx.Exec(`UPDATE job INDEXED BY job_native SET state = 'Queued', last = ?, floor = ?, acked = 0, acked_at = 0
		WHERE state = 'InProgress' AND queue >= '*|' AND queue < '*}' AND acked > 0`, n.Last, n.Floor)
}

// loadBoard puts all jobs that wait on the board.
func (d *Driver) loadBoard(tx *sqlite.Tx) error {
	rows := tx.Query(`SELECT id, queue, queued_at, last, floor, client FROM job INDEXED BY job_queued WHERE state = 'Queued' ORDER BY seq`)
	for rows.Next() {
		c := boardChange{
			id: rows.Text(0), queue: rows.Text(1), client: rows.Text(5), queuedAt: rows.Int64(2),
			nonces: job.Nonces{Last: rows.Int64(3), Floor: rows.Int64(4)},
		}
		c.nonces.Base(d.board.boot)
		d.board.add(c)
	}
	return rows.Err()
}

package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"penstock/internal/core/engine"
	"penstock/internal/core/job"
	"penstock/internal/store"
)

// maxCachedJob is the length of document up to which a job stays in memory.
const maxCachedJob = 8 << 10

// jobRow is what changes of a job.
type jobRow struct {
	state, report                                          string
	queuedAt, hidden, last, floor, acked, ackedAt, endedAt int64
}

const jobColumns = `state, queued_at, hidden_until, last, floor, acked, acked_at, ended_at, report`

func (j *jobRow) scan(r pgx.Rows) error {
	return r.Scan(&j.state, &j.queuedAt, &j.hidden, &j.last, &j.floor, &j.acked, &j.ackedAt, &j.endedAt, &j.report)
}

// job puts the row and the document together.
func (j *jobRow) job(doc *job.Job, now time.Time) *job.Job {
	whole := *doc
	whole.State, whole.QueuedAt, whole.Report = job.State(j.state), fromMillis(j.queuedAt), j.report
	whole.Nonces = job.Nonces{Last: j.last, Floor: j.floor, Acked: j.acked}
	whole.AckedAt, whole.EndedAt = fromMillis(j.ackedAt), fromMillis(j.endedAt)
	if whole.State == job.Queued && j.hidden > millis(now) {
		whole.State = job.Dispatched
	}
	return &whole
}

func (v *reader) Job(id string) (*job.Job, error) {
	doc, err := v.jobDocument(id)
	if err != nil {
		return nil, err
	}
	var row jobRow
	if err := v.one(`SELECT `+jobColumns+` FROM job WHERE id = $1`, row.scan, id); err != nil {
		return nil, err
	}
	return row.job(doc, v.now), nil
}

// Job of an update locks the pipeline of the job, then the job, so that it is
// not handed out meanwhile.
func (t *txn) Job(id string) (*job.Job, error) {
	doc, err := t.jobDocument(id)
	if err != nil {
		return nil, err
	}
	var row jobRow
	found := false
	read := statement{sql: `SELECT ` + jobColumns + ` FROM job WHERE id = $1 FOR UPDATE`, args: []any{id}, scan: func(r pgx.Rows) error {
		found = true
		return row.scan(r)
	}}
	_, err = t.hold(doc.PipelineID, read)
	if err = ignore(err); err != nil { // the pipeline may be gone
		return nil, err
	}
	if !found {
		return nil, store.ErrNotFound
	}
	if t.jobs == nil {
		t.jobs = map[string]bool{}
	}
	t.jobs[id] = true
	t.continued = t.continued || doc.Data.ContinuationToken != ""
	return row.job(doc, t.now), nil
}

// jobDocument returns what never changes of a job, to be copied.
func (v *reader) jobDocument(id string) (*job.Job, error) {
	if j, ok := v.d.jobs.Get(id); ok {
		return j, nil
	}
	var doc []byte
	if err := v.one(`SELECT doc FROM job WHERE id = $1`, func(r pgx.Rows) error { return r.Scan(&doc) }, id); err != nil {
		return nil, err
	}
	return v.d.decodeJob(doc)
}

func (d *Driver) decodeJob(doc []byte) (*job.Job, error) {
	j, err := store.DecodeJob(doc, d.sealer)
	if err != nil {
		return nil, err
	}
	d.keepJob(j, len(doc))
	return j, nil
}

func (d *Driver) keepJob(j *job.Job, length int) {
	if length <= maxCachedJob {
		d.jobs.Put(j.ID, j, length)
	}
}

// stored is the state that the database knows: a hand-out is a time beside it.
func stored(s job.State) job.State {
	if s == job.Dispatched {
		return job.Queued
	}
	return s
}

// openedJob is a new job and the length of its document.
type openedJob struct {
	*job.Job
	length int
}

func (t *txn) openJob(j *job.Job) error {
	doc, queue := store.AppendJob(nil, j, t.d.sealer), j.Queue()
	err := t.write(`INSERT INTO job (id, pipeline_id, queue, client, state, queued_at, last, floor, doc)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		j.ID, j.PipelineID, queue, j.ClientID, string(stored(j.State)), millis(j.QueuedAt), j.Nonces.Last, j.Nonces.Floor, doc)
	if err != nil {
		return err
	}
	t.opened = append(t.opened, openedJob{j, len(doc)})
	if j.State == job.Queued {
		t.queued = append(t.queued, queue)
	}
	return nil
}

func (t *txn) queueJob(c engine.JobQueued) error {
	return ignore(t.one(`UPDATE job SET state = 'Queued', queued_at = $1 WHERE id = $2 AND state = 'Created' RETURNING queue`,
		func(r pgx.Rows) error {
			var queue string
			err := r.Scan(&queue)
			t.queued = append(t.queued, queue)
			return err
		}, millis(c.At), c.ID))
}

func (t *txn) closeJob(c engine.JobClosed) error {
	return t.write(`UPDATE job SET state = $1, ended_at = $2, report = $3, lease = 0 WHERE id = $4`,
		string(c.State), millis(c.At), c.Digest, c.ID)
}

func (t *txn) purgeJob(id string) error { return t.write(`DELETE FROM job WHERE id = $1`, id) }

// SaveJob implements store.JobWriter.
func (t *txn) SaveJob(j *job.Job) error {
	state, lease := stored(j.State), int64(0)
	if j.Held() {
		lease = t.d.node.lease.Load()
	}
	save := t.write
	if !t.jobs[j.ID] { // it was not read before and may not be there
		save = t.mustWrite
	}
	err := save(`UPDATE job SET state = $1, queued_at = $2, last = $3, floor = $4, acked = $5, acked_at = $6, ended_at = $7,
		report = $8, lease = $9 WHERE id = $10`,
		string(state), millis(j.QueuedAt), j.Nonces.Last, j.Nonces.Floor, j.Nonces.Acked,
		millis(j.AckedAt), millis(j.EndedAt), j.Report, lease, j.ID)
	if err != nil {
		return err
	}
	if state == job.InProgress && j.Timeout > 0 {
		return t.setTimer(j.PipelineID, engine.JobTimer(j))
	}
	return nil
}

// IssueNonce implements store.Driver.
func (d *Driver) IssueNonce(ctx context.Context, jobID string) (string, error) {
	var n job.Nonces
	var state string
	scan := func(row pgx.Row) error { return row.Scan(&state, &n.Last, &n.Floor, &n.Acked) }
	err := scan(d.quick.QueryRow(ctx, `UPDATE job SET last = `+nextNonce+`, floor = CASE WHEN floor = 0 THEN `+nextNonce+` ELSE floor END
		WHERE id = $1 AND state = 'Queued' RETURNING state, last, floor, acked`, jobID))
	if errors.Is(err, pgx.ErrNoRows) {
		err = scan(d.pool.QueryRow(ctx, `SELECT state, last, floor, acked FROM job WHERE id = $1`, jobID))
	}
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return "", store.ErrNotFound
	case err != nil:
		return "", plain(d.closing(err))
	case job.State(state).Terminal() || n.Acked == 0 && job.State(state) != job.Queued:
		return "", store.ErrNotFound
	}
	return n.String(), nil
}

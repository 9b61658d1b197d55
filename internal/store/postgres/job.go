package postgres

import (
	"cmp"
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

// lockJob locks a job and reads its row.
const lockJob = `SELECT id, ` + jobColumns + ` FROM (SELECT unnest($1::text[]) LIMIT $2) AS w (wanted)
	JOIN job ON job.id = w.wanted FOR UPDATE OF job`

func (j *jobRow) scanLocked(r pgx.Rows) error {
	return r.Scan(nil, &j.state, &j.queuedAt, &j.hidden, &j.last, &j.floor, &j.acked, &j.ackedAt, &j.endedAt, &j.report)
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
	var found jobRow
	read := statement{sql: lockJob, args: []any{id}, many: true, row: row{table: "job", id: id}, scan: found.scanLocked}
	if t.call != nil {
		read.sql = lockJob + ` SKIP LOCKED`
	}
	_, err = t.hold(doc.PipelineID, read)
	if err = ignore(err); err != nil { // the pipeline may be gone
		return nil, err
	}
	if found.state == "" {
		if _, err := t.reader.Job(id); err != nil || t.call == nil {
			return nil, cmp.Or(err, store.ErrNotFound)
		}
		return nil, t.setAside() // another has it
	}
	if t.jobs == nil {
		t.jobs = map[string]bool{}
	}
	t.jobs[id] = true
	t.continued = t.continued || doc.Data.ContinuationToken != ""
	return found.job(doc, t.now), nil
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
	err := t.put(row{table: "job", id: j.ID}, `INSERT INTO job (id, pipeline_id, queue, client, state, queued_at, last, floor, doc)
		SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[],
			$9::bytea[]) LIMIT $10`,
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
	return t.put(row{table: "job", id: c.ID}, `UPDATE job SET state = w.state, ended_at = w.ended_at, report = w.report, lease = 0
		FROM (SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[]) LIMIT $5) AS w (id, state, ended_at, report)
		WHERE job.id = w.id`, c.ID, string(c.State), millis(c.At), c.Digest)
}

func (t *txn) purgeJob(id string) error { return t.write(`DELETE FROM job WHERE id = $1`, id) }

// SaveJob implements store.JobWriter.
func (t *txn) SaveJob(j *job.Job) error {
	state, lease := stored(j.State), int64(0)
	if j.Held() {
		lease = t.d.node.lease.Load()
	}
	if !t.jobs[j.ID] { // it was not read before and may not be there
		if _, err := t.Job(j.ID); err != nil {
			return err
		}
	}
	err := t.put(row{table: "job", id: j.ID}, `UPDATE job SET state = w.state, queued_at = w.queued_at, last = w.last,
			floor = w.floor, acked = w.acked, acked_at = w.acked_at, ended_at = w.ended_at, report = w.report, lease = w.lease
		FROM (SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
			$8::bigint[], $9::text[], $10::bigint[]) LIMIT $11)
			AS w (id, state, queued_at, last, floor, acked, acked_at, ended_at, report, lease)
		WHERE job.id = w.id`,
		j.ID, string(state), millis(j.QueuedAt), j.Nonces.Last, j.Nonces.Floor, j.Nonces.Acked,
		millis(j.AckedAt), millis(j.EndedAt), j.Report, lease)
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

package sqlite

import (
	"time"

	"penstock/internal/core/engine"
	"penstock/internal/core/pipeline"
	"penstock/internal/sqlite"
	"penstock/internal/store"
)

const pipelineColumns = `id, account, region, name, version, mode, type, created, updated`

func scanPipeline(r *sqlite.Rows) store.Pipeline {
	return store.Pipeline{
		Pipeline: engine.Pipeline{ID: r.Int64(0), Account: r.Text(1), Region: r.Text(2), Name: r.Text(3)},
		Version:  int(r.Int64(4)), Mode: r.Text(5), Type: r.Text(6),
		Created: fromMillis(r.Int64(7)), Updated: fromMillis(r.Int64(8)),
	}
}

// missing is the error for a row that was not there.
func missing(r *sqlite.Rows) error {
	if err := r.Err(); err != nil {
		return err
	}
	return store.ErrNotFound
}

func (v *reader) Pipeline(account, region, name string) (store.Pipeline, error) {
	r, ok := v.tx.QueryRow(`SELECT `+pipelineColumns+` FROM pipeline
		WHERE account = ? AND region = ? AND name = ? AND deleted = 0`, account, region, name)
	if !ok {
		return store.Pipeline{}, missing(r)
	}
	return scanPipeline(r), nil
}

func (v *reader) Pipelines(account, region, after string, limit int) ([]store.Pipeline, error) {
	var list []store.Pipeline
	rows := v.tx.Query(`SELECT `+pipelineColumns+` FROM pipeline
		WHERE account = ? AND region = ? AND name > ? AND deleted = 0 ORDER BY name LIMIT ?`, account, region, after, limit)
	for rows.Next() {
		list = append(list, scanPipeline(rows))
	}
	return list, rows.Err()
}

func (v *reader) CountPipelines(account, region string) (int, error) {
	r, ok := v.tx.QueryRow(`SELECT count(*) FROM pipeline
		WHERE account = ? AND region = ? AND deleted = 0`, account, region)
	if !ok {
		return 0, r.Err()
	}
	return int(r.Int64(0)), nil
}

func (v *reader) Declaration(pipelineID int64, version int) (*pipeline.Declaration, error) {
	d, _, err := v.loadDeclaration(pipelineID, version)
	return d, err
}

// loadDeclaration also returns the length of the document.
func (v *reader) loadDeclaration(pipelineID int64, version int) (*pipeline.Declaration, int, error) {
	r, ok := v.tx.QueryRow(`SELECT v.doc FROM pipeline p JOIN pipeline_version v ON v.pipeline_id = p.id
		WHERE p.id = ? AND p.deleted = 0 AND v.version = ?`, pipelineID, version)
	if !ok {
		return nil, 0, missing(r)
	}
	doc := r.RawBytes(0)
	d, err := store.DecodeDeclaration(pipelineID, doc, v.d.sealer)
	return d, len(doc), err
}

// Declaration of a view uses the shared cache: a committed version never
// changes as long as it is there, and ids are not used twice.
func (v *view) Declaration(pipelineID int64, version int) (*pipeline.Declaration, error) {
	r, ok := v.tx.QueryRow(`SELECT 1 FROM pipeline p JOIN pipeline_version v ON v.pipeline_id = p.id
		WHERE p.id = ? AND p.deleted = 0 AND v.version = ?`, pipelineID, version)
	if !ok {
		return nil, missing(r)
	}
	key := declarationKey{pipelineID, version}
	if d, ok := v.d.declarations.Get(key); ok {
		return d, nil
	}
	d, n, err := v.loadDeclaration(pipelineID, version)
	if err == nil {
		v.d.declarations.Put(key, d, n)
	}
	return d, err
}

func (v *reader) State(pipelineID int64) (*engine.State, error) {
	r, ok := v.tx.QueryRow(`SELECT state FROM pipeline WHERE id = ? AND deleted = 0`, pipelineID)
	if !ok {
		return nil, missing(r)
	}
	return store.DecodeState(r.RawBytes(0))
}

func (t *txn) InsertPipeline(p store.Pipeline, d *pipeline.Declaration) (int64, error) {
	err := t.tx.Exec(`INSERT INTO pipeline (account, region, name, version, mode, type, created, updated, state)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`, p.Account, p.Region, p.Name, d.Version, d.Mode, d.Type,
		millis(p.Created), millis(p.Updated), store.AppendState(t.d.buf[:0], &engine.State{}))
	if err != nil {
		return 0, err
	}
	id := t.tx.LastInsertID()
	return id, t.insertVersion(id, d, p.Created)
}

func (t *txn) insertVersion(pipelineID int64, d *pipeline.Declaration, now time.Time) error {
	doc, err := store.EncodeDeclaration(pipelineID, d, t.d.sealer)
	if err != nil {
		return err
	}
	return t.tx.Exec(`INSERT INTO pipeline_version (pipeline_id, version, doc, made) VALUES (?, ?, ?, ?)`, pipelineID, d.Version, doc, millis(now))
}

func (t *txn) PutVersion(pipelineID int64, d *pipeline.Declaration, now time.Time) error {
	err := t.tx.Exec(`UPDATE pipeline SET version = ?, mode = ?, type = ?, updated = ? WHERE id = ? AND deleted = 0`,
		d.Version, d.Mode, d.Type, millis(now), pipelineID)
	if err != nil {
		return err
	}
	if t.tx.Changes() == 0 {
		return store.ErrNotFound
	}
	t.d.live.Drop(pipelineID)
	t.touched = append(t.touched, pipelineID)
	return t.insertVersion(pipelineID, d, now)
}

// DeletePipeline removes at once what would show under a new pipeline of the
// name.
func (t *txn) DeletePipeline(pipelineID int64) error {
	r, ok := t.tx.QueryRow(`UPDATE pipeline SET deleted = 1 WHERE id = ? AND deleted = 0 RETURNING account, region, name`, pipelineID)
	if !ok {
		return missing(r)
	}
	p := engine.Pipeline{Account: r.Text(0), Region: r.Text(1), Name: r.Text(2)}
	t.d.live.Drop(pipelineID)
	t.touched = append(t.touched, pipelineID)
	if err := t.SetTags(p.ARN(), nil); err != nil {
		return err
	}
	if err := t.SetGitSources(pipelineID, nil); err != nil {
		return err
	}
	return t.SetWatches(pipelineID, nil)
}

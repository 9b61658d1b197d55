package postgres

import (
	"time"

	"github.com/jackc/pgx/v5"

	"penstock/internal/core/engine"
	"penstock/internal/core/pipeline"
	"penstock/internal/store"
)

func (p *pipelineRow) pipeline() store.Pipeline {
	return store.Pipeline{
		Pipeline: engine.Pipeline{ID: p.id, Account: p.account, Region: p.region, Name: p.name},
		Version:  int(p.version), Mode: p.mode, Type: p.typ,
		Created: fromMillis(p.created), Updated: fromMillis(p.updated),
	}
}

// scanShort reads pipelineColumns.
func (p *pipelineRow) scanShort(r pgx.Rows) error {
	return r.Scan(&p.id, &p.account, &p.region, &p.name, &p.version, &p.mode, &p.typ, &p.created, &p.updated)
}

func (v *reader) Pipeline(account, region, name string) (store.Pipeline, error) {
	var p pipelineRow
	err := v.one(`SELECT `+pipelineColumns+` FROM pipeline
		WHERE account = $1 AND region = $2 AND name = $3 AND NOT deleted`, p.scanShort, account, region, name)
	if err != nil {
		return store.Pipeline{}, err
	}
	return p.pipeline(), nil
}

func (v *reader) Pipelines(account, region, after string, limit int) ([]store.Pipeline, error) {
	var list []store.Pipeline
	err := v.query(`SELECT `+pipelineColumns+` FROM pipeline
		WHERE account = $1 AND region = $2 AND name > $3 AND NOT deleted ORDER BY name LIMIT $4`, func(r pgx.Rows) error {
		var p pipelineRow
		err := p.scanShort(r)
		list = append(list, p.pipeline())
		return err
	}, account, region, after, limit)
	return list, err
}

func (v *reader) CountPipelines(account, region string) (int, error) {
	return v.count(`SELECT count(*) FROM pipeline
		WHERE account = $1 AND region = $2 AND NOT deleted`, account, region)
}

func (v *reader) Declaration(pipelineID int64, version int) (*pipeline.Declaration, error) {
	d, _, err := v.loadDeclaration(pipelineID, version)
	return d, err
}

// loadDeclaration also returns the length of the document.
func (v *reader) loadDeclaration(pipelineID int64, version int) (*pipeline.Declaration, int, error) {
	var doc []byte
	err := v.one(`SELECT v.doc FROM pipeline p JOIN pipeline_version v ON v.pipeline_id = p.id
		WHERE p.id = $1 AND NOT p.deleted AND v.version = $2`, func(r pgx.Rows) error { return r.Scan(&doc) }, pipelineID, version)
	if err != nil {
		return nil, 0, err
	}
	d, err := store.DecodeDeclaration(pipelineID, doc, v.d.sealer)
	return d, len(doc), err
}

// Declaration of a view uses the shared cache: a committed version never
// changes as long as it is there, and ids are not used twice.
func (v *view) Declaration(pipelineID int64, version int) (*pipeline.Declaration, error) {
	err := v.one(`SELECT 1 FROM pipeline p JOIN pipeline_version v ON v.pipeline_id = p.id
		WHERE p.id = $1 AND NOT p.deleted AND v.version = $2`, func(pgx.Rows) error { return nil }, pipelineID, version)
	if err != nil {
		return nil, err
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
	var doc []byte
	err := v.one(`SELECT state FROM pipeline WHERE id = $1 AND NOT deleted`, func(r pgx.Rows) error { return r.Scan(&doc) }, pipelineID)
	if err != nil {
		return nil, err
	}
	return store.DecodeState(doc)
}

func (t *txn) InsertPipeline(p store.Pipeline, d *pipeline.Declaration) (int64, error) {
	if err := t.define(); err != nil {
		return 0, err
	}
	var id int64
	err := t.one(`INSERT INTO pipeline (account, region, name, version, mode, type, created, updated, state)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id`, func(r pgx.Rows) error { return r.Scan(&id) },
		p.Account, p.Region, p.Name, d.Version, d.Mode, d.Type,
		millis(p.Created), millis(p.Updated), store.AppendState(nil, &engine.State{}))
	if err != nil {
		return 0, err
	}
	return id, t.insertVersion(id, d, p.Created)
}

func (t *txn) insertVersion(pipelineID int64, d *pipeline.Declaration, now time.Time) error {
	doc, err := store.EncodeDeclaration(pipelineID, d, t.d.sealer)
	if err != nil {
		return err
	}
	return t.write(`INSERT INTO pipeline_version (pipeline_id, version, doc, made) VALUES ($1, $2, $3, $4)`, pipelineID, d.Version, doc, millis(now))
}

func (t *txn) PutVersion(pipelineID int64, d *pipeline.Declaration, now time.Time) error {
	if _, err := t.holdAlive(pipelineID); err != nil {
		return err
	}
	err := t.write(`UPDATE pipeline SET version = $1, mode = $2, type = $3, updated = $4, change = change + 1 WHERE id = $5`,
		d.Version, d.Mode, d.Type, millis(now), pipelineID)
	if err != nil {
		return err
	}
	delete(t.held, pipelineID)
	return t.insertVersion(pipelineID, d, now)
}

// DeletePipeline removes at once what would show under a new pipeline of the
// name.
func (t *txn) DeletePipeline(pipelineID int64) error {
	h, err := t.holdAlive(pipelineID)
	if err != nil {
		return err
	}
	if err := t.write(`UPDATE pipeline SET deleted = true, change = change + 1 WHERE id = $1`, pipelineID); err != nil {
		return err
	}
	p := h.row.pipeline()
	delete(t.held, pipelineID)
	if err := t.SetTags(p.ARN(), nil); err != nil {
		return err
	}
	if err := t.SetGitSources(pipelineID, nil); err != nil {
		return err
	}
	return t.removeWatches(pipelineID)
}

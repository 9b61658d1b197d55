package postgres

import (
	"errors"

	"github.com/jackc/pgx/v5"

	"penstock/internal/store"
)

// pipelineRow is a row of the table pipeline.
type pipelineRow struct {
	id, version, created, updated, change int64
	account, region, name, mode, typ      string
	deleted                               bool
	state                                 []byte
}

const pipelineColumns = `id, account, region, name, version, mode, type, created, updated`

// lockPipeline locks a pipeline and reads its row.
const lockPipeline = `SELECT ` + pipelineColumns + `, deleted, change, state
	FROM (SELECT unnest($1::bigint[]) LIMIT $2) AS w (wanted) JOIN pipeline ON pipeline.id = w.wanted FOR UPDATE OF pipeline`

func (p *pipelineRow) scan(r pgx.Rows) error {
	return r.Scan(&p.id, &p.account, &p.region, &p.name, &p.version, &p.mode, &p.typ, &p.created, &p.updated,
		&p.deleted, &p.change, &p.state)
}

// held is a pipeline that an update has locked.
type held struct {
	row  pipelineRow
	live *live // nil = not loaded
	own  bool  // this update changed live: it is of no use to others before the commit
}

// hold locks the pipeline for the rest of the transaction and reads its row,
// with the statements that come after in the same round trip. ErrNotFound says
// that there is no such row.
func (t *txn) hold(pipelineID int64, after ...statement) (*held, error) {
	if h := t.held[pipelineID]; h != nil {
		if len(after) == 0 {
			return h, nil
		}
		return h, t.run(after...)
	}
	sql := lockPipeline
	if t.call != nil {
		if err := t.call.hold(pipelineID); err != nil {
			return nil, err
		}
		sql += ` SKIP LOCKED`
	}
	h := &held{}
	found := false
	lock := statement{sql: sql, args: []any{pipelineID}, many: true, row: row{table: "pipeline", pipeline: pipelineID},
		scan: func(r pgx.Rows) error {
			found = true
			return h.row.scan(r)
		}}
	if err := t.run(append([]statement{lock}, after...)...); err != nil {
		return nil, err
	}
	if !found {
		if t.call != nil { // gone, or another has it
			return nil, t.setAside()
		}
		return nil, store.ErrNotFound
	}
	if t.held == nil {
		t.held = map[int64]*held{}
	}
	t.held[pipelineID] = h
	return h, nil
}

// holdAlive is hold for pipelines that are not deleted.
func (t *txn) holdAlive(pipelineID int64) (*held, error) {
	h, err := t.hold(pipelineID)
	if err == nil && h.row.deleted {
		return nil, store.ErrNotFound
	}
	return h, err
}

// Pipeline of an update locks the pipeline that it finds.
func (t *txn) Pipeline(account, region, name string) (store.Pipeline, error) {
	for {
		p, err := t.reader.Pipeline(account, region, name)
		if err != nil {
			return p, err
		}
		h, err := t.hold(p.ID)
		if errors.Is(err, store.ErrNotFound) || err == nil && h.row.deleted {
			continue // deleted at this moment
		}
		if err != nil {
			return store.Pipeline{}, err
		}
		return h.row.pipeline(), nil
	}
}

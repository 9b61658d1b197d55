package postgres

import (
	"github.com/jackc/pgx/v5"

	"penstock/internal/store"
)

// Announced implements store.RevisionReader.
func (v *reader) Announced(pipelineID int64, rev store.AnnouncedRevision) (execution string, err error) {
	err = v.one(`SELECT r.execution FROM revision r JOIN pipeline p ON p.id = r.pipeline_id
		WHERE r.pipeline_id = $1 AND r.action = $2 AND r.revision = $3 AND r.change = $4 AND NOT p.deleted`,
		func(r pgx.Rows) error { return r.Scan(&execution) }, pipelineID, rev.Action, rev.Revision, rev.Change)
	return execution, err
}

// PutAnnounced implements store.RevisionWriter.
func (t *txn) PutAnnounced(pipelineID int64, r store.AnnouncedRevision) error {
	return t.write(`INSERT INTO revision (pipeline_id, action, revision, change, execution) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (pipeline_id, action, revision, change) DO UPDATE SET execution = excluded.execution`,
		pipelineID, r.Action, r.Revision, r.Change, r.Execution)
}

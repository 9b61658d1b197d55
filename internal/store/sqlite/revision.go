package sqlite

import "penstock/internal/store"

// Announced implements store.RevisionReader.
func (v *reader) Announced(pipelineID int64, r store.AnnouncedRevision) (string, error) {
	row, ok := v.tx.QueryRow(`SELECT r.execution FROM revision r JOIN pipeline p ON p.id = r.pipeline_id
		WHERE r.pipeline_id = ? AND r.action = ? AND r.revision = ? AND r.change = ? AND p.deleted = 0`,
		pipelineID, r.Action, r.Revision, r.Change)
	if !ok {
		return "", missing(row)
	}
	return row.Text(0), nil
}

// PutAnnounced implements store.RevisionWriter.
func (t *txn) PutAnnounced(pipelineID int64, r store.AnnouncedRevision) error {
	return t.tx.Exec(`INSERT INTO revision (pipeline_id, action, revision, change, execution) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET execution = excluded.execution`, pipelineID, r.Action, r.Revision, r.Change, r.Execution)
}

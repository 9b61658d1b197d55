package sqlite

import (
	"time"

	"penstock/internal/store"
)

// PipelineVersions implements store.RetentionReader.
func (v *reader) PipelineVersions(t time.Time, above store.PipelineVersion, limit int) ([]store.PipelineVersion, error) {
	rows := v.tx.Query(`SELECT v.pipeline_id, v.version, v.version < p.version AND NOT p.deleted
			AND (SELECT 1 FROM execution e WHERE e.pipeline_id = v.pipeline_id AND e.version = 0 LIMIT 1) IS NULL
			AND (SELECT 1 FROM execution e WHERE e.pipeline_id = v.pipeline_id AND e.version = v.version LIMIT 1) IS NULL
			AND coalesce((SELECT n.made FROM pipeline_version n WHERE n.pipeline_id = v.pipeline_id AND n.version = v.version + 1), 0) < ?
		FROM pipeline_version v JOIN pipeline p ON p.id = v.pipeline_id
		WHERE (v.pipeline_id, v.version) > (?, ?) ORDER BY v.pipeline_id, v.version LIMIT ?`, millis(t), above.PipelineID, above.Version, limit)
	defer rows.Close()
	var list []store.PipelineVersion
	for rows.Next() {
		list = append(list, store.PipelineVersion{PipelineID: rows.Int64(0), Version: int(rows.Int64(1)), Unused: rows.Bool(2)})
	}
	return list, rows.Err()
}

// RemoveVersion implements store.RetentionWriter.
func (t *txn) RemoveVersion(pipelineID int64, version int) (bool, error) {
	err := t.tx.Exec(`DELETE FROM pipeline_version WHERE pipeline_id = ? AND version = ?
		AND EXISTS (SELECT 1 FROM pipeline p WHERE p.id = pipeline_version.pipeline_id AND p.deleted = 0 AND p.version > pipeline_version.version)
		AND NOT EXISTS (SELECT 1 FROM execution e WHERE e.pipeline_id = pipeline_version.pipeline_id AND e.version = 0)
		AND NOT EXISTS (SELECT 1 FROM execution e WHERE e.pipeline_id = pipeline_version.pipeline_id AND e.version = pipeline_version.version)`,
		pipelineID, version)
	return err == nil && t.tx.Changes() > 0, err
}

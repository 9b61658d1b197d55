package postgres

import (
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"penstock/internal/store"
)

// PipelineVersions implements store.RetentionReader.
func (v *reader) PipelineVersions(t time.Time, above store.PipelineVersion, limit int) (list []store.PipelineVersion, err error) {
	err = v.query(`SELECT v.pipeline_id, v.version, v.version < p.version AND NOT p.deleted
			AND (SELECT 1 FROM execution e WHERE e.pipeline_id = v.pipeline_id AND e.version = 0 LIMIT 1) IS NULL
			AND (SELECT 1 FROM execution e WHERE e.pipeline_id = v.pipeline_id AND e.version = v.version LIMIT 1) IS NULL
			AND coalesce((SELECT n.made FROM pipeline_version n WHERE n.pipeline_id = v.pipeline_id AND n.version = v.version + 1), 0) < $1
		FROM pipeline_version v JOIN pipeline p ON p.id = v.pipeline_id
		WHERE (v.pipeline_id, v.version) > ($2, $3) ORDER BY v.pipeline_id, v.version LIMIT $4`, func(r pgx.Rows) error {
		var p store.PipelineVersion
		err := r.Scan(&p.PipelineID, &p.Version, &p.Unused)
		list = append(list, p)
		return err
	}, millis(t), above.PipelineID, above.Version, limit)
	return list, err
}

// RemoveVersion implements store.RetentionWriter.
func (t *txn) RemoveVersion(pipelineID int64, version int) (bool, error) {
	if t.call != nil {
		return false, t.setAside()
	}
	if _, err := t.holdAlive(pipelineID); errors.Is(err, store.ErrNotFound) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	n, err := t.affected(`DELETE FROM pipeline_version v USING pipeline p WHERE v.pipeline_id = $1 AND v.version = $2
		AND p.id = v.pipeline_id AND p.version > v.version
		AND (SELECT 1 FROM execution e WHERE e.pipeline_id = v.pipeline_id AND e.version = 0 LIMIT 1) IS NULL
		AND (SELECT 1 FROM execution e WHERE e.pipeline_id = v.pipeline_id AND e.version = v.version LIMIT 1) IS NULL`, pipelineID, version)
	return n > 0, err
}

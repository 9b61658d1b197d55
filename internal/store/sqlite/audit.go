package sqlite

import (
	"encoding/json"
	"fmt"
	"time"

	"penstock/internal/store"
)

// PutAudit implements store.AuditWriter.
func (t *txn) PutAudit(r store.AuditRecord) error {
	r.Number = 0
	doc, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return t.tx.Exec(`INSERT INTO audit (account, region, at, doc) VALUES (?, ?, ?, ?)`, r.Account, r.Region, millis(r.Time), doc)
}

// Audit implements store.AuditReader.
func (v *reader) Audit(account, region string, after int64, limit int) ([]store.AuditRecord, error) {
	rows := v.tx.Query(`SELECT seq, doc FROM audit INDEXED BY audit_account
		WHERE account = ? AND region = ? AND seq > ? ORDER BY seq LIMIT ?`, account, region, after, limit)
	defer rows.Close()
	var list []store.AuditRecord
	for rows.Next() {
		var r store.AuditRecord
		if err := json.Unmarshal(rows.Blob(1), &r); err != nil {
			return nil, fmt.Errorf("store: audit record %d: %w", rows.Int64(0), err)
		}
		r.Number = rows.Int64(0)
		list = append(list, r)
	}
	return list, rows.Err()
}

// AuditBefore implements store.AuditReader.
func (v *reader) AuditBefore(account, region string, t time.Time) (int64, error) {
	r, ok := v.tx.QueryRow(`SELECT seq FROM audit INDEXED BY audit_time
		WHERE account = ? AND region = ? AND at < ? ORDER BY at DESC, seq DESC LIMIT 1`, account, region, millis(t))
	if !ok {
		return 0, r.Err()
	}
	return r.Int64(0), nil
}

// purgeAudit removes the oldest records.
func (t *txn) purgeAudit(t0 time.Time, limit int) (int, error) {
	before := millis(t0)
	rows := t.tx.Query(`SELECT seq, at FROM audit WHERE seq > 0 ORDER BY seq LIMIT ?`, limit)
	last := int64(0)
	for rows.Next() && rows.Int64(1) < before {
		last = rows.Int64(0)
	}
	rows.Close()
	if err := rows.Err(); err != nil || last == 0 {
		return 0, err
	}
	err := t.tx.Exec(`DELETE FROM audit WHERE seq <= ?`, last)
	return int(t.tx.Changes()), err
}

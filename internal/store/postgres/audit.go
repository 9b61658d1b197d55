package postgres

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"penstock/internal/store"
)

// auditLock is the key of the advisory lock that puts the records in a row:
// without it a number could become visible behind a higher one, and who follows
// the log would miss its record.
const auditLock = 0x50454e53_00000003

// PutAudit implements store.AuditWriter.
func (t *txn) PutAudit(r store.AuditRecord) error {
	r.Number = 0
	doc, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if err := t.write(`SELECT pg_advisory_xact_lock($1)`, int64(auditLock)); err != nil {
		return err
	}
	return t.write(`INSERT INTO audit (account, region, at, doc) VALUES ($1, $2, $3, $4)`, r.Account, r.Region, millis(r.Time), doc)
}

// Audit implements store.AuditReader.
func (v *reader) Audit(account, region string, after int64, limit int) ([]store.AuditRecord, error) {
	var list []store.AuditRecord
	err := v.query(`SELECT seq, doc FROM audit
		WHERE account = $1 AND region = $2 AND seq > $3 ORDER BY seq LIMIT $4`, func(row pgx.Rows) error {
		var r store.AuditRecord
		var number int64
		var doc []byte
		if err := row.Scan(&number, &doc); err != nil {
			return err
		}
		if err := json.Unmarshal(doc, &r); err != nil {
			return fmt.Errorf("store: audit record %d: %w", number, err)
		}
		r.Number = number
		list = append(list, r)
		return nil
	}, account, region, after, limit)
	return list, err
}

// AuditBefore implements store.AuditReader.
func (v *reader) AuditBefore(account, region string, t time.Time) (int64, error) {
	return v.number(`SELECT seq FROM audit
		WHERE account = $1 AND region = $2 AND at < $3 ORDER BY at DESC, seq DESC LIMIT 1`, account, region, millis(t))
}

// purgeAudit removes the oldest records.
func (t *txn) purgeAudit(before time.Time, limit int) (int, error) {
	return t.affected(`DELETE FROM audit WHERE ctid = ANY (ARRAY(SELECT ctid FROM audit WHERE at < $1 ORDER BY at LIMIT $2))`,
		millis(before), limit)
}

package sqlite

import (
	"time"

	"penstock/internal/sqlite"
	"penstock/internal/store"
)

const eventRuleColumns = `account, region, name, due, doc`

func scanEventRule(r *sqlite.Rows) (store.EventRule, error) {
	rule := store.EventRule{Account: r.Text(0), Region: r.Text(1), Name: r.Text(2), Due: fromMillis(r.Int64(3))}
	err := store.DecodeEventRule(&rule, r.RawBytes(4))
	return rule, err
}

func scanEventRules(rows *sqlite.Rows) ([]store.EventRule, error) {
	defer rows.Close()
	var list []store.EventRule
	for rows.Next() {
		rule, err := scanEventRule(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, rule)
	}
	return list, rows.Err()
}

func (v *reader) EventRule(account, region, name string) (store.EventRule, error) {
	r, ok := v.tx.QueryRow(`SELECT `+eventRuleColumns+` FROM event_rule WHERE account = ? AND region = ? AND name = ?`, account, region, name)
	if !ok {
		return store.EventRule{}, missing(r)
	}
	return scanEventRule(r)
}

func (v *reader) EventRules(account, region, after string, limit int) ([]store.EventRule, error) {
	return scanEventRules(v.tx.Query(`SELECT `+eventRuleColumns+` FROM event_rule
		WHERE account = ? AND region = ? AND name > ? ORDER BY name LIMIT ?`, account, region, after, limit))
}

func (v *reader) CountEventRules(account, region string) (int, error) {
	r, ok := v.tx.QueryRow(`SELECT count(*) FROM event_rule WHERE account = ? AND region = ?`, account, region)
	if !ok {
		return 0, r.Err()
	}
	return int(r.Int64(0)), nil
}

func (v *reader) EventRuleVersion() (int64, error) {
	r, ok := v.tx.QueryRow(`SELECT version FROM event_rule_version WHERE id = 1`)
	if !ok {
		return 0, missing(r)
	}
	return r.Int64(0), nil
}

func (v *reader) DueEventRules(now time.Time, limit int) ([]store.EventRule, error) {
	return scanEventRules(v.tx.Query(`SELECT `+eventRuleColumns+` FROM event_rule WHERE due > 0 AND due <= ? ORDER BY due LIMIT ?`, millis(now), limit))
}

func (v *reader) NextEventRule() (time.Time, error) {
	r, ok := v.tx.QueryRow(`SELECT due FROM event_rule WHERE due > 0 ORDER BY due LIMIT 1`)
	if !ok {
		return time.Time{}, r.Err()
	}
	return fromMillis(r.Int64(0)), nil
}

func (t *txn) PutEventRule(rule store.EventRule) error {
	doc, err := store.EncodeEventRule(rule)
	if err != nil {
		return err
	}
	err = t.tx.Exec(`INSERT INTO event_rule (`+eventRuleColumns+`) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (account, region, name) DO UPDATE SET due = excluded.due, doc = excluded.doc`,
		rule.Account, rule.Region, rule.Name, millis(rule.Due), doc)
	if err != nil {
		return err
	}
	return t.eventRulesChanged()
}

func (t *txn) DeleteEventRule(account, region, name string) error {
	if err := t.tx.Exec(`DELETE FROM event_rule WHERE account = ? AND region = ? AND name = ?`, account, region, name); err != nil {
		return err
	}
	if err := t.SetTags(store.EventRuleARN(account, region, name), nil); err != nil {
		return err
	}
	return t.eventRulesChanged()
}

func (t *txn) eventRulesChanged() error {
	return t.tx.Exec(`UPDATE event_rule_version SET version = version + 1 WHERE id = 1`)
}

func (t *txn) ClaimEventRule(rule store.EventRule, next time.Time) (bool, error) {
	err := t.tx.Exec(`UPDATE event_rule SET due = ? WHERE account = ? AND region = ? AND name = ? AND due = ?`,
		millis(next), rule.Account, rule.Region, rule.Name, millis(rule.Due))
	return t.tx.Changes() > 0, err
}

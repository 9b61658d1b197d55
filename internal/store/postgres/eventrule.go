package postgres

import (
	"time"

	"github.com/jackc/pgx/v5"

	"penstock/internal/store"
)

const eventRuleColumns = `account, region, name, due, doc`

func (v *reader) eventRules(sql string, args ...any) ([]store.EventRule, error) {
	var list []store.EventRule
	err := v.query(sql, func(r pgx.Rows) error {
		var rule store.EventRule
		var due int64
		var doc []byte
		if err := r.Scan(&rule.Account, &rule.Region, &rule.Name, &due, &doc); err != nil {
			return err
		}
		rule.Due = fromMillis(due)
		err := store.DecodeEventRule(&rule, doc)
		list = append(list, rule)
		return err
	}, args...)
	return list, err
}

func (v *reader) EventRule(account, region, name string) (store.EventRule, error) {
	list, err := v.eventRules(`SELECT `+eventRuleColumns+` FROM event_rule WHERE account = $1 AND region = $2 AND name = $3`, account, region, name)
	if err != nil {
		return store.EventRule{}, err
	}
	if len(list) == 0 {
		return store.EventRule{}, store.ErrNotFound
	}
	return list[0], nil
}

func (v *reader) EventRules(account, region, after string, limit int) ([]store.EventRule, error) {
	return v.eventRules(`SELECT `+eventRuleColumns+` FROM event_rule
		WHERE account = $1 AND region = $2 AND name > $3 ORDER BY name LIMIT $4`, account, region, after, limit)
}

func (v *reader) CountEventRules(account, region string) (int, error) {
	return v.count(`SELECT count(*) FROM event_rule WHERE account = $1 AND region = $2`, account, region)
}

func (v *reader) EventRuleVersion() (int64, error) {
	return v.number(`SELECT version FROM event_rule_version WHERE id = 1`)
}

func (v *reader) DueEventRules(now time.Time, limit int) ([]store.EventRule, error) {
	return v.eventRules(`SELECT `+eventRuleColumns+` FROM event_rule WHERE due > 0 AND due <= $1 ORDER BY due LIMIT $2`, millis(now), limit)
}

func (v *reader) NextEventRule() (time.Time, error) {
	due, err := v.number(`SELECT due FROM event_rule WHERE due > 0 ORDER BY due LIMIT 1`)
	return fromMillis(due), err
}

func (t *txn) PutEventRule(rule store.EventRule) error {
	if err := t.define(); err != nil {
		return err
	}
	doc, err := store.EncodeEventRule(rule)
	if err != nil {
		return err
	}
	err = t.write(`INSERT INTO event_rule (`+eventRuleColumns+`) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (account, region, name) DO UPDATE SET due = excluded.due, doc = excluded.doc`,
		rule.Account, rule.Region, rule.Name, millis(rule.Due), doc)
	if err != nil {
		return err
	}
	return t.eventRulesChanged()
}

func (t *txn) DeleteEventRule(account, region, name string) error {
	if err := t.define(); err != nil {
		return err
	}
	if err := t.write(`DELETE FROM event_rule WHERE account = $1 AND region = $2 AND name = $3`, account, region, name); err != nil {
		return err
	}
	if err := t.SetTags(store.EventRuleARN(account, region, name), nil); err != nil {
		return err
	}
	return t.eventRulesChanged()
}

func (t *txn) eventRulesChanged() error {
	return t.write(`UPDATE event_rule_version SET version = version + 1 WHERE id = 1`)
}

func (t *txn) ClaimEventRule(rule store.EventRule, next time.Time) (bool, error) {
	if err := t.define(); err != nil {
		return false, err
	}
	n, err := t.affected(`UPDATE event_rule SET due = $1 WHERE account = $2 AND region = $3 AND name = $4 AND due = $5`,
		millis(next), rule.Account, rule.Region, rule.Name, millis(rule.Due))
	return n > 0, err
}

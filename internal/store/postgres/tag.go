package postgres

import "github.com/jackc/pgx/v5"

func (v *reader) Tags(arn string) (map[string]string, error) {
	tags := map[string]string{}
	err := v.query(`SELECT name, value FROM tag WHERE arn = $1`, func(r pgx.Rows) error {
		var name, value string
		err := r.Scan(&name, &value)
		tags[name] = value
		return err
	}, arn)
	return tags, err
}

func (t *txn) SetTags(arn string, tags map[string]string) error {
	if err := t.define(); err != nil {
		return err
	}
	if err := t.write(`DELETE FROM tag WHERE arn = $1`, arn); err != nil {
		return err
	}
	for name, value := range tags {
		if err := t.write(`INSERT INTO tag (arn, name, value) VALUES ($1, $2, $3)`, arn, name, value); err != nil {
			return err
		}
	}
	return nil
}

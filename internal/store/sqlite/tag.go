package sqlite

func (v *reader) Tags(arn string) (map[string]string, error) {
	tags := map[string]string{}
	rows := v.tx.Query(`SELECT name, value FROM tag WHERE arn = ?`, arn)
	for rows.Next() {
		tags[rows.Text(0)] = rows.Text(1)
	}
	return tags, rows.Err()
}

func (t *txn) SetTags(arn string, tags map[string]string) error {
	if err := t.tx.Exec(`DELETE FROM tag WHERE arn = ?`, arn); err != nil {
		return err
	}
	for name, value := range tags {
		if err := t.tx.Exec(`INSERT INTO tag (arn, name, value) VALUES (?, ?, ?)`, arn, name, value); err != nil {
			return err
		}
	}
	return nil
}

package sqlite

import (
	"time"

	"penstock/internal/core/engine"
	"penstock/internal/sqlite"
	"penstock/internal/store"
)

const connectionColumns = `id, account, region, name, created, doc`

func (v *reader) scanConnection(r *sqlite.Rows) (store.Connection, error) {
	c := store.Connection{ID: r.Text(0), Account: r.Text(1), Region: r.Text(2), Name: r.Text(3), Created: fromMillis(r.Int64(4))}
	err := store.DecodeConnection(&c, r.RawBytes(5), v.d.sealer)
	return c, err
}

func (v *reader) Connection(id string) (store.Connection, error) {
	r, ok := v.tx.QueryRow(`SELECT `+connectionColumns+` FROM connection WHERE id = ?`, id)
	if !ok {
		return store.Connection{}, missing(r)
	}
	return v.scanConnection(r)
}

func (v *reader) Connections(account, region string) ([]store.Connection, error) {
	var list []store.Connection
	rows := v.tx.Query(`SELECT `+connectionColumns+` FROM connection WHERE account = ? AND region = ? ORDER BY name`, account, region)
	defer rows.Close()
	for rows.Next() {
		c, err := v.scanConnection(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, rows.Err()
}

func (v *reader) PipelinesOf(repo store.Repository) ([]engine.Pipeline, error) {
	var list []engine.Pipeline
	rows := v.tx.Query(`SELECT pipeline_id, account, region, name FROM git_source
		WHERE connection = ? AND repository = ? ORDER BY pipeline_id`, repo.Connection, repo.Name)
	for rows.Next() {
		if id := rows.Int64(0); len(list) == 0 || list[len(list)-1].ID != id {
			list = append(list, engine.Pipeline{ID: id, Account: rows.Text(1), Region: rows.Text(2), Name: rows.Text(3)})
		}
	}
	return list, rows.Err()
}

func (v *reader) Repositories() ([]store.Repository, error) {
	var list []store.Repository
	rows := v.tx.Query(`SELECT DISTINCT connection, repository FROM git_source ORDER BY connection, repository`)
	for rows.Next() {
		list = append(list, store.Repository{Connection: rows.Text(0), Name: rows.Text(1)})
	}
	return list, rows.Err()
}

func (v *reader) References(repo store.Repository) (map[string]string, error) {
	r, ok := v.tx.QueryRow(`SELECT refs FROM repository WHERE connection = ? AND name = ?`, repo.Connection, repo.Name)
	if !ok {
		return nil, missing(r)
	}
	return store.DecodeReferences(r.RawBytes(0))
}

func (t *txn) PutConnection(c store.Connection) error {
	doc, err := store.EncodeConnection(c, t.d.sealer)
	if err != nil {
		return err
	}
	return t.tx.Exec(`INSERT INTO connection (`+connectionColumns+`) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET doc = excluded.doc`, c.ID, c.Account, c.Region, c.Name, millis(c.Created), doc)
}

func (t *txn) DeleteConnection(id string) error {
	for _, sql := range []string{
		`DELETE FROM connection WHERE id = ?`,
		`DELETE FROM connection_delivery WHERE connection = ?`,
		`DELETE FROM repository WHERE connection = ?`,
	} {
		if err := t.tx.Exec(sql, id); err != nil {
			return err
		}
	}
	return nil
}

func (t *txn) SetGitSources(pipelineID int64, sources []store.GitSource) error {
	var old []store.Repository
	rows := t.tx.Query(`SELECT connection, repository FROM git_source WHERE pipeline_id = ?`, pipelineID)
	for rows.Next() {
		old = append(old, store.Repository{Connection: rows.Text(0), Name: rows.Text(1)})
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if err := t.tx.Exec(`DELETE FROM git_source WHERE pipeline_id = ?`, pipelineID); err != nil {
		return err
	}
	for _, s := range sources {
		err := t.tx.Exec(`INSERT INTO git_source (pipeline_id, action, account, region, name, connection, repository) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			pipelineID, s.Action, s.Pipeline.Account, s.Pipeline.Region, s.Pipeline.Name, s.Connection, s.Name)
		if err != nil {
			return err
		}
	}
	for _, r := range old {
		err := t.tx.Exec(`DELETE FROM repository WHERE connection = ? AND name = ?
			AND NOT EXISTS (SELECT 1 FROM git_source s WHERE s.connection = repository.connection AND s.repository = repository.name)`, r.Connection, r.Name)
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *txn) SetReferences(repo store.Repository, refs map[string]string) error {
	doc, err := store.EncodeReferences(refs)
	if err != nil {
		return err
	}
	return t.tx.Exec(`INSERT INTO repository (connection, name, refs) VALUES (?, ?, ?)
		ON CONFLICT DO UPDATE SET refs = excluded.refs`, repo.Connection, repo.Name, doc)
}

func (t *txn) ConnectionDelivered(connection, delivery string, now time.Time) (bool, error) {
	err := t.tx.Exec(`INSERT INTO connection_delivery (connection, delivery, at) VALUES (?, ?, ?)
		ON CONFLICT DO UPDATE SET at = excluded.at WHERE connection_delivery.at <= ?`,
		connection, delivery, millis(now), millis(now.Add(-store.DeliveryRetention)))
	return t.tx.Changes() > 0, err
}

// purgeConnectionDeliveries removes deliveries that may come again.
func (t *txn) purgeConnectionDeliveries(now time.Time, limit int) (int, error) {
	err := t.tx.Exec(`DELETE FROM connection_delivery WHERE (connection, delivery) IN
		(SELECT connection, delivery FROM connection_delivery WHERE at <= ? LIMIT ?)`, millis(now.Add(-store.DeliveryRetention)), limit)
	return int(t.tx.Changes()), err
}

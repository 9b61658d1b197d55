package postgres

import (
	"time"

	"github.com/jackc/pgx/v5"

	"penstock/internal/core/engine"
	"penstock/internal/store"
)

const connectionColumns = `id, account, region, name, created, doc`

func (v *reader) connections(sql string, args ...any) ([]store.Connection, error) {
	var list []store.Connection
	err := v.query(sql, func(r pgx.Rows) error {
		var c store.Connection
		var created int64
		var doc []byte
		if err := r.Scan(&c.ID, &c.Account, &c.Region, &c.Name, &created, &doc); err != nil {
			return err
		}
		c.Created = fromMillis(created)
		err := store.DecodeConnection(&c, doc, v.d.sealer)
		list = append(list, c)
		return err
	}, args...)
	return list, err
}

func (v *reader) Connection(id string) (store.Connection, error) {
	list, err := v.connections(`SELECT `+connectionColumns+` FROM connection WHERE id = $1`, id)
	if err == nil && len(list) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return store.Connection{}, err
	}
	return list[0], nil
}

func (v *reader) Connections(account, region string) ([]store.Connection, error) {
	return v.connections(`SELECT `+connectionColumns+` FROM connection WHERE account = $1 AND region = $2 ORDER BY name`, account, region)
}

func (v *reader) PipelinesOf(repo store.Repository) ([]engine.Pipeline, error) {
	var list []engine.Pipeline
	err := v.query(`SELECT pipeline_id, account, region, name FROM git_source
		WHERE connection = $1 AND repository = $2 ORDER BY pipeline_id`, func(r pgx.Rows) error {
		var p engine.Pipeline
		err := r.Scan(&p.ID, &p.Account, &p.Region, &p.Name)
		if len(list) == 0 || list[len(list)-1].ID != p.ID {
			list = append(list, p)
		}
		return err
	}, repo.Connection, repo.Name)
	return list, err
}

func (v *reader) Repositories() ([]store.Repository, error) {
	return v.repositories(`SELECT DISTINCT connection, repository FROM git_source ORDER BY connection, repository`)
}

func (v *reader) repositories(sql string, args ...any) ([]store.Repository, error) {
	var list []store.Repository
	err := v.query(sql, func(r pgx.Rows) error {
		var repo store.Repository
		err := r.Scan(&repo.Connection, &repo.Name)
		list = append(list, repo)
		return err
	}, args...)
	return list, err
}

func (v *reader) References(repo store.Repository) (map[string]string, error) {
	var refs []byte
	err := v.one(`SELECT refs FROM repository WHERE connection = $1 AND name = $2`,
		func(r pgx.Rows) error { return r.Scan(&refs) }, repo.Connection, repo.Name)
	if err != nil {
		return nil, err
	}
	return store.DecodeReferences(refs)
}

func (t *txn) PutConnection(c store.Connection) error {
	if err := t.define(); err != nil {
		return err
	}
	doc, err := store.EncodeConnection(c, t.d.sealer)
	if err != nil {
		return err
	}
	return t.write(`INSERT INTO connection (`+connectionColumns+`) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (id) DO UPDATE SET doc = excluded.doc`, c.ID, c.Account, c.Region, c.Name, millis(c.Created), doc)
}

func (t *txn) DeleteConnection(id string) error {
	if err := t.define(); err != nil {
		return err
	}
	for _, sql := range []string{
		`DELETE FROM connection WHERE id = $1`,
		`DELETE FROM connection_delivery WHERE connection = $1`,
		`DELETE FROM repository WHERE connection = $1`,
	} {
		if err := t.write(sql, id); err != nil {
			return err
		}
	}
	return nil
}

func (t *txn) SetGitSources(pipelineID int64, sources []store.GitSource) error {
	old, err := t.repositories(`SELECT connection, repository FROM git_source WHERE pipeline_id = $1`, pipelineID)
	if err != nil {
		return err
	}
	if err := t.write(`DELETE FROM git_source WHERE pipeline_id = $1`, pipelineID); err != nil {
		return err
	}
	for _, s := range sources {
		err := t.write(`INSERT INTO git_source (pipeline_id, action, account, region, name, connection, repository)
			VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			pipelineID, s.Action, s.Pipeline.Account, s.Pipeline.Region, s.Pipeline.Name, s.Connection, s.Name)
		if err != nil {
			return err
		}
	}
	for _, r := range old {
		err := t.write(`DELETE FROM repository WHERE connection = $1 AND name = $2
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
	return t.write(`INSERT INTO repository (connection, name, refs) VALUES ($1, $2, $3)
		ON CONFLICT (connection, name) DO UPDATE SET refs = excluded.refs`, repo.Connection, repo.Name, doc)
}

func (t *txn) ConnectionDelivered(connection, delivery string, now time.Time) (bool, error) {
	if err := t.define(); err != nil {
		return false, err
	}
	n, err := t.affected(`INSERT INTO connection_delivery (connection, delivery, at) VALUES ($1, $2, $3)
		ON CONFLICT (connection, delivery) DO UPDATE SET at = excluded.at WHERE connection_delivery.at <= $4`,
		connection, delivery, millis(now), millis(now.Add(-store.DeliveryRetention)))
	return n > 0, err
}

// purgeConnectionDeliveries removes deliveries that may come again.
func (t *txn) purgeConnectionDeliveries(now time.Time, limit int) (int, error) {
	return t.affected(`DELETE FROM connection_delivery WHERE ctid = ANY (ARRAY(
		SELECT ctid FROM connection_delivery WHERE at <= $1 ORDER BY at LIMIT $2))`,
		millis(now.Add(-store.DeliveryRetention)), limit)
}

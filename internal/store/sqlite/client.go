package sqlite

import (
	"penstock/internal/core/pipeline"
	"penstock/internal/sqlite"
	"penstock/internal/store"
)

const clientColumns = `id, account, region, category, owner, provider, version, token, created, revoked`

func (v *reader) scanClient(r *sqlite.Rows) (store.Client, error) {
	c := store.Client{
		ID: r.Text(0), Account: r.Text(1), Region: r.Text(2),
		Type:    pipeline.ActionType{Category: r.Text(3), Owner: r.Text(4), Provider: r.Text(5), Version: r.Text(6)},
		Created: fromMillis(r.Int64(8)), Revoked: fromMillis(r.Int64(9)),
	}
	var err error
	c.Token, err = store.OpenToken(c.ID, r.Text(7), v.d.sealer)
	return c, err
}

func (v *reader) Client(id string) (store.Client, error) {
	r, ok := v.tx.QueryRow(`SELECT `+clientColumns+` FROM client WHERE id = ?`, id)
	if !ok {
		return store.Client{}, missing(r)
	}
	return v.scanClient(r)
}

func (v *reader) Clients(account, region string) ([]store.Client, error) {
	var list []store.Client
	rows := v.tx.Query(`SELECT `+clientColumns+` FROM client WHERE account = ? AND region = ? ORDER BY created, id`, account, region)
	defer rows.Close()
	for rows.Next() {
		c, err := v.scanClient(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, rows.Err()
}

// Clients of an update uses the writer's cache.
func (t *txn) Clients(account, region string) ([]store.Client, error) {
	key := place{account, region}
	if list, ok := t.d.types.clients[key]; ok {
		return list, nil
	}
	list, err := t.reader.Clients(account, region)
	if err == nil {
		if len(t.d.types.clients) >= maxTypes {
			t.d.types.clear()
		}
		t.d.types.clients[key] = list
	}
	return list, err
}

func (t *txn) PutClient(c store.Client) error {
	t.types = true
	t.d.types.clear()
	return t.tx.Exec(`INSERT INTO client (`+clientColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET token = excluded.token, revoked = excluded.revoked`,
		c.ID, c.Account, c.Region, c.Type.Category, c.Type.Owner, c.Type.Provider, c.Type.Version,
		store.SealToken(&c, t.d.sealer), millis(c.Created), millis(c.Revoked))
}

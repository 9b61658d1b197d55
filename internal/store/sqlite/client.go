package sqlite

import (
	"penstock/internal/core/pipeline"
	"penstock/internal/sqlite"
	"penstock/internal/store"
)

const clientColumns = `id, account, region, category, owner, provider, version, token, created, revoked, previous, previous_until`

func (v *reader) scanClient(r *sqlite.Rows) (store.Client, error) {
	c := store.Client{
		ID: r.Text(0), Account: r.Text(1), Region: r.Text(2),
		Type:    pipeline.ActionType{Category: r.Text(3), Owner: r.Text(4), Provider: r.Text(5), Version: r.Text(6)},
		Created: fromMillis(r.Int64(8)), Revoked: fromMillis(r.Int64(9)),
	}
	c.PreviousUntil = fromMillis(r.Int64(11))
	token, previous := r.Text(7), r.Text(10)
	var err error
	if c.Token, err = store.OpenToken(c.ID, token, v.d.sealer); err != nil {
		return c, err
	}
	c.Previous, err = store.OpenPrevious(c.ID, previous, v.d.sealer)
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
	return t.tx.Exec(`INSERT INTO client (`+clientColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET token = excluded.token, revoked = excluded.revoked,
			previous = excluded.previous, previous_until = excluded.previous_until`,
		c.ID, c.Account, c.Region, c.Type.Category, c.Type.Owner, c.Type.Provider, c.Type.Version,
		store.SealToken(&c, t.d.sealer), millis(c.Created), millis(c.Revoked),
		store.SealPrevious(&c, t.d.sealer), millis(c.PreviousUntil))
}

// RevokedJobs implements store.ClientReader.
func (v *reader) RevokedJobs(limit int) ([]string, error) {
	rows := v.tx.Query(`SELECT job.id FROM client INDEXED BY client_revoked CROSS JOIN job INDEXED BY job_of_client ON job.client = client.id
		WHERE client.revoked > 0 AND job.client <> '' AND job.ended_at = 0 LIMIT ?`, limit)
	defer rows.Close()
	var ids []string
	for rows.Next() {
		ids = append(ids, rows.Text(0))
	}
	return ids, rows.Err()
}

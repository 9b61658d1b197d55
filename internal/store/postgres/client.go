package postgres

import (
	"github.com/jackc/pgx/v5"

	"penstock/internal/store"
)

const clientColumns = `id, account, region, category, owner, provider, version, token, created, revoked, previous, previous_until`

func (v *reader) scanClient(r pgx.Rows) (c store.Client, err error) {
	var token, previous string
	var created, revoked, until int64
	err = r.Scan(&c.ID, &c.Account, &c.Region, &c.Type.Category, &c.Type.Owner, &c.Type.Provider, &c.Type.Version,
		&token, &created, &revoked, &previous, &until)
	if err != nil {
		return c, err
	}
	c.Created, c.Revoked, c.PreviousUntil = fromMillis(created), fromMillis(revoked), fromMillis(until)
	if c.Token, err = store.OpenToken(c.ID, token, v.d.sealer); err != nil {
		return c, err
	}
	c.Previous, err = store.OpenPrevious(c.ID, previous, v.d.sealer)
	return c, err
}

func (v *reader) Client(id string) (c store.Client, err error) {
	err = v.one(`SELECT `+clientColumns+` FROM client WHERE id = $1`, func(r pgx.Rows) (err error) {
		c, err = v.scanClient(r)
		return err
	}, id)
	return c, err
}

func (v *reader) Clients(account, region string) ([]store.Client, error) {
	var list []store.Client
	err := v.query(`SELECT `+clientColumns+` FROM client WHERE account = $1 AND region = $2 ORDER BY created, id`, func(r pgx.Rows) error {
		c, err := v.scanClient(r)
		list = append(list, c)
		return err
	}, account, region)
	return list, err
}

func (t *txn) PutClient(c store.Client) error {
	if err := t.define(); err != nil {
		return err
	}
	t.types = true
	return t.write(`INSERT INTO client (`+clientColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
		ON CONFLICT (id) DO UPDATE SET token = excluded.token, revoked = excluded.revoked,
			previous = excluded.previous, previous_until = excluded.previous_until`,
		c.ID, c.Account, c.Region, c.Type.Category, c.Type.Owner, c.Type.Provider, c.Type.Version,
		store.SealToken(&c, t.d.sealer), millis(c.Created), millis(c.Revoked),
		store.SealPrevious(&c, t.d.sealer), millis(c.PreviousUntil))
}

// RevokedJobs implements store.ClientReader.
func (v *reader) RevokedJobs(limit int) ([]string, error) {
	var ids []string
	err := v.query(`SELECT job.id FROM client JOIN job ON job.client = client.id
		WHERE client.revoked > 0 AND job.client <> '' AND job.ended_at = 0 LIMIT $1`, func(r pgx.Rows) error {
		var id string
		err := r.Scan(&id)
		ids = append(ids, id)
		return err
	}, limit)
	return ids, err
}

package postgres

import (
	"github.com/jackc/pgx/v5"

	"penstock/internal/store"
)

const accessKeyColumns = `id, secret, account, user_name, service_principal, created`

func (v *reader) scanAccessKey(r pgx.Rows) (k store.AccessKey, err error) {
	var secret string
	var created int64
	if err := r.Scan(&k.ID, &secret, &k.Account, &k.User, &k.ServicePrincipal, &created); err != nil {
		return k, err
	}
	k.Created = fromMillis(created)
	k.Secret, err = store.OpenKey(k.ID, secret, v.d.sealer)
	return k, err
}

// AccessKey implements store.AccessKeyReader.
func (v *reader) AccessKey(id string) (k store.AccessKey, err error) {
	err = v.one(`SELECT `+accessKeyColumns+` FROM access_key WHERE id = $1`, func(r pgx.Rows) (err error) {
		k, err = v.scanAccessKey(r)
		return err
	}, id)
	return k, err
}

// AccessKeys implements store.AccessKeyReader.
func (v *reader) AccessKeys() ([]store.AccessKey, error) {
	var list []store.AccessKey
	err := v.query(`SELECT `+accessKeyColumns+` FROM access_key ORDER BY account, created, id`, func(r pgx.Rows) error {
		k, err := v.scanAccessKey(r)
		list = append(list, k)
		return err
	})
	return list, err
}

// InsertAccessKey implements store.AccessKeyWriter.
func (t *txn) InsertAccessKey(k store.AccessKey) error {
	if err := t.define(); err != nil {
		return err
	}
	return t.write(`INSERT INTO access_key (`+accessKeyColumns+`) VALUES ($1, $2, $3, $4, $5, $6)`,
		k.ID, store.SealKey(&k, t.d.sealer), k.Account, k.User, k.ServicePrincipal, millis(k.Created))
}

// DeleteAccessKey implements store.AccessKeyWriter.
func (t *txn) DeleteAccessKey(id string) error {
	if err := t.define(); err != nil {
		return err
	}
	return t.mustWrite(`DELETE FROM access_key WHERE id = $1`, id)
}

package sqlite

import (
	"penstock/internal/sqlite"
	"penstock/internal/store"
)

const accessKeyColumns = `id, secret, account, user_name, service_principal, created`

func (v *reader) scanAccessKey(r *sqlite.Rows) (store.AccessKey, error) {
	k := store.AccessKey{ID: r.Text(0), Account: r.Text(2), User: r.Text(3), ServicePrincipal: r.Text(4), Created: fromMillis(r.Int64(5))}
	var err error
	k.Secret, err = store.OpenKey(k.ID, r.Text(1), v.d.sealer)
	return k, err
}

// AccessKey implements store.AccessKeyReader.
func (v *reader) AccessKey(id string) (store.AccessKey, error) {
	r, ok := v.tx.QueryRow(`SELECT `+accessKeyColumns+` FROM access_key WHERE id = ?`, id)
	if !ok {
		return store.AccessKey{}, missing(r)
	}
	return v.scanAccessKey(r)
}

// AccessKeys implements store.AccessKeyReader.
func (v *reader) AccessKeys() ([]store.AccessKey, error) {
	var list []store.AccessKey
	rows := v.tx.Query(`SELECT ` + accessKeyColumns + ` FROM access_key WHERE account > '' ORDER BY account, created, id`)
	defer rows.Close()
	for rows.Next() {
		k, err := v.scanAccessKey(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, k)
	}
	return list, rows.Err()
}

// InsertAccessKey implements store.AccessKeyWriter.
func (t *txn) InsertAccessKey(k store.AccessKey) error {
	return t.tx.Exec(`INSERT INTO access_key (`+accessKeyColumns+`) VALUES (?, ?, ?, ?, ?, ?)`,
		k.ID, store.SealKey(&k, t.d.sealer), k.Account, k.User, k.ServicePrincipal, millis(k.Created))
}

// DeleteAccessKey implements store.AccessKeyWriter.
func (t *txn) DeleteAccessKey(id string) error {
	if err := t.tx.Exec(`DELETE FROM access_key WHERE id = ?`, id); err != nil {
		return err
	}
	if t.tx.Changes() == 0 {
		return store.ErrNotFound
	}
	return nil
}

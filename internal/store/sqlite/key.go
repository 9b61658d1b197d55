package sqlite

import (
	"errors"

	"penstock/internal/sqlite"
	"penstock/internal/store"
)

// canary is what the master key is tried on.
const canary, canaryContext = "penstock", "key"

var errKey = errors.New("the master key is not the one that the secrets in this database are sealed with; " +
	"start the server with the PENSTOCK_MASTER_KEY, or the master.key in the data folder, that it had before")

// checkKey refuses a master key that is not the one that the database's secrets
// are sealed with. A database that no server with this check has worked on is
// tried by what it has.
func checkKey(tx *sqlite.Tx, sealer store.Sealer) error {
	r, ok := tx.QueryRow(`SELECT canary FROM master_key WHERE id = 1`)
	if !ok {
		if err := errors.Join(r.Err(), trySecrets(tx, sealer)); err != nil {
			return err
		}
		return setKey(tx, sealer)
	}
	if clear, err := sealer.Open(r.Text(0), canaryContext); err != nil || string(clear) != canary {
		return errKey
	}
	return nil
}

// setKey makes the sealer's master key the database's.
func setKey(tx *sqlite.Tx, sealer store.Sealer) error {
	return tx.Exec(`INSERT INTO master_key (id, canary) VALUES (1, ?) ON CONFLICT DO UPDATE SET canary = excluded.canary`,
		sealer.Seal([]byte(canary), canaryContext))
}

// trySecrets opens some of each kind of secret that lies in the database.
func trySecrets(tx *sqlite.Tx, sealer store.Sealer) error {
	for _, try := range []struct {
		statement string
		open      func(r *sqlite.Rows) error
	}{
		{`SELECT id, secret FROM access_key WHERE id > '' LIMIT 1`, func(r *sqlite.Rows) error {
			_, err := store.OpenKey(r.Text(0), r.Text(1), sealer)
			return err
		}},
		{`SELECT id, token FROM client WHERE id > '' LIMIT 1`, func(r *sqlite.Rows) error {
			_, err := store.OpenToken(r.Text(0), r.Text(1), sealer)
			return err
		}},
		{`SELECT account, region, name, doc FROM webhook WHERE id > 0 LIMIT 1`, func(r *sqlite.Rows) error {
			return store.DecodeWebhook(&store.Webhook{Account: r.Text(0), Region: r.Text(1), Name: r.Text(2)}, r.RawBytes(3), sealer)
		}},
		{`SELECT id, doc FROM connection WHERE id > '' LIMIT 1`, func(r *sqlite.Rows) error {
			return store.DecodeConnection(&store.Connection{ID: r.Text(0)}, r.RawBytes(1), sealer)
		}},
		{`SELECT pipeline_id, doc FROM pipeline_version WHERE rowid > 0 ORDER BY rowid DESC LIMIT 100`, func(r *sqlite.Rows) error {
			_, err := store.DecodeDeclaration(r.Int64(0), r.RawBytes(1), sealer)
			return err
		}},
	} {
		rows := tx.Query(try.statement)
		for rows.Next() {
			if try.open(rows) != nil {
				rows.Close()
				return errKey
			}
		}
		if err := rows.Err(); err != nil {
			return err
		}
	}
	return nil
}

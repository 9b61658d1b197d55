package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"

	"penstock/internal/migration"
)

// ErrNewer is wrapped by Open's error when the database was migrated by a
// newer version of the program. There is no way back.
var ErrNewer = migration.ErrNewer

// migrate runs the migrations that the database has not seen.
func migrate(c *conn, fsys fs.FS, log *slog.Logger) error {
	list, err := migration.List(fsys)
	if err != nil {
		return err
	}
	err = c.script(`CREATE TABLE IF NOT EXISTS schema_migration (
		version INTEGER PRIMARY KEY,
		name    TEXT NOT NULL,
		applied INTEGER NOT NULL DEFAULT (unixepoch())
	) STRICT`)
	if err != nil {
		return err
	}
	seen, err := appliedMigrations(c)
	if err != nil {
		return err
	}
	pending, err := migration.Pending(list, seen)
	if err != nil {
		return err
	}
	// A table is rebuilt by dropping it; with foreign keys on, that would
	// delete the rows that refer to it. They are checked before the commit.
	if err := c.script(`PRAGMA foreign_keys = OFF`); err != nil {
		return err
	}
	for _, m := range pending {
		if err := apply(c, fsys, m); err != nil {
			if c.inTransaction() {
				err = errors.Join(err, c.script(`ROLLBACK`))
			}
			return fmt.Errorf("%s: %w", m.Name, err)
		}
		log.Info("database migrated", "migration", m.Name)
	}
	return c.script(`PRAGMA foreign_keys = ON`)
}

func appliedMigrations(c *conn) ([]migration.Migration, error) {
	var seen []migration.Migration
	err := view(c, func(tx *Tx) error {
		rows := tx.Query(`SELECT version, name FROM schema_migration ORDER BY version`)
		for rows.Next() {
			seen = append(seen, migration.Migration{Version: rows.Int64(0), Name: rows.Text(1)})
		}
		return rows.Err()
	})
	return seen, err
}

func apply(c *conn, fsys fs.FS, m migration.Migration) error {
	text, err := fs.ReadFile(fsys, m.Name)
	if err != nil {
		return err
	}
	if err := c.script(`BEGIN IMMEDIATE`); err != nil {
		return err
	}
	if err := c.script(string(text)); err != nil {
		return err
	}
	if !c.inTransaction() {
		return errors.New("a migration must not end its transaction")
	}
	record, err := c.statement(`INSERT INTO schema_migration (version, name) VALUES (?, ?)`)
	if err != nil {
		return err
	}
	if err := record.exec([]any{m.Version, m.Name}); err != nil {
		return err
	}
	check := &Tx{c: c}
	rows := check.Query(`PRAGMA foreign_key_check`)
	broken := rows.Next()
	if broken {
		err = fmt.Errorf("rows of table %s refer to rows of %s that do not exist", rows.Text(0), rows.Text(2))
	} else {
		err = rows.Err()
	}
	check.end()
	if err != nil {
		return err
	}
	return c.script(`COMMIT`)
}

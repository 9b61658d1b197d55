package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"regexp"
	"sort"
	"strconv"
)

// ErrNewer is wrapped by Open's error when the database was migrated by a
// newer version of the program. There is no way back.
var ErrNewer = errors.New("the database was written by a newer version")

type migration struct {
	version int64
	name    string // of the file
}

var migrationName = regexp.MustCompile(`^(\d{4})_[a-z0-9_]+\.sql$`)

// listMigrations gives the files of the root of fsys, in order. Other files
// may lie beside them, but no two migrations of one number.
func listMigrations(fsys fs.FS) ([]migration, error) {
	names, err := fs.Glob(fsys, "*.sql")
	if err != nil {
		return nil, err
	}
	sort.Strings(names)
	list := make([]migration, 0, len(names))
	for _, name := range names {
		m := migrationName.FindStringSubmatch(name)
		if m == nil {
			return nil, fmt.Errorf("migration %q is not named NNNN_name.sql", name)
		}
		version, err := strconv.ParseInt(m[1], 10, 64)
		if err != nil {
			return nil, err
		}
		if n := len(list); n > 0 && list[n-1].version == version {
			return nil, fmt.Errorf("migrations %q and %q have one number", list[n-1].name, name)
		}
		list = append(list, migration{version, name})
	}
	return list, nil
}

// migrate runs the migrations that the database has not seen.
func migrate(c *conn, fsys fs.FS, log *slog.Logger) error {
	list, err := listMigrations(fsys)
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
	pending, err := pendingMigrations(list, seen)
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
			return fmt.Errorf("%s: %w", m.name, err)
		}
		log.Info("database migrated", "migration", m.name)
	}
	return c.script(`PRAGMA foreign_keys = ON`)
}

func appliedMigrations(c *conn) ([]migration, error) {
	var seen []migration
	err := view(c, func(tx *Tx) error {
		rows := tx.Query(`SELECT version, name FROM schema_migration ORDER BY version`)
		for rows.Next() {
			seen = append(seen, migration{rows.Int64(0), rows.Text(1)})
		}
		return rows.Err()
	})
	return seen, err
}

// pendingMigrations compares the files with what the database has seen,
// which must be their beginning.
func pendingMigrations(files, seen []migration) ([]migration, error) {
	for i, m := range seen {
		switch {
		case i == len(files) || files[i].version > m.version:
			return nil, fmt.Errorf("%w: it has migration %s, which this one does not know", ErrNewer, m.name)
		case files[i].version < m.version:
			return nil, fmt.Errorf("migration %s is older than %s, which the database has already", files[i].name, m.name)
		}
	}
	return files[len(seen):], nil
}

func apply(c *conn, fsys fs.FS, m migration) error {
	text, err := fs.ReadFile(fsys, m.name)
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
	if err := record.exec([]any{m.version, m.name}); err != nil {
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

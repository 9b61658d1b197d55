package sqlite

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"

	"penstock/internal/migration"
	"penstock/internal/sqlite"
)

// Migrate brings the schema of the database at path up to date.
func Migrate(ctx context.Context, path string) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	db, err := sqlite.Open(path, sqlite.Options{Migrations: files})
	if err != nil {
		return err
	}
	return db.Close()
}

// Migrations lists the migrations of the database at path, which is not
// changed.
func Migrations(ctx context.Context, path string) ([]migration.Status, error) {
	var seen []migration.Status
	if _, err := os.Stat(path); err == nil {
		if seen, err = applied(ctx, path); err != nil {
			return nil, err
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return migration.Applied(migrations, seen)
}

func applied(ctx context.Context, path string) (seen []migration.Status, err error) {
	db, err := sqlite.Open(path, sqlite.Options{})
	if err != nil {
		return nil, err
	}
	err = db.View(ctx, func(tx *sqlite.Tx) error {
		seen, err = seenMigrations(tx)
		return err
	})
	return seen, errors.Join(err, db.Close())
}

func seenMigrations(tx *sqlite.Tx) (seen []migration.Status, err error) {
	rows := tx.Query(`SELECT version, name, applied FROM schema_migration ORDER BY version`)
	defer rows.Close()
	for rows.Next() {
		seen = append(seen, migration.Status{
			Migration: migration.Migration{Version: rows.Int64(0), Name: rows.Text(1)}, Applied: time.Unix(rows.Int64(2), 0).UTC(),
		})
	}
	return seen, rows.Err()
}

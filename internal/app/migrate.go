package app

import (
	"context"
	"path/filepath"
	"time"

	"penstock/internal/config"
	"penstock/internal/migration"
	"penstock/internal/store/postgres"
	"penstock/internal/store/sqlite"
)

// Migration is a step of the schema, and when the database has seen it.
type Migration struct {
	Name    string    `json:"name"`
	Applied time.Time `json:"applied,omitzero"` // zero = not yet
}

// Migrations lists the migrations of the database that the configuration
// names, without a change.
func Migrations(ctx context.Context, cfg config.Config) ([]Migration, error) {
	var all []migration.Status
	var err error
	if cfg.Database == "" {
		all, err = sqlite.Migrations(ctx, databaseFile(cfg))
	} else {
		all, err = postgres.Migrations(ctx, cfg.Database)
	}
	list := make([]Migration, len(all))
	for i, m := range all {
		list[i] = Migration{m.Name, m.Applied}
	}
	return list, err
}

// Migrate brings the schema up to date.
func Migrate(ctx context.Context, cfg config.Config) error {
	if cfg.Database == "" {
		return sqlite.Migrate(ctx, databaseFile(cfg))
	}
	return postgres.Migrate(ctx, cfg.Database)
}

// databaseFile is where the state lies without another database.
func databaseFile(cfg config.Config) string { return filepath.Join(cfg.Data, "penstock.db") }

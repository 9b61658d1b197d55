package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"penstock/internal/migration"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrateLock is the key of the advisory lock under which the schema changes,
// with the schema's name: many nodes may start at once.
const migrateLock = `SELECT pg_advisory_xact_lock(hashtextextended('penstock migrate ' || current_schema(), 0))`

// oldest is the first version of PostgreSQL that will do.
const oldest = 150000

func (d *Driver) migrateOnStart(ctx context.Context, config *pgxpool.Config) error {
	conn, err := connect(ctx, config.ConnConfig)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	var fsync, commit string
	if err := conn.QueryRow(ctx, `SELECT current_setting('fsync'), current_setting('synchronous_commit')`).Scan(&fsync, &commit); err != nil {
		return err
	}
	if weak(commit) { // though parse asks for more: a pooler drops what it does not know
		return fmt.Errorf("sessions have synchronous_commit=%s: calls would be answered that a crash can undo; ALTER ROLE … SET synchronous_commit = on", commit)
	}
	if fsync != "on" {
		d.log.Warn("the database server runs with fsync=off: a crash of its host loses data")
	}
	done, err := migrate(ctx, conn)
	for _, m := range done {
		d.log.Info("database migrated", "migration", m.Name)
	}
	return err
}

// connect makes a connection for work on the schema, which may take long.
func connect(ctx context.Context, config *pgx.ConnConfig) (*pgx.Conn, error) {
	config = config.Copy()
	config.RuntimeParams["statement_timeout"] = "0"
	config.RuntimeParams["lock_timeout"] = "0"
	config.RuntimeParams["idle_in_transaction_session_timeout"] = "0"
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	var version int
	if err := conn.QueryRow(ctx, `SELECT current_setting('server_version_num')::int`).Scan(&version); err != nil {
		return nil, errors.Join(err, conn.Close(ctx))
	}
	if version < oldest {
		return nil, errors.Join(fmt.Errorf("the server is PostgreSQL %d; 15 or newer is needed", version/10000), conn.Close(ctx))
	}
	return conn, nil
}

// migrate runs the migrations that the database has not seen, all or none.
func migrate(ctx context.Context, conn *pgx.Conn) (done []migration.Migration, err error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	list, err := migration.List(files)
	if err != nil {
		return nil, err
	}
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, migrateLock); err != nil {
			return err
		}
		seen, err := appliedMigrations(ctx, tx)
		if err != nil {
			return err
		}
		all, err := migration.Compare(list, seen)
		if err != nil {
			return err
		}
		for _, m := range all {
			if m.Applied.IsZero() {
				done = append(done, m.Migration)
			}
		}
		if len(done) == 0 {
			return nil
		}
		_, err = tx.Exec(ctx, `CREATE TABLE IF NOT EXISTS schema_migration (
			version bigint PRIMARY KEY, name text NOT NULL, applied timestamptz NOT NULL DEFAULT now())`)
		if err != nil {
			return err
		}
		for _, m := range done {
			text, err := fs.ReadFile(files, m.Name)
			if err != nil {
				return err
			}
			if _, err := tx.Conn().PgConn().Exec(ctx, string(text)).ReadAll(); err != nil {
				return fmt.Errorf("%s: %w", m.Name, err)
			}
			if _, err := tx.Exec(ctx, `INSERT INTO schema_migration (version, name) VALUES ($1, $2)`, m.Version, m.Name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return done, nil
}

// appliedMigrations lists those that the database has seen.
func appliedMigrations(ctx context.Context, q querier) ([]migration.Status, error) {
	rows, err := q.Query(ctx, `SELECT to_regclass('schema_migration') IS NOT NULL`)
	if err != nil {
		return nil, err
	}
	there, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[bool])
	if err != nil || !there {
		return nil, err
	}
	if rows, err = q.Query(ctx, `SELECT version, name, applied FROM schema_migration ORDER BY version`); err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(r pgx.CollectableRow) (s migration.Status, err error) {
		err = r.Scan(&s.Version, &s.Name, &s.Applied)
		return s, err
	})
}

// Migrate brings the schema of the database at url up to date. Many may do so
// at once.
func Migrate(ctx context.Context, url string) error {
	return onSchema(ctx, url, func(conn *pgx.Conn) error {
		_, err := migrate(ctx, conn)
		return err
	})
}

// Migrations lists the migrations of the database at url, which is not changed.
func Migrations(ctx context.Context, url string) (list []migration.Status, err error) {
	err = onSchema(ctx, url, func(conn *pgx.Conn) error {
		seen, err := appliedMigrations(ctx, conn)
		if err != nil {
			return err
		}
		list, err = migration.Applied(migrations, seen)
		return err
	})
	return list, err
}

func onSchema(ctx context.Context, url string, fn func(*pgx.Conn) error) error {
	config, err := parse(url)
	if err != nil {
		return err
	}
	conn, err := connect(ctx, config.ConnConfig)
	if err != nil {
		return plain(err)
	}
	return errors.Join(plain(fn(conn)), conn.Close(ctx))
}

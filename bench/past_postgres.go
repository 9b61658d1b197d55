package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// postgresPast is a past in PostgreSQL. Rows go in by COPY, a table at a time.
type postgresPast struct{ conn *pgx.Conn }

func openPostgresPast(ctx context.Context, url string) (*postgresPast, error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, err
	}
	return &postgresPast{conn}, nil
}

// rows implements pastStore.
func (s *postgresPast) rows(ctx context.Context, t *pastTable, column string, value any) ([][]any, error) {
	rows, err := s.conn.Query(ctx, fmt.Sprintf(`SELECT %s FROM %s WHERE %s = $1`, strings.Join(t.columns, ", "), t.name, column), value)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(r pgx.CollectableRow) ([]any, error) { return r.Values() })
}

// pipelines implements pastStore.
func (s *postgresPast) pipelines(ctx context.Context) ([]int64, error) {
	rows, err := s.conn.Query(ctx, `SELECT id FROM pipeline ORDER BY id`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int64])
}

// insert implements pastStore.
func (s *postgresPast) insert(ctx context.Context, fill func(add func(*pastTable, []any) error) error) error {
	rows := map[*pastTable][][]any{}
	err := fill(func(t *pastTable, row []any) error {
		if t == executionTable {
			row = append(row, false) // it is not live
		}
		rows[t] = append(rows[t], row)
		return nil
	})
	if err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, s.conn, func(tx pgx.Tx) error {
		for t, some := range rows {
			columns := t.columns
			if t == executionTable {
				columns = append(columns[:len(columns):len(columns)], "live")
			}
			if _, err := tx.CopyFrom(ctx, pgx.Identifier{t.name}, columns, pgx.CopyFromRows(some)); err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
		}
		return nil
	})
}

// finish implements pastStore: what autovacuum and the checkpointer would have
// done by the time that so many executions have run.
func (s *postgresPast) finish(ctx context.Context) error {
	for _, sql := range []string{
		`SELECT setval(pg_get_serial_sequence('pipeline', 'id'), max(id)) FROM pipeline`,
		`VACUUM (ANALYZE)`,
		`CHECKPOINT`,
	} {
		if _, err := s.conn.Exec(ctx, sql); err != nil && sql != `CHECKPOINT` { // for which not all have the right
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	return nil
}

// close implements pastStore.
func (s *postgresPast) close() error {
	return s.conn.Close(context.Background())
}

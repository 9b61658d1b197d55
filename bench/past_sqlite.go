package main

import (
	"context"
	"fmt"
	"strings"

	"penstock/internal/sqlite"
)

// sqlitePast is a past in SQLite.
type sqlitePast struct {
	db      *sqlite.DB
	inserts map[*pastTable]string
}

func openSQLitePast(path string) (*sqlitePast, error) {
	db, err := sqlite.Open(path, sqlite.Options{})
	if err != nil {
		return nil, err
	}
	s := &sqlitePast{db: db, inserts: map[*pastTable]string{}}
	for _, t := range []*pastTable{pipelineTable, versionTable, executionTable, actionTable, passedTable} {
		s.inserts[t] = fmt.Sprintf(`INSERT INTO %s (%s) VALUES (?%s)`, t.name, strings.Join(t.columns, ", "), strings.Repeat(", ?", len(t.columns)-1))
	}
	return s, nil
}

// rows implements pastStore.
func (s *sqlitePast) rows(ctx context.Context, t *pastTable, column string, value any) (all [][]any, err error) {
	err = s.db.View(ctx, func(tx *sqlite.Tx) error {
		rows := tx.Query(fmt.Sprintf(`SELECT %s FROM %s WHERE %s = ?`, strings.Join(t.columns, ", "), t.name, column), value)
		defer rows.Close()
		for rows.Next() {
			row := make([]any, len(t.columns))
			for i, kind := range t.kinds {
				switch {
				case rows.IsNull(i):
				case kind == 'i':
					row[i] = rows.Int64(i)
				case kind == 's':
					row[i] = rows.Text(i)
				case kind == 'b':
					row[i] = rows.Blob(i)
				case kind == 't':
					row[i] = rows.Bool(i)
				}
			}
			all = append(all, row)
		}
		return rows.Err()
	})
	return all, err
}

// pipelines implements pastStore.
func (s *sqlitePast) pipelines(ctx context.Context) (ids []int64, err error) {
	err = s.db.View(ctx, func(tx *sqlite.Tx) error {
		rows := tx.Query(`SELECT id FROM pipeline ORDER BY id`)
		defer rows.Close()
		for rows.Next() {
			ids = append(ids, rows.Int64(0))
		}
		return rows.Err()
	})
	return ids, err
}

// insert implements pastStore.
func (s *sqlitePast) insert(ctx context.Context, fill func(add func(*pastTable, []any) error) error) error {
	return s.db.Update(ctx, func(tx *sqlite.Tx) error {
		return fill(func(t *pastTable, row []any) error { return tx.Exec(s.inserts[t], row...) })
	})
}

// finish implements pastStore.
func (s *sqlitePast) finish(context.Context) error { return nil }

// close implements pastStore.
func (s *sqlitePast) close() error { return s.db.Close() }

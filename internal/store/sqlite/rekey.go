package sqlite

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"

	"penstock/internal/sqlite"
	"penstock/internal/store"
	"penstock/internal/transfer"
)

// Rekey seals the secrets in the database at path, which nobody may use, with
// another master key: all of them or none. It returns how many rows had some.
func Rekey(ctx context.Context, path string, from, to store.Sealer) (changed int64, err error) {
	if _, err := os.Stat(path); err != nil {
		return 0, err
	}
	db, err := sqlite.Open(path, sqlite.Options{})
	if err != nil {
		return 0, err
	}
	err = db.Update(ctx, func(tx *sqlite.Tx) error {
		if err := upToDate(tx); err != nil {
			return err
		}
		if err := checkKey(tx, store.Either{First: from, Second: to}); err != nil {
			return err
		}
		if changed, err = store.Rekey(ctx, sealedRows{tx}, from, to); err != nil {
			return err
		}
		return setKey(tx, to)
	})
	return changed, errors.Join(err, db.Close())
}

// sealedRows implements store.SealedRows.
type sealedRows struct{ tx *sqlite.Tx }

// Page implements store.SealedRows.
func (s sealedRows) Page(t transfer.Table, above []any, limit int) (page [][]any, err error) {
	names := t.Names()
	key := strings.Join(names[:t.Key], ", ")
	behind := ""
	if above != nil {
		behind = words("WHERE (", key, ") > (?", strings.Repeat(", ?", t.Key-1), ")")
	}
	rows := s.tx.Query(words("SELECT", strings.Join(names, ", "), "FROM", t.Name, behind, "ORDER BY", key, "LIMIT ?"),
		append(append([]any(nil), above...), limit)...)
	defer rows.Close()
	for rows.Next() {
		row := make([]any, len(names))
		sqlite.Values(rows, t, row)
		page = append(page, row)
	}
	return page, rows.Err()
}

// Replace implements store.SealedRows.
func (s sealedRows) Replace(t transfer.Table, columns []string, row []any) error {
	names := t.Names()
	var sets []string
	var args []any
	for i, name := range names {
		if slices.Contains(columns, name) {
			sets, args = append(sets, name+" = ?"), append(args, row[i])
		}
	}
	return s.tx.Exec(words("UPDATE", t.Name, "SET", strings.Join(sets, ", "), "WHERE", strings.Join(names[:t.Key], " = ? AND "), "= ?"),
		append(args, row[:t.Key]...)...)
}

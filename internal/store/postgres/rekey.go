package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"penstock/internal/store"
	"penstock/internal/transfer"
)

// Rekey seals the secrets in the database at url, on which no node may work,
// with another master key: all of them or none. It returns how many rows had
// some.
func Rekey(ctx context.Context, url string, from, to store.Sealer) (changed int64, err error) {
	err = onSchema(ctx, url, func(conn *pgx.Conn) error {
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			if err := upToDate(ctx, tx); err != nil {
				return err
			}
			if err := keepNodesAway(ctx, tx); err != nil {
				return err
			}
			if err := sameKey(ctx, tx, store.Either{First: from, Second: to}); err != nil {
				return err
			}
			if changed, err = store.Rekey(ctx, sealedRows{ctx, tx}, from, to); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, `UPDATE meta SET value = $1 WHERE name = 'key'`, []byte(to.Seal([]byte(canary), "key")))
			return err
		})
	})
	return changed, err
}

// sealedRows implements store.SealedRows.
type sealedRows struct {
	ctx context.Context
	tx  pgx.Tx
}

// Page implements store.SealedRows.
func (s sealedRows) Page(t transfer.Table, above []any, limit int) ([][]any, error) {
	names := t.Names()
	key := strings.Join(names[:t.Key], ", ")
	behind := ""
	if above != nil {
		behind = strings.Join([]string{"WHERE (", key, ") > (", strings.Join([]string{"$1", "$2", "$3"}[:t.Key], ", "), ")"}, " ")
	}
	rows, err := s.tx.Query(s.ctx, strings.Join([]string{"SELECT", strings.Join(names, ", "), "FROM", t.Name, behind, "ORDER BY", key, "LIMIT", fmt.Sprint(limit)}, " "), above...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(r pgx.CollectableRow) ([]any, error) { return r.Values() })
}

// Replace implements store.SealedRows.
func (s sealedRows) Replace(t transfer.Table, columns []string, row []any) error {
	var sets, keys []string
	var args []any
	for i, name := range t.Names() {
		if slices.Contains(columns, name) {
			args = append(args, row[i])
			sets = append(sets, fmt.Sprint(name, " = $", len(args)))
		}
	}
	for i, name := range t.Names()[:t.Key] {
		args = append(args, row[i])
		keys = append(keys, fmt.Sprint(name, " = $", len(args)))
	}
	_, err := s.tx.Exec(s.ctx, strings.Join([]string{"UPDATE", t.Name, "SET", strings.Join(sets, ", "), "WHERE", strings.Join(keys, " AND ")}, " "), args...)
	return err
}

package sqlite

import (
	"context"

	"penstock/internal/transfer"
)

// Values reads the present row of a statement whose columns are those of the
// table.
func Values(rows *Rows, t transfer.Table, values []any) {
	for i, c := range t.Columns {
		switch c.Type {
		case transfer.Int:
			values[i] = rows.Int64(i)
		case transfer.Bool:
			values[i] = rows.Bool(i)
		case transfer.Text:
			values[i] = rows.Text(i)
		case transfer.Bytes:
			values[i] = rows.Blob(i)
		}
	}
}

// Dump writes the rows of the statement, whose columns are those of the table;
// those that keep, if set, does not want are left out.
func Dump(ctx context.Context, tx *Tx, w *transfer.Writer, t transfer.Table, sql string, keep func(values []any) bool) error {
	if err := w.Begin(t); err != nil {
		return err
	}
	rows := tx.Query(sql)
	defer rows.Close()
	values := make([]any, len(t.Columns))
	for rows.Next() {
		if err := ctx.Err(); err != nil {
			return err
		}
		Values(rows, t, values)
		if keep != nil && !keep(values) {
			continue
		}
		if err := w.Row(values); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return w.End()
}

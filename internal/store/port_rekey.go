package store

import (
	"context"
	"errors"
	"fmt"

	"penstock/internal/core/pipeline"
	"penstock/internal/transfer"
)

// SealedColumns are the columns of TransferTables that hold what a Sealer has
// sealed, alone or within a document.
var SealedColumns = map[string][]string{
	"pipeline_version": {"doc"},
	"job":              {"doc"},
	"client":           {"token", "previous"},
	"access_key":       {"secret"},
	"webhook":          {"doc"},
	"connection":       {"doc"},
}

// SealedRows is a database, in a transaction, whose secrets are sealed anew.
type SealedRows interface {
	// Page returns at most limit rows of the table with keys above the given
	// one, in the order of their keys; nil is below all.
	Page(t transfer.Table, above []any, limit int) ([][]any, error)
	// Replace writes the named columns of a row.
	Replace(t transfer.Table, columns []string, row []any) error
}

// Either opens what any of two sealers has sealed, and seals with the first.
type Either struct{ First, Second Sealer }

// Seal implements Sealer.
func (e Either) Seal(plaintext []byte, context string) string {
	return e.First.Seal(plaintext, context)
}

// Open implements Sealer.
func (e Either) Open(sealed, context string) ([]byte, error) {
	clear, err := e.First.Open(sealed, context)
	if err != nil {
		clear, err = e.Second.Open(sealed, context)
	}
	return clear, err
}

// rekeyPage bounds the rows that are in memory at once.
const rekeyPage = 200

// Rekey seals all secrets anew that from has sealed, and makes sure that to
// opens every one of them. It returns how many rows had some. Secrets that to
// has sealed already are no error, so that it can be repeated.
func Rekey(ctx context.Context, rows SealedRows, from, to Sealer) (changed int64, err error) {
	err = eachSealed(ctx, rows, func(t transfer.Table, row []any) error {
		some, err := reseal(t, row, Either{from, to}, to)
		if err != nil || !some {
			return err
		}
		changed++
		return rows.Replace(t, SealedColumns[t.Name], row)
	})
	if err != nil {
		return 0, err
	}
	proved := int64(0)
	err = eachSealed(ctx, rows, func(t transfer.Table, row []any) error {
		some, err := reseal(t, row, to, to)
		if some {
			proved++
		}
		return err
	})
	if err == nil && proved != changed {
		err = fmt.Errorf("%d rows with secrets were written and %d read back", changed, proved)
	}
	return changed, err
}

func eachSealed(ctx context.Context, rows SealedRows, do func(transfer.Table, []any) error) error {
	for _, t := range TransferTables {
		if SealedColumns[t.Name] == nil {
			continue
		}
		for above, more := []any(nil), true; more; {
			if err := ctx.Err(); err != nil {
				return err
			}
			page, err := rows.Page(t, above, rekeyPage)
			if err != nil {
				return fmt.Errorf("table %s: %w", t.Name, err)
			}
			for _, row := range page {
				if err := do(t, row); err != nil {
					return fmt.Errorf("table %s: %w", t.Name, err)
				}
				above = row[:t.Key]
			}
			more = len(page) == rekeyPage
		}
	}
	return nil
}

// reseal seals the secrets of a row anew, in place; false: it has none, and is
// as it was.
func reseal(t transfer.Table, row []any, from, to Sealer) (some bool, err error) {
	at := map[string]int{}
	for i, name := range t.Names() {
		at[name] = i
	}
	text := func(name string) string { return row[at[name]].(string) }
	switch t.Name {
	case "pipeline_version":
		id, doc := row[at["pipeline_id"]].(int64), row[at["doc"]].([]byte)
		plain, err := decode[pipeline.Declaration](doc)
		if err != nil || !hasSecrets(plain) {
			return false, err
		}
		d, err := DecodeDeclaration(id, doc, from)
		if err != nil {
			return false, err
		}
		row[at["doc"]], err = EncodeDeclaration(id, d, to)
		return true, err
	case "job":
		j, err := DecodeJob(row[at["doc"]].([]byte), from)
		if err != nil || len(j.Data.Secrets) == 0 {
			return false, err
		}
		row[at["doc"]] = AppendJob(nil, j, to)
	case "client":
		c := Client{ID: text("id")}
		if c.Token, err = OpenToken(c.ID, text("token"), from); err != nil {
			return false, err
		}
		if c.Previous, err = OpenPrevious(c.ID, text("previous"), from); err != nil {
			return false, err
		}
		row[at["token"]], row[at["previous"]] = SealToken(&c, to), SealPrevious(&c, to)
	case "access_key":
		k := AccessKey{ID: text("id")}
		if k.Secret, err = OpenKey(k.ID, text("secret"), from); err != nil {
			return false, err
		}
		row[at["secret"]] = SealKey(&k, to)
	case "webhook":
		w := Webhook{Account: text("account"), Region: text("region"), Name: text("name")}
		if err := DecodeWebhook(&w, row[at["doc"]].([]byte), from); err != nil {
			return false, err
		}
		row[at["doc"]], err = EncodeWebhook(w, to)
	case "connection":
		c := Connection{ID: text("id")}
		if err := DecodeConnection(&c, row[at["doc"]].([]byte), from); err != nil {
			return false, err
		}
		row[at["doc"]], err = EncodeConnection(c, to)
	default:
		return false, errors.New("store: nobody knows how its secrets are sealed")
	}
	return true, err
}

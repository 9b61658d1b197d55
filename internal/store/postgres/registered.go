package postgres

import (
	"github.com/jackc/pgx/v5"

	"penstock/internal/core/pipeline"
	"penstock/internal/store"
)

// RegisteredType implements store.RegisteredReader. One account holds an id.
func (v *reader) RegisteredType(region string, id pipeline.ActionType) (at *store.ActionType, err error) {
	err = v.one(`SELECT account, deleted, created, doc FROM action_type
		WHERE region = $1 AND category = $2 AND owner = $3 AND provider = $4 AND version = $5 AND owner <> 'Custom' AND NOT deleted
		ORDER BY created, account LIMIT 1`, func(r pgx.Rows) (err error) {
		at, err = scanType(region, r)
		return err
	}, region, id.Category, id.Owner, id.Provider, id.Version)
	return at, err
}

// RegisteredTypes implements store.RegisteredReader.
func (v *reader) RegisteredTypes(region string) ([]store.ActionType, error) {
	var list []store.ActionType
	err := v.query(`SELECT account, deleted, created, doc FROM action_type
		WHERE region = $1 AND owner <> 'Custom' AND NOT deleted`, func(r pgx.Rows) error {
		t, err := scanType(region, r)
		if err == nil {
			list = append(list, *t)
		}
		return err
	}, region)
	return list, err
}

package postgres

import (
	"github.com/jackc/pgx/v5"

	"penstock/internal/core/pipeline"
	"penstock/internal/store"
)

func (v *reader) ActionType(account, region string, id pipeline.ActionType) (at *store.ActionType, err error) {
	err = v.one(`SELECT account, deleted, created, doc FROM action_type
		WHERE account = $1 AND region = $2 AND category = $3 AND owner = $4 AND provider = $5 AND version = $6`,
		func(r pgx.Rows) (err error) {
			at, err = scanType(region, r)
			return err
		}, account, region, id.Category, id.Owner, id.Provider, id.Version)
	return at, err
}

func scanType(region string, r pgx.Rows) (*store.ActionType, error) {
	at := &store.ActionType{Region: region}
	var created int64
	var doc []byte
	if err := r.Scan(&at.Account, &at.Deleted, &created, &doc); err != nil {
		return nil, err
	}
	t, err := store.DecodeActionType(doc)
	if err != nil {
		return nil, err
	}
	at.Type, at.Created = *t, fromMillis(created)
	return at, nil
}

func (v *reader) ActionTypes(account, region string) ([]store.ActionType, error) {
	var list []store.ActionType
	err := v.query(`SELECT account, deleted, created, doc FROM action_type WHERE account = $1 AND region = $2 AND NOT deleted`, func(r pgx.Rows) error {
		t, err := scanType(region, r)
		if err == nil {
			list = append(list, *t)
		}
		return err
	}, account, region)
	store.SortTypes(list)
	return list, err
}

func (t *txn) PutActionType(at store.ActionType) error {
	if err := t.define(); err != nil {
		return err
	}
	doc, err := store.EncodeActionType(&at.Type)
	if err != nil {
		return err
	}
	t.types = true
	return t.write(`INSERT INTO action_type (account, region, category, owner, provider, version, deleted, created, doc)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (account, region, category, owner, provider, version)
		DO UPDATE SET deleted = excluded.deleted, created = excluded.created, doc = excluded.doc`,
		at.Account, at.Region, at.ID.Category, at.ID.Owner, at.ID.Provider, at.ID.Version, at.Deleted, millis(at.Created), doc)
}

package sqlite

import (
	"penstock/internal/core/pipeline"
	"penstock/internal/store"
)

// RegisteredType implements store.RegisteredReader. One account holds an id; in
// databases of old, the one that was first.
func (v *reader) RegisteredType(region string, id pipeline.ActionType) (*store.ActionType, error) {
	r, ok := v.tx.QueryRow(`SELECT deleted, created, doc, account FROM action_type
		WHERE region = ? AND category = ? AND owner = ? AND provider = ? AND version = ? AND owner <> 'Custom' AND deleted = 0
		ORDER BY created, account LIMIT 1`, region, id.Category, id.Owner, id.Provider, id.Version)
	if !ok {
		return nil, missing(r)
	}
	return scanType(r.Text(3), region, r)
}

// RegisteredTypes implements store.RegisteredReader.
func (v *reader) RegisteredTypes(region string) ([]store.ActionType, error) {
	var list []store.ActionType
	rows := v.tx.Query(`SELECT deleted, created, doc, account FROM action_type
		WHERE region = ? AND owner <> 'Custom' AND deleted = 0`, region)
	defer rows.Close()
	for rows.Next() {
		t, err := scanType(rows.Text(3), region, rows)
		if err != nil {
			return nil, err
		}
		list = append(list, *t)
	}
	return list, rows.Err()
}

// RegisteredType of an update uses the writer's cache, under no account.
func (t *txn) RegisteredType(region string, id pipeline.ActionType) (*store.ActionType, error) {
	return t.cachedType(typeKey{place{"", region}, id}, func() (*store.ActionType, error) { return t.reader.RegisteredType(region, id) })
}

// RegisteredType of a view answers from memory what an earlier view has read.
func (v *view) RegisteredType(region string, id pipeline.ActionType) (*store.ActionType, error) {
	return v.d.seen.find(typeKey{place{"", region}, id}, func() (*store.ActionType, error) { return v.reader.RegisteredType(region, id) })
}

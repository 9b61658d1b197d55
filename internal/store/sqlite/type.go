package sqlite

import (
	"errors"

	"penstock/internal/core/pipeline"
	"penstock/internal/sqlite"
	"penstock/internal/store"
)

// typeCache holds what decisions ask about action types, on the writer's
// goroutine: types and their absence, and the clients of accounts.
type typeCache struct {
	types   map[typeKey]foundType
	clients map[place][]store.Client
}

type place struct{ account, region string }

type typeKey struct {
	place
	id pipeline.ActionType
}

type foundType struct {
	t   *store.ActionType
	err error // nil or store.ErrNotFound
}

// maxTypes bounds the entries of a typeCache, which is emptied then.
const maxTypes = 4096

func newTypeCache() *typeCache {
	c := &typeCache{}
	c.clear()
	return c
}

func (c *typeCache) clear() {
	c.types, c.clients = map[typeKey]foundType{}, map[place][]store.Client{}
}

func (v *reader) ActionType(account, region string, id pipeline.ActionType) (*store.ActionType, error) {
	r, ok := v.tx.QueryRow(`SELECT deleted, created, doc FROM action_type
		WHERE account = ? AND region = ? AND category = ? AND owner = ? AND provider = ? AND version = ?`,
		account, region, id.Category, id.Owner, id.Provider, id.Version)
	if !ok {
		return nil, missing(r)
	}
	return scanType(account, region, r)
}

func scanType(account, region string, r *sqlite.Rows) (*store.ActionType, error) {
	t, err := store.DecodeActionType(r.RawBytes(2))
	if err != nil {
		return nil, err
	}
	return &store.ActionType{Account: account, Region: region, Type: *t, Deleted: r.Bool(0), Created: fromMillis(r.Int64(1))}, nil
}

// ActionType of an update uses the writer's cache.
func (t *txn) ActionType(account, region string, id pipeline.ActionType) (*store.ActionType, error) {
	return t.cachedType(typeKey{place{account, region}, id}, func() (*store.ActionType, error) { return t.reader.ActionType(account, region, id) })
}

func (t *txn) cachedType(key typeKey, read func() (*store.ActionType, error)) (*store.ActionType, error) {
	if f, ok := t.d.types.types[key]; ok {
		return f.t, f.err
	}
	at, err := read()
	if err == nil || errors.Is(err, store.ErrNotFound) {
		if len(t.d.types.types) >= maxTypes {
			t.d.types.clear()
		}
		t.d.types.types[key] = foundType{at, err}
	}
	return at, err
}

func (v *reader) ActionTypes(account, region string) ([]store.ActionType, error) {
	var list []store.ActionType
	rows := v.tx.Query(`SELECT deleted, created, doc FROM action_type WHERE account = ? AND region = ? AND deleted = 0`, account, region)
	defer rows.Close()
	for rows.Next() {
		t, err := scanType(account, region, rows)
		if err != nil {
			return nil, err
		}
		list = append(list, *t)
	}
	store.SortTypes(list)
	return list, rows.Err()
}

func (t *txn) PutActionType(at store.ActionType) error {
	doc, err := store.EncodeActionType(&at.Type)
	if err != nil {
		return err
	}
	t.types = true
	t.d.types.clear()
	t.atCommit()
	return t.tx.Exec(`INSERT INTO action_type (account, region, category, owner, provider, version, deleted, created, doc)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET deleted = excluded.deleted, created = excluded.created, doc = excluded.doc`,
		at.Account, at.Region, at.ID.Category, at.ID.Owner, at.ID.Provider, at.ID.Version, at.Deleted, millis(at.Created), doc)
}

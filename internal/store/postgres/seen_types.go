package postgres

import (
	"sync"
	"time"

	"penstock/internal/core/pipeline"
	"penstock/internal/store"
)

// typesKept is how long what was read of action types and clients is taken for
// true. Changes made by this node are seen at once, those of others when their
// notice comes, or after this time if it does not.
const typesKept = time.Second

// typesAsked is how much longer others take it for true while one reads it anew.
const typesAsked = 250 * time.Millisecond

// maxTypes bounds the entries of seenTypes, which is emptied then.
const maxTypes = 4096

type place struct{ account, region string }

type typeKey struct {
	place
	id pipeline.ActionType
}

type seenType struct {
	t     *store.ActionType
	until time.Time
}

type seenClients struct {
	list  []store.Client
	until time.Time
}

// seenTypes holds the action types that polls and decisions ask about, and the
// clients of accounts. Types that are not there, or deleted, are always looked
// for: one that was just made can be used at once on every node.
type seenTypes struct {
	mu      sync.Mutex
	version uint64
	types   map[typeKey]seenType
	clients map[place]seenClients
}

// changed empties it. What a reader found before is not kept, whenever the
// reader comes to say so.
func (s *seenTypes) changed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.version++
	s.types, s.clients = nil, nil
}

func (s *seenTypes) get(key typeKey) (t *store.ActionType, version uint64, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, ok := s.types[key]
	if now := time.Now(); ok && !now.Before(f.until) {
		s.types[key] = seenType{f.t, now.Add(typesAsked)}
		ok = false
	}
	return f.t, s.version, ok
}

func (s *seenTypes) put(key typeKey, t *store.ActionType, version uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if version != s.version || t.Deleted {
		return
	}
	if s.types == nil || len(s.types) >= maxTypes {
		s.types = map[typeKey]seenType{}
	}
	s.types[key] = seenType{t, time.Now().Add(typesKept)}
}

func (s *seenTypes) getClients(key place) (list []store.Client, version uint64, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, ok := s.clients[key]
	if now := time.Now(); ok && !now.Before(f.until) {
		s.clients[key] = seenClients{f.list, now.Add(typesAsked)}
		ok = false
	}
	return f.list, s.version, ok
}

func (s *seenTypes) putClients(key place, list []store.Client, version uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if version != s.version {
		return
	}
	if s.clients == nil || len(s.clients) >= maxTypes {
		s.clients = map[place]seenClients{}
	}
	s.clients[key] = seenClients{list, time.Now().Add(typesKept)}
}

// find answers from memory what was read a moment ago.
func (s *seenTypes) find(key typeKey, read func() (*store.ActionType, error)) (*store.ActionType, error) {
	t, version, ok := s.get(key)
	if ok {
		return t, nil
	}
	t, err := read()
	if err == nil {
		s.put(key, t, version)
	}
	return t, err
}

// ActionType of a view answers from memory what was read a moment ago.
func (v *view) ActionType(account, region string, id pipeline.ActionType) (*store.ActionType, error) {
	return v.d.seen.find(typeKey{place{account, region}, id}, func() (*store.ActionType, error) { return v.reader.ActionType(account, region, id) })
}

// RegisteredType of a view does so too, under no account.
func (v *view) RegisteredType(region string, id pipeline.ActionType) (*store.ActionType, error) {
	return v.d.seen.find(typeKey{place{"", region}, id}, func() (*store.ActionType, error) { return v.reader.RegisteredType(region, id) })
}

// ActionType of an update does so too, unless it may change types.
func (t *txn) ActionType(account, region string, id pipeline.ActionType) (*store.ActionType, error) {
	read := func() (*store.ActionType, error) { return t.reader.ActionType(account, region, id) }
	if t.definitions {
		return read()
	}
	return t.d.seen.find(typeKey{place{account, region}, id}, read)
}

// RegisteredType of an update does so too, unless it may change types.
func (t *txn) RegisteredType(region string, id pipeline.ActionType) (*store.ActionType, error) {
	read := func() (*store.ActionType, error) { return t.reader.RegisteredType(region, id) }
	if t.definitions {
		return read()
	}
	return t.d.seen.find(typeKey{place{"", region}, id}, read)
}

// Clients of an update answers from memory what was read a moment ago.
func (t *txn) Clients(account, region string) ([]store.Client, error) {
	if t.definitions {
		return t.reader.Clients(account, region)
	}
	key := place{account, region}
	list, version, ok := t.d.seen.getClients(key)
	if ok {
		return list, nil
	}
	list, err := t.reader.Clients(account, region)
	if err == nil {
		t.d.seen.putClients(key, list, version)
	}
	return list, err
}

package sqlite

import (
	"errors"
	"sync"

	"penstock/internal/core/pipeline"
	"penstock/internal/store"
)

// seenTypes holds the action types that polls ask about, for all readers. A
// commit that changes a type empties it; what a reader found before such a
// commit is not kept, whenever the reader comes to say so.
type seenTypes struct {
	mu      sync.RWMutex
	version uint64
	found   map[typeKey]foundType
}

func (s *seenTypes) get(key typeKey) (f foundType, version uint64, ok bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	f, ok = s.found[key]
	return f, s.version, ok
}

func (s *seenTypes) put(key typeKey, f foundType, version uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if version != s.version {
		return
	}
	if s.found == nil || len(s.found) >= maxTypes {
		s.found = map[typeKey]foundType{}
	}
	s.found[key] = f
}

func (s *seenTypes) changed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.version++
	s.found = nil
}

// ActionType of a view answers from memory what an earlier view has read.
func (v *view) ActionType(account, region string, id pipeline.ActionType) (*store.ActionType, error) {
	return v.d.seen.find(typeKey{place{account, region}, id}, func() (*store.ActionType, error) { return v.reader.ActionType(account, region, id) })
}

func (s *seenTypes) find(key typeKey, read func() (*store.ActionType, error)) (*store.ActionType, error) {
	f, version, ok := s.get(key)
	if ok {
		return f.t, f.err
	}
	t, err := read()
	if err == nil || errors.Is(err, store.ErrNotFound) {
		s.put(key, foundType{t, err}, version)
	}
	return t, err
}

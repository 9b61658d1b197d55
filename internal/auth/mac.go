package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"sync"
)

// macKey makes HMAC-SHA256 under one key. States are kept, as setting one up
// costs more than using it.
type macKey struct{ idle sync.Pool }

func newMACKey(key []byte) *macKey {
	return &macKey{sync.Pool{New: func() any { return hmac.New(sha256.New, key) }}}
}

func (k *macKey) sum(text []byte) []byte {
	m := k.idle.Get().(hash.Hash)
	m.Reset()
	m.Write(text)
	sum := m.Sum(nil)
	k.idle.Put(m)
	return sum
}

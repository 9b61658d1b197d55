package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"sync"
	"sync/atomic"
)

// scope is what a signing key is good for: one access key, UTC day, region
// and service.
type scope struct{ keyID, date, region, service string }

// signingKey is a derived key. It keeps one idle HMAC state, as setting one up
// costs more than using it.
type signingKey struct {
	secret string // what it was derived from
	key    [sha256.Size]byte
	idle   atomic.Pointer[macState]
}

type macState struct {
	hash.Hash
	sum [sha256.Size]byte
}

// deriveKey runs AWS's chain of HMACs: date, region, service, terminator.
func deriveKey(secret string, s scope) *signingKey {
	k := &signingKey{secret: secret}
	sum := append(make([]byte, 0, 64), "AWS4"...)
	sum = append(sum, secret...)
	for _, part := range [...]string{s.date, s.region, s.service, terminator} {
		m := hmac.New(sha256.New, sum)
		m.Write([]byte(part))
		sum = m.Sum(k.key[:0])
	}
	return k
}

// appendMAC appends the lower-case hex HMAC of msg to dst.
func (k *signingKey) appendMAC(dst, msg []byte) []byte {
	m := k.idle.Swap(nil)
	if m == nil {
		m = &macState{Hash: hmac.New(sha256.New, k.key[:])}
	} else {
		m.Reset()
	}
	m.Write(msg)
	m.Sum(m.sum[:0])
	dst = appendHex(dst, m.sum[:])
	k.idle.Store(m)
	return dst
}

const lowerHex = "0123456789abcdef"

func appendHex(dst, b []byte) []byte {
	for _, c := range b {
		dst = append(dst, lowerHex[c>>4], lowerHex[c&15])
	}
	return dst
}

// keyCacheSize bounds each of a cache's two generations.
const keyCacheSize = 1024

// keyCache keeps signing keys that have signed a valid request. It is bounded
// by two generations: a full young one becomes the old one, whose members
// move back when they are used. The zero value is ready.
type keyCache struct {
	mu         sync.RWMutex
	young, old map[scope]*signingKey
}

// get returns the key for s when it is cached and was derived from secret:
// changing a secret takes effect at once.
func (c *keyCache) get(s scope, secret string) *signingKey {
	c.mu.RLock()
	k, isYoung := c.young[s]
	if k == nil {
		k = c.old[s]
	}
	c.mu.RUnlock()
	if k == nil || k.secret != secret {
		return nil
	}
	if !isYoung {
		c.put(s, k)
	}
	return k
}

func (c *keyCache) put(s scope, k *signingKey) {
	// The strings of s are cut from a request's header: without copies the
	// cache would keep whole headers alive.
	s = scope{string([]byte(s.keyID)), string([]byte(s.date)), string([]byte(s.region)), string([]byte(s.service))}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.young) >= keyCacheSize {
		c.old, c.young = c.young, nil
	}
	if c.young == nil {
		c.young = make(map[scope]*signingKey)
	}
	c.young[s] = k
}

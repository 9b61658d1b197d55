// Package memo keeps what was used last, up to a total weight.
package memo

import (
	"container/list"
	"sync"
)

// Cache is for one goroutine; Shared is for many.
type Cache[K comparable, V any] struct {
	budget, used int
	order        list.List // of *item, most recently used first
	items        map[K]*list.Element
}

type item[K comparable, V any] struct {
	key    K
	value  V
	weight int
}

// New returns a cache of at most budget, in the unit of Put's weights.
func New[K comparable, V any](budget int) *Cache[K, V] {
	return &Cache[K, V]{budget: budget, items: map[K]*list.Element{}}
}

// Get returns the value of the key.
func (c *Cache[K, V]) Get(key K) (v V, ok bool) {
	e := c.items[key]
	if e == nil {
		return v, false
	}
	c.order.MoveToFront(e)
	return e.Value.(*item[K, V]).value, true
}

// Put adds the value or replaces it; the value put last always stays.
func (c *Cache[K, V]) Put(key K, v V, weight int) {
	if e := c.items[key]; e != nil {
		it := e.Value.(*item[K, V])
		c.used += weight - it.weight
		it.value, it.weight = v, weight
		c.order.MoveToFront(e)
	} else {
		c.items[key] = c.order.PushFront(&item[K, V]{key, v, weight})
		c.used += weight
	}
	for c.used > c.budget && c.order.Len() > 1 {
		c.remove(c.order.Back())
	}
}

// Drop forgets the key.
func (c *Cache[K, V]) Drop(key K) {
	if e := c.items[key]; e != nil {
		c.remove(e)
	}
}

func (c *Cache[K, V]) remove(e *list.Element) {
	it := c.order.Remove(e).(*item[K, V])
	delete(c.items, it.key)
	c.used -= it.weight
}

// Clear forgets everything.
func (c *Cache[K, V]) Clear() {
	c.order.Init()
	clear(c.items)
	c.used = 0
}

// Len is the number of values.
func (c *Cache[K, V]) Len() int { return len(c.items) }

// Shared is a Cache for many goroutines.
type Shared[K comparable, V any] struct {
	mu    sync.Mutex
	cache *Cache[K, V]
}

// NewShared returns a cache of at most budget.
func NewShared[K comparable, V any](budget int) *Shared[K, V] {
	return &Shared[K, V]{cache: New[K, V](budget)}
}

// Get returns the value of the key.
func (s *Shared[K, V]) Get(key K) (V, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cache.Get(key)
}

// Put adds the value or replaces it.
func (s *Shared[K, V]) Put(key K, v V, weight int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cache.Put(key, v, weight)
}

// Drop forgets the key.
func (s *Shared[K, V]) Drop(key K) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cache.Drop(key)
}

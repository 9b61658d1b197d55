package sqlite

import (
	"container/list"
	"sync"
)

// lru keeps what was used last, up to a total weight.
type lru[K comparable, V any] struct {
	budget, used int
	order        list.List // of *item, most recently used first
	items        map[K]*list.Element
}

type item[K comparable, V any] struct {
	key    K
	value  V
	weight int
}

func newLRU[K comparable, V any](budget int) *lru[K, V] {
	return &lru[K, V]{budget: budget, items: map[K]*list.Element{}}
}

func (c *lru[K, V]) get(key K) (v V, ok bool) {
	e := c.items[key]
	if e == nil {
		return v, false
	}
	c.order.MoveToFront(e)
	return e.Value.(*item[K, V]).value, true
}

// put adds the value or replaces it; the value put last always stays.
func (c *lru[K, V]) put(key K, v V, weight int) {
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

func (c *lru[K, V]) drop(key K) {
	if e := c.items[key]; e != nil {
		c.remove(e)
	}
}

func (c *lru[K, V]) remove(e *list.Element) {
	it := c.order.Remove(e).(*item[K, V])
	delete(c.items, it.key)
	c.used -= it.weight
}

func (c *lru[K, V]) clear() {
	c.order.Init()
	clear(c.items)
	c.used = 0
}

// shared is an lru for many goroutines.
type shared[K comparable, V any] struct {
	mu    sync.Mutex
	cache *lru[K, V]
}

func newShared[K comparable, V any](budget int) *shared[K, V] {
	return &shared[K, V]{cache: newLRU[K, V](budget)}
}

func (s *shared[K, V]) get(key K) (V, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cache.get(key)
}

func (s *shared[K, V]) put(key K, v V, weight int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cache.put(key, v, weight)
}

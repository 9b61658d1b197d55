package store

import (
	"context"
	"time"
)

// Node is a server that works on the database.
type Node struct {
	ID      string    `json:"nodeId"`
	Address string    `json:"address"`
	Started time.Time `json:"started"`
	// Lease is the number under which it holds what it holds; never used
	// again. 0 = there is one node only, which needs none.
	Lease int64 `json:"lease"`
	// Silent is how long ago its last heartbeat was.
	Silent time.Duration `json:"-"`
	// Jobs counts the jobs of built-in actions that run in it.
	Jobs int  `json:"jobs"`
	Self bool `json:"answering"` // the one that answers
}

// Nodes knows the servers that share a database.
type Nodes interface {
	// Nodes lists them, the one that started first at the top.
	Nodes(ctx context.Context) ([]Node, error)
}

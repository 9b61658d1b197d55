package sqlite

import (
	"context"
	"os"

	"penstock/internal/sqlite"
	"penstock/internal/store"
)

// Nodes implements store.Nodes: the file is locked against other processes.
func (d *Driver) Nodes(ctx context.Context) ([]store.Node, error) {
	host, _ := os.Hostname() // a name for people
	self := store.Node{ID: host, Started: d.started, Self: true}
	err := d.db.View(ctx, func(tx *sqlite.Tx) error {
		r, ok := tx.QueryRow(`SELECT count(*) FROM job INDEXED BY job_native WHERE state = 'InProgress' AND queue >= '*|' AND queue < '*}' AND acked > 0`)
		if ok {
			self.Jobs = int(r.Int64(0))
		}
		return r.Err()
	})
	return []store.Node{self}, err
}

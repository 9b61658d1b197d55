package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"penstock/internal/store"
)

// Nodes implements store.Nodes.
func (d *Driver) Nodes(ctx context.Context) ([]store.Node, error) {
	rows, err := d.pool.Query(ctx, `SELECT lease, id, address, started, extract(epoch FROM now() - heartbeat)::float8,
		(SELECT count(*) FROM job WHERE job.lease = node.lease AND job.lease <> 0) FROM node ORDER BY started, lease`)
	if err != nil {
		return nil, plain(d.closing(err))
	}
	list, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (n store.Node, err error) {
		var started int64
		var silent float64
		err = r.Scan(&n.Lease, &n.ID, &n.Address, &started, &silent, &n.Jobs)
		n.Started, n.Silent = fromMillis(started), time.Duration(silent*float64(time.Second))
		n.Self = n.Lease == d.node.lease.Load()
		return n, err
	})
	return list, plain(d.closing(err))
}

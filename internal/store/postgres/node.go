package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"penstock/internal/store"
)

const (
	heartbeat = 2 * time.Second
	// leaseTime is how old a node's heartbeat may become, by the clock of
	// the database, before others take over what it holds.
	leaseTime = 10 * time.Second
)

// node is this process among those that work on the database. Its lease is a
// number that is never used again; one that was paused for longer than
// leaseTime finds its lease gone and gets another.
type node struct {
	id, address string
	started     int64
	lease       atomic.Int64
}

// takeBack makes the jobs of built-in actions pollable again whose node is
// gone: their workers were in its process. Their old nonces are void.
const takeBack = `UPDATE job SET state = 'Queued', hidden_until = 0, lease = 0, acked = 0, acked_at = 0,
		last = ` + nextNonce + `, floor = ` + nextNonce + ` + 1
	WHERE lease <> 0 AND state = 'InProgress' AND NOT EXISTS (SELECT 1 FROM node WHERE node.lease = job.lease) RETURNING queue`

// join gets a lease. What an earlier process of this name held is free.
func (d *Driver) join(ctx context.Context, opt Options) error {
	n := &d.node
	n.id, n.address, n.started = opt.Node, opt.Address, millis(time.Now())
	if n.id == "" {
		n.id = "node-" + strconv.FormatInt(time.Now().UnixNano(), 36)
	}
	err := pgx.BeginFunc(ctx, d.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM node WHERE id = $1`, n.id); err != nil {
			return err
		}
		var lease int64
		err := tx.QueryRow(ctx, `INSERT INTO node (id, address, started, heartbeat) VALUES ($1, $2, $3, now()) RETURNING lease`,
			n.id, n.address, n.started).Scan(&lease)
		n.lease.Store(lease)
		return err
	})
	if err != nil {
		return err
	}
	return d.takeOver(ctx)
}

// takeOver removes nodes without a heartbeat and frees what they held.
func (d *Driver) takeOver(ctx context.Context) error {
	rows, err := d.pool.Query(ctx, `DELETE FROM node WHERE heartbeat < now() - $1::interval RETURNING id`, fmt.Sprint(leaseTime.Seconds(), " seconds"))
	if err != nil {
		return err
	}
	gone, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, id := range gone {
		d.log.Warn("a node has not been heard of and is taken over", "node", id, "after", leaseTime)
	}
	if rows, err = d.pool.Query(ctx, takeBack); err != nil {
		return err
	}
	queues, err := pgx.CollectRows(rows, pgx.RowTo[string])
	for _, q := range queues {
		d.room.announce(q, 1)
		if d.news != nil {
			d.news.queued(q)
		}
	}
	return err
}

// beat tells the others that this node is alive, and looks for those that are
// not, until the driver ends.
func (d *Driver) beat() {
	tick := time.NewTicker(heartbeat)
	defer tick.Stop()
	for {
		select {
		case <-d.alive.Done():
			return
		case <-tick.C:
		}
		if err := d.beatOnce(); err != nil && d.alive.Err() == nil {
			d.log.Warn("the database does not take this node's heartbeat; trying again", "error", plain(err))
		}
	}
}

func (d *Driver) beatOnce() error {
	ctx, done := context.WithTimeout(d.alive, leaseTime/2)
	defer done()
	if err := d.readClock(ctx); err != nil {
		return err
	}
	var others bool
	err := d.pool.QueryRow(ctx, `UPDATE node SET heartbeat = now() WHERE lease = $1
		RETURNING EXISTS (SELECT 1 FROM node AS other WHERE other.lease <> $1)`, d.node.lease.Load()).Scan(&others)
	if errors.Is(err, pgx.ErrNoRows) {
		d.log.Warn("this node was silent for so long that others have taken over what it held; it begins anew")
		return d.join(ctx, Options{Node: d.node.id, Address: d.node.address})
	}
	if err != nil {
		return err
	}
	d.news.others.Store(others)
	return d.takeOver(ctx)
}

// leave gives back what this node holds.
func (d *Driver) leave() error {
	ctx, done := context.WithTimeout(context.Background(), connectTimeout)
	defer done()
	if _, err := d.pool.Exec(ctx, `DELETE FROM node WHERE lease = $1`, d.node.lease.Load()); err != nil {
		return plain(err)
	}
	return plain(d.takeOver(ctx))
}

// canary is what the master key is tried on.
const canary = "penstock"

// checkKey compares the master key with the one that the database's secrets
// are sealed with.
func (d *Driver) checkKey(ctx context.Context) error {
	sealed := d.sealer.Seal([]byte(canary), "key")
	_, err := d.pool.Exec(ctx, `INSERT INTO meta (name, value) VALUES ('key', $1) ON CONFLICT (name) DO NOTHING`, []byte(sealed))
	if err != nil {
		return err
	}
	var kept []byte
	if err := d.pool.QueryRow(ctx, `SELECT value FROM meta WHERE name = 'key'`).Scan(&kept); err != nil {
		return err
	}
	if clear, err := d.sealer.Open(string(kept), "key"); err != nil || string(clear) != canary {
		return errKey
	}
	return nil
}

var errKey = errors.New("the master key is not the one that the secrets in this database are sealed with; " +
	"give every node the same PENSTOCK_MASTER_KEY, or a copy of the same master.key in its data folder")

var _ store.Tx = (*txn)(nil)

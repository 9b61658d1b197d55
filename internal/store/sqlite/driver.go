// Package sqlite keeps the state of Penstock in one SQLite file. Writes go
// through the grouping writer of package internal/sqlite, on whose goroutine
// the live state of the pipelines in use is cached; jobs are handed out from
// memory (board.go).
package sqlite

import (
	"context"
	"embed"
	"errors"
	"io/fs"
	"log/slog"
	"math"
	"sync/atomic"
	"time"

	"penstock/internal/core/job"
	"penstock/internal/core/pipeline"
	"penstock/internal/sqlite"
	"penstock/internal/store"
	"penstock/internal/store/memo"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Options are the settings of Open. Sealer is needed.
type Options struct {
	Sealer store.Sealer
	Logger *slog.Logger     // nothing is logged if nil
	Now    func() time.Time // time.Now if nil; tells when hidden jobs come back
}

// cacheBytes bounds the documents in each cache, in their stored form.
const cacheBytes = 8 << 20

// liveBytes is that of the pipelines that are at work: what is not there is read and
// decoded by the writer, while everybody waits.
const liveBytes = 32 << 20

type declarationKey struct {
	pipelineID int64
	version    int
}

// Driver is a store.Driver on SQLite.
type Driver struct {
	db           *sqlite.DB
	sealer       store.Sealer
	now          func() time.Time
	board        *board
	started      time.Time
	seen         seenTypes
	declarations *memo.Shared[declarationKey, *pipeline.Declaration] // committed versions
	jobs         *memo.Shared[string, *job.Job]                      // what never changes of a job

	timers   chan struct{}
	earliest atomic.Int64 // no timer that a listener does not know of is due earlier
	outbox   notice       // the newest entry that is visible

	// Used on the writer's goroutine only.
	live        *memo.Cache[int64, *live]
	rows        *memo.Cache[string, jobRow]
	types       *typeCache
	buf         []byte // for documents on their way to a statement
	newest      int64  // entry of the outbox that is durable
	purgeCursor int64  // jobs up to here were looked at in this round
}

var _ store.Driver = (*Driver)(nil)

// Open opens the database at path, makes it if it is missing and migrates it.
// The file is locked against other processes.
func Open(path string, opt Options) (*Driver, error) {
	if opt.Sealer == nil {
		return nil, errors.New("store: no sealer for secrets")
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	db, err := sqlite.Open(path, sqlite.Options{Migrations: files, Logger: opt.Logger, RedoLog: true})
	if err != nil {
		return nil, err
	}
	d := &Driver{
		db: db, sealer: opt.Sealer, now: opt.Now, started: opt.Now().UTC(),
		declarations: memo.NewShared[declarationKey, *pipeline.Declaration](cacheBytes),
		jobs:         memo.NewShared[string, *job.Job](cacheBytes),
		timers:       make(chan struct{}, 1),
		live:         memo.New[int64, *live](liveBytes),
		rows:         memo.New[string, jobRow](cacheBytes),
		types:        newTypeCache(),
	}
	d.earliest.Store(math.MaxInt64)
	db.OnRollback(d.forget)
	db.OnVisible(d.showOutbox)
	if err := d.boot(); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return d, nil
}

// boot counts the start, so that nonces of this one differ from all earlier
// ones, and puts the jobs that wait on the board.
func (d *Driver) boot() error {
	return d.db.Update(context.Background(), func(tx *sqlite.Tx) error {
		if err := checkKey(tx, d.sealer); err != nil {
			return err
		}
		r, ok := tx.QueryRow(`INSERT INTO meta (name, value) VALUES ('boot', 1)
			ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value`)
		if !ok {
			return errors.Join(errors.New("store: the start cannot be counted"), r.Err())
		}
		d.board = newBoard(r.Int64(0), d.now)
		if err := d.requeueNative(tx); err != nil {
			return err
		}
		if err := d.loadOutbox(tx); err != nil {
			return err
		}
		return d.loadBoard(tx)
	})
}

// forget drops all that was learned in a group of updates that was undone.
func (d *Driver) forget() {
	d.live.Clear()
	d.rows.Clear()
	d.types.clear()
	d.board.releaseAll()
}

// Update implements store.Driver.
func (d *Driver) Update(ctx context.Context, fn func(store.Tx) error) error {
	return d.db.Update(ctx, func(tx *sqlite.Tx) error {
		t := &txn{reader: reader{d: d, tx: tx, now: d.now(), writer: true}}
		done := false
		defer func() { // also when fn panics
			if !done {
				t.undo()
			}
		}()
		if err := fn(t); err != nil {
			return err
		}
		done = true
		return nil
	})
}

// View implements store.Driver.
func (d *Driver) View(ctx context.Context, fn func(store.Reader) error) error {
	return d.db.View(ctx, func(tx *sqlite.Tx) error {
		return fn(&view{reader{d: d, tx: tx, now: d.now()}})
	})
}

// Close implements store.Driver.
func (d *Driver) Close() error {
	d.board.close()
	return d.db.Close()
}

// reader reads through one transaction.
type reader struct {
	d   *Driver
	tx  *sqlite.Tx
	now time.Time

	writer bool // it is the writer's
}

// view is a read-only transaction. It sees committed values only, so it may
// use the caches that all readers share.
type view struct{ reader }

// txn is a call on the writer's goroutine.
type txn struct {
	reader
	touched []int64  // pipelines whose cached state this call changed
	jobs    []string // whose cached rows this call changed
	jobRoom [4]string
	types   bool     // it changed action types or clients
	held    []string // jobs of the board that it holds back

	// For the commit.
	hooked bool
	board  []boardChange
	timer  int64  // the earliest that was set, 0 = none
	outbox int64  // the newest entry that was made, 0 = none
	purged *int64 // how far a purge came, nil = there was none
}

// atCommit has committed run when the call is durable.
func (t *txn) atCommit() {
	if !t.hooked {
		t.hooked = true
		t.tx.OnCommit(t.committed)
	}
}

// committed tells the world outside the database.
func (t *txn) committed() {
	if t.types {
		t.d.seen.changed()
	}
	if t.purged != nil {
		t.d.purgeCursor = *t.purged
	}
	if len(t.board) > 0 {
		t.d.board.apply(t.board)
	}
	if t.timer != 0 {
		t.d.timerSet(t.timer)
	}
	if t.outbox != 0 {
		t.d.newest = t.outbox
	}
}

// undo forgets what the failed call put into the caches.
func (t *txn) undo() {
	for _, id := range t.touched {
		t.d.live.Drop(id)
	}
	for _, id := range t.jobs {
		t.d.rows.Drop(id)
	}
	if t.types {
		t.d.types.clear()
	}
	for _, id := range t.held {
		t.d.board.release(id)
	}
}

// millis is the stored form of a time.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

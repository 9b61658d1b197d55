// Package sqlite is the database under the store: one file, one writer that
// lets waiting calls share a transaction and its fsync, and a few readers.
//
// It speaks to the translated C library directly and knows no tables but its
// own list of migrations.
package sqlite

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

const (
	writerCacheKiB = 32 << 10
	readerCacheKiB = 8 << 10
)

// Options are the settings of Open; the zero value is good.
type Options struct {
	// Readers is how many connections serve View, 2 if 0.
	Readers int
	// Migrations holds files named NNNN_name.sql in its root. Those that
	// the database has not seen run in order, each in one transaction, and
	// are recorded in table schema_migration. Foreign keys are checked at
	// the end of each file, not in between.
	Migrations fs.FS
	// Logger gets what no caller can be told; nothing is logged if nil.
	Logger *slog.Logger
	// RedoLog makes groups of updates that come close after each other durable
	// in a file path+"-redo" and lets SQLite commit several of them at once. A
	// View waits for that commit.
	RedoLog bool
	// MaxGroup is the most calls that share a transaction, 256 if 0.
	MaxGroup int

	// Lengths of the log in frames, for tests.
	walBackground, walBlocking int64
	// How long groups wait in the redo log, and which do, for tests.
	commitAfter, busyWithin time.Duration
}

// DB is an open database. All methods may be called at the same time.
type DB struct {
	path    string
	log     *slog.Logger
	lock    *os.File
	writer  *writer
	wal     *checkpointer
	readers chan *conn
	conns   []*conn // of readers and the writer
	nreader int
	closing chan struct{}

	closeOnce sync.Once
	closeErr  error

	hooksMu    sync.Mutex
	onRollback []func()
	onVisible  []func()

	calls, groups, failed, checkpoints atomic.Int64
}

// Stats counts what a DB did since Open.
type Stats struct {
	Calls       int64 // Updates whose function ran
	Groups      int64 // commits; Calls/Groups is how well calls share them
	Failed      int64 // groups that could not be committed
	Checkpoints int64 // times the log was copied into the database file
	WALBytes    int64 // part of the log that is in use
	Statements  int64 // that Updates and Views ran, those that begin and end transactions among them
}

// Open opens the database at path, makes it if it is missing (mode 0600) and
// brings its schema up to date. Until Close no other process can open it: an
// exclusive lock is held on path+".lock". If that is taken, the error says by
// whom and wraps ErrLocked.
func Open(path string, opt Options) (*DB, error) {
	if opt.Readers <= 0 {
		opt.Readers = 2
	}
	if opt.MaxGroup <= 0 {
		opt.MaxGroup = 256
	}
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	lock, err := lockFile(path)
	if err != nil {
		return nil, err
	}
	db := &DB{
		path: path, log: opt.Logger, lock: lock,
		readers: make(chan *conn, opt.Readers),
		closing: make(chan struct{}),
	}
	if err := db.open(opt); err != nil {
		return nil, errors.Join(err, db.closeConns(), unlockFile(lock))
	}
	go db.writer.loop()
	go db.wal.loop()
	return db, nil
}

func (db *DB) open(opt Options) error {
	if err := createFile(db.path); err != nil {
		return err
	}
	w, err := openConn(db.path, false, writerCacheKiB)
	if err != nil {
		return err
	}
	db.writer = newWriter(db, w, opt.MaxGroup)
	db.conns = append(db.conns, w)
	if err := useWAL(w); err != nil {
		return fmt.Errorf("open %s: %w", db.path, err)
	}
	if err := gatherWAL(w); err != nil {
		return fmt.Errorf("open %s: %w", db.path, err)
	}
	replayed, err := recoverRedo(w, db.path)
	if err != nil {
		return fmt.Errorf("open %s: %w", db.path, err)
	}
	if replayed > 0 {
		opt.Logger.Info("groups of updates were replayed from the redo log", "groups", replayed)
	}
	if opt.Migrations != nil {
		if err := migrate(w, opt.Migrations, opt.Logger); err != nil {
			return fmt.Errorf("migrate %s: %w", db.path, err)
		}
	}
	if opt.RedoLog {
		if db.writer.deferred.log, err = openRedo(w, db.path, rand.Int64()); err != nil {
			return fmt.Errorf("open %s: %w", redoPath(db.path), err)
		}
		db.writer.deferred.log.entry.reset()
		db.writer.deferred.commitAfter = cmp.Or(opt.commitAfter, commitAfter)
		db.writer.deferred.busyWithin = cmp.Or(opt.busyWithin, busyWithin)
	}
	c, err := openConn(db.path, false, readerCacheKiB)
	if err != nil {
		return err
	}
	db.wal = newCheckpointer(db, c)
	if opt.walBackground > 0 {
		db.wal.background, db.wal.blocking = opt.walBackground, opt.walBlocking
	}
	if err := db.wal.watch(w); err != nil {
		return err
	}
	for range opt.Readers {
		r, err := openConn(db.path, true, readerCacheKiB)
		if err != nil {
			return err
		}
		db.readers <- r
		db.conns = append(db.conns, r)
		db.nreader++
	}
	return nil
}

// useWAL sets what the file itself remembers.
func useWAL(c *conn) error {
	if err := c.script(`PRAGMA page_size = 4096`); err != nil {
		return err
	}
	tx := &Tx{c: c}
	defer tx.end()
	r, ok := tx.QueryRow(`PRAGMA journal_mode = WAL`)
	if ok && r.Text(0) != "wal" {
		return fmt.Errorf("the file system does not support a write-ahead log (journal mode %q)", r.Text(0))
	}
	return r.Err()
}

// createFile makes an empty file for a new database, private from the start,
// and makes its name durable.
func createFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// Update runs fn in a write transaction and returns nil when its writes are
// durable. Calls that wait at the same moment share a transaction, but each
// stands or falls by itself: if fn fails or panics, only what fn wrote is
// undone. If the shared commit fails, every call of the group gets the error
// and nothing of them remains.
//
// A call whose ctx ends while it waits is withdrawn and returns ctx.Err();
// once fn runs, the call takes its course. fn runs on the writer's goroutine
// while all other Updates wait: it must not block and must not call Update.
func (db *DB) Update(ctx context.Context, fn func(*Tx) error) error {
	return db.writer.update(ctx, fn)
}

// View runs fn on a reader's connection. All that fn reads is one state of
// the database, at least as new as the last Update that returned before;
// writes fail with an error for which IsReadOnly holds. A View that stays
// open long keeps the log from being reused, so it should not wait for
// anything outside. If all readers are busy, View waits for one or for ctx.
// What groups in the redo log wrote is committed first; if it cannot be, fn
// runs again from its start, on the writer's connection.
func (db *DB) View(ctx context.Context, fn func(*Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-db.closing:
		return ErrClosed
	default:
	}
	tx := &Tx{idle: true, db: db, ctx: ctx}
	select {
	case tx.c = <-db.readers:
	case <-ctx.Done():
		return ctx.Err()
	case <-db.closing:
		return ErrClosed
	}
	err := db.viewReader(tx, fn)
	if tx.hidden && ctx.Err() == nil {
		return db.viewWriter(ctx, fn)
	}
	return err
}

func (db *DB) viewReader(tx *Tx, fn func(*Tx) error) error {
	c := tx.c
	defer func() { db.readers <- c }()
	return viewOf(c, tx, fn)
}

func view(c *conn, fn func(*Tx) error) error { return viewOf(c, &Tx{c: c, idle: true}, fn) }

func viewOf(c *conn, tx *Tx, fn func(*Tx) error) error {
	// Deferred, so that a panic of fn leaves the connection usable.
	defer func() {
		tx.end()
		if c.inTransaction() {
			// The end of a read transaction has nothing that could fail.
			_ = c.run("COMMIT")
		}
	}()
	return fn(tx)
}

// OnRollback registers f to run whenever calls whose functions succeeded
// were undone because their group's commit failed, before those calls
// return. What was learned inside their functions must be forgotten then.
// f runs on the writer's goroutine and must not call Update.
func (db *DB) OnRollback(f func()) {
	db.hooksMu.Lock()
	defer db.hooksMu.Unlock()
	db.onRollback = append(db.onRollback, f)
}

func (db *DB) rolledBack() {
	db.failed.Add(1)
	db.runAll(&db.onRollback)
}

func (db *DB) runAll(hooks *[]func()) {
	db.hooksMu.Lock()
	defer db.hooksMu.Unlock()
	for _, f := range *hooks {
		db.guard(f)
	}
}

// guard runs a hook on the writer's goroutine, which a panic must not end.
func (db *DB) guard(f func()) {
	defer func() {
		if p := recover(); p != nil {
			db.log.Error("database hook panicked", "panic", p)
		}
	}()
	f()
}

// Stats gives the counters of this moment.
func (db *DB) Stats() Stats {
	statements := int64(0)
	for _, c := range db.conns {
		statements += c.ran.Load()
	}
	return Stats{
		Statements:  statements,
		Calls:       db.calls.Load(),
		Groups:      db.groups.Load(),
		Failed:      db.failed.Load(),
		Checkpoints: db.checkpoints.Load(),
		WALBytes:    db.wal.bytes(),
	}
}

// Close lets the Updates and Views that were called before it finish, copies
// the log into the database file and gives the lock back.
func (db *DB) Close() error {
	db.closeOnce.Do(func() {
		db.writer.stop()
		close(db.closing)
		db.wal.stop()
		db.closeErr = errors.Join(db.closeConns(), unlockFile(db.lock))
	})
	return db.closeErr
}

// closeConns closes all connections, waiting for those in use; the writer's
// is the last, so that SQLite can remove the log.
func (db *DB) closeConns() error {
	var errs []error
	for range db.nreader {
		errs = append(errs, (<-db.readers).close())
	}
	if db.wal != nil {
		errs = append(errs, db.wal.close())
	}
	if db.writer != nil {
		if db.wal != nil { // else Open failed, and says why
			errs = append(errs, db.writer.c.script(`PRAGMA wal_checkpoint(TRUNCATE)`))
		}
		errs = append(errs, db.writer.c.close())
		if log := db.writer.deferred.log; log != nil {
			errs = append(errs, log.close(!db.writer.deferred.waiting.Load()))
		}
	}
	return errors.Join(errs...)
}

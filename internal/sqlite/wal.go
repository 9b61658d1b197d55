package sqlite

import (
	"sync"
	"sync/atomic"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

const (
	frameBytes = 4096 + 24
	// From walBackground on the log is copied into the database file beside
	// the writer's work.
	walBackground = 8 << 20 / frameBytes
	// At walBlocking the writer waits until the log can start anew: under
	// steady load the background copy is always a little behind.
	walBlocking = 128 << 20 / frameBytes
	// A blocking checkpoint gives up when a reader keeps its snapshot so
	// long, and is tried again walRetry frames later.
	walPatienceMillis = 250
	walRetry          = 32 << 20 / frameBytes
)

// checkpointer copies the log into the database file.
type checkpointer struct {
	db      *DB
	kick    chan struct{}
	quit    chan struct{}
	stopped chan struct{}

	mu sync.Mutex // one checkpoint at a time
	c  *conn

	frames *int32 // length of the log, in C memory; the writer's only
	cell   uintptr
	length atomic.Int64 // the same for others to see
	copied atomic.Int64 // frames that are in the database file
	retry  int64        // no blocking checkpoint before this length

	background, blocking int64 // walBackground, walBlocking or a test's
}

func newCheckpointer(db *DB, c *conn) *checkpointer {
	return &checkpointer{
		db: db, c: c,
		kick:    make(chan struct{}, 1),
		quit:    make(chan struct{}),
		stopped: make(chan struct{}),

		background: walBackground, blocking: walBlocking,
	}
}

// walHook is called by SQLite at the end of each commit of the writer.
func walHook(_ *libc.TLS, cell, _, _ uintptr, frames int32) int32 {
	*(*int32)(ptr(cell)) = frames
	return sqlite3.SQLITE_OK
}

// hookFunc holds walHook in the form the translated code calls.
var hookFunc = struct {
	f func(*libc.TLS, uintptr, uintptr, uintptr, int32) int32
}{walHook}

// funcAddr is the address of the function in a struct like hookFunc, as the
// translated code takes it.
func funcAddr[T any](holder *T) uintptr { return *(*uintptr)(unsafe.Pointer(holder)) }

// watch has the writer's connection tell the length of the log.
func (k *checkpointer) watch(w *conn) error {
	// C memory, since the address passes through SQLite.
	k.cell = libc.Xcalloc(k.c.tls, 1, 8)
	if k.cell == 0 {
		return &Error{Code: sqlite3.SQLITE_NOMEM, Message: "out of memory"}
	}
	k.frames = (*int32)(ptr(k.cell))
	sqlite3.Xsqlite3_wal_hook(w.tls, w.db, funcAddr(&hookFunc), k.cell)
	return nil
}

// committed is called by the writer between two transactions.
func (k *checkpointer) committed(w *conn) {
	n := int64(*k.frames)
	if n < k.length.Load() {
		// The log started anew.
		k.copied.Store(0)
		k.retry = 0
	}
	k.length.Store(n)
	switch {
	case n >= k.blocking && n >= k.retry:
		k.restart(w, n)
	case k.behind():
		select {
		case k.kick <- struct{}{}:
		default:
		}
	}
}

// behind tells whether a copy in the background is due.
func (k *checkpointer) behind() bool {
	return k.length.Load()-k.copied.Load() >= k.background
}

// restart copies the rest of the log and makes the next write begin it anew.
func (k *checkpointer) restart(w *conn, n int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	sqlite3.Xsqlite3_busy_timeout(w.tls, w.db, walPatienceMillis)
	err := k.checkpoint(w, sqlite3.SQLITE_CHECKPOINT_RESTART)
	sqlite3.Xsqlite3_busy_timeout(w.tls, w.db, busyMillis)
	if err != nil {
		k.retry = n + walRetry
		k.db.log.Warn("write-ahead log cannot start anew", "bytes", n*frameBytes, "error", err)
		return
	}
	*k.frames = 0
	k.length.Store(0)
	k.copied.Store(0)
}

func (k *checkpointer) loop() {
	defer close(k.stopped)
	for {
		select {
		case <-k.quit:
			return
		case <-k.kick:
		}
		if !k.behind() {
			continue // the kick came during the last copy, which did it
		}
		k.mu.Lock()
		err := k.checkpoint(k.c, sqlite3.SQLITE_CHECKPOINT_PASSIVE)
		k.mu.Unlock()
		if err != nil {
			k.db.log.Warn("checkpoint", "error", err)
		}
	}
}

func (k *checkpointer) checkpoint(c *conn, mode int32) error {
	rc := sqlite3.Xsqlite3_wal_checkpoint_v2(c.tls, c.db, 0, mode, c.out, c.out+4)
	if rc != sqlite3.SQLITE_OK {
		return c.fail(rc, "")
	}
	k.db.checkpoints.Add(1)
	n := int64(c.half(1))
	if n > k.length.Load() {
		n = 0 // the writer began the log anew just after this copy
	}
	k.copied.Store(n)
	return nil
}

// bytes is the length of the log in use.
func (k *checkpointer) bytes() int64 { return k.length.Load() * frameBytes }

func (k *checkpointer) stop() {
	close(k.quit)
	<-k.stopped
}

// close is called when the writer no longer commits.
func (k *checkpointer) close() error {
	if k.cell != 0 {
		sqlite3.Xsqlite3_wal_hook(k.db.writer.c.tls, k.db.writer.c.db, 0, 0)
		libc.Xfree(k.c.tls, k.cell)
		k.cell = 0
	}
	return k.c.close()
}

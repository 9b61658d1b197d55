package sqlite

import (
	"errors"
	"sync"
	"unsafe"

	"modernc.org/libc"
	"modernc.org/libc/sys/types"
	sqlite3 "modernc.org/sqlite/lib"
)

const (
	// walBufferBytes is how much of the log is held back at most.
	walBufferBytes = 1 << 20
	// walWriteBytes is the most that goes out with one call: SQLite's own
	// method writes fewer than 128 KiB at once, and takes 0 bytes written of
	// exactly 128 KiB for a full disk.
	walWriteBytes = 120 << 10
)

// walFile gathers what the writer's connection appends to the log. SQLite
// writes each page with two calls and then syncs; here one call writes all of
// them just before the sync.
//
// Nobody can miss what is held back. Other connections look for frames only up
// to the end that the log's index names, and SQLite moves that end after the
// sync of a commit, which synchronous=FULL asks for. The writer itself reads
// its log through this file, which is written out before.
//
// The methods run on the writer's goroutine.
type walFile struct {
	file    uintptr                      // the sqlite3_file
	inner   uintptr                      // its own methods
	call    *sqlite3.Tsqlite3_io_methods // the same
	methods uintptr                      // those below, in C memory
	buf     uintptr                      // walBufferBytes of C memory
	at      int64                        // where in the file buf belongs
	n       int                          // bytes of buf in use
	synced  bool                         // for the first time
	fault   func(fd int) error           // a test's, in place of fdatasync
}

// walFiles finds a walFile by the address of its sqlite3_file.
var walFiles sync.Map

// The methods in the form the translated code calls.
type (
	ioClose = func(*libc.TLS, uintptr) int32
	ioBlock = func(tls *libc.TLS, file, data uintptr, n int32, at int64) int32
	ioSize  = func(tls *libc.TLS, file uintptr, size int64) int32
	ioSync  = func(tls *libc.TLS, file uintptr, flags int32) int32
	ioAsk   = func(tls *libc.TLS, file, answer uintptr) int32
)

var (
	walClose    = struct{ f ioClose }{closeWAL}
	walRead     = struct{ f ioBlock }{readWAL}
	walWrite    = struct{ f ioBlock }{writeWAL}
	walTruncate = struct{ f ioSize }{truncateWAL}
	walSync     = struct{ f ioSync }{syncWAL}
	walFileSize = struct{ f ioAsk }{sizeWAL}
)

// method is the function at an address that the translated code calls.
func method[F any](address uintptr) F { return *(*F)(unsafe.Pointer(&address)) }

// gatherWAL puts a walFile in front of the log of a connection in WAL mode. It
// does nothing where a commit may go on writing after its sync, which SQLite
// does on file systems without powersafe overwrite.
func gatherWAL(c *conn) error {
	// The log is opened by the first read.
	if err := c.script(`SELECT 1 FROM sqlite_schema LIMIT 1`); err != nil {
		return err
	}
	if rc := sqlite3.Xsqlite3_file_control(c.tls, c.db, 0, sqlite3.SQLITE_FCNTL_JOURNAL_POINTER, c.out); rc != sqlite3.SQLITE_OK {
		return c.fail(rc, "")
	}
	file := (*sqlite3.Tsqlite3_file)(ptr(c.word(0)))
	if file == nil || file.FpMethods == 0 {
		return errors.New("sqlite: the write-ahead log is not open")
	}
	w := &walFile{file: c.word(0), inner: file.FpMethods}
	w.call = (*sqlite3.Tsqlite3_io_methods)(ptr(w.inner))
	if method[ioClose](w.call.FxDeviceCharacteristics)(c.tls, w.file)&sqlite3.SQLITE_IOCAP_POWERSAFE_OVERWRITE == 0 {
		return nil
	}
	w.buf = libc.Xmalloc(c.tls, walBufferBytes)
	w.methods = libc.Xmalloc(c.tls, types.Size_t(unsafe.Sizeof(*w.call)))
	if w.buf == 0 || w.methods == 0 {
		w.free(c.tls)
		return &Error{Code: sqlite3.SQLITE_NOMEM, Message: "out of memory"}
	}
	own := (*sqlite3.Tsqlite3_io_methods)(ptr(w.methods))
	*own = *w.call
	own.FxClose = funcAddr(&walClose)
	own.FxRead = funcAddr(&walRead)
	own.FxWrite = funcAddr(&walWrite)
	own.FxTruncate = funcAddr(&walTruncate)
	own.FxSync = funcAddr(&walSync)
	own.FxFileSize = funcAddr(&walFileSize)
	walFiles.Store(w.file, w)
	file.FpMethods = w.methods
	c.log = w
	return nil
}

// drop forgets what is held back, when the transaction that it belongs to was
// rolled back.
func (w *walFile) drop() { w.n = 0 }

func (w *walFile) free(tls *libc.TLS) {
	libc.Xfree(tls, w.buf)
	libc.Xfree(tls, w.methods)
}

func walFileAt(file uintptr) *walFile {
	w, _ := walFiles.Load(file)
	return w.(*walFile)
}

// flush writes what is held back. If that fails it stays, so that no sync can
// succeed without it.
func (w *walFile) flush(tls *libc.TLS) int32 {
	for done := 0; done < w.n; done += walWriteBytes {
		n := min(w.n-done, walWriteBytes)
		rc := method[ioBlock](w.call.FxWrite)(tls, w.file, w.buf+uintptr(done), int32(n), w.at+int64(done))
		if rc != sqlite3.SQLITE_OK {
			return rc
		}
	}
	w.n = 0
	return sqlite3.SQLITE_OK
}

func writeWAL(tls *libc.TLS, file, data uintptr, n int32, at int64) int32 {
	w := walFileAt(file)
	if w.n > 0 && (at != w.at+int64(w.n) || w.n+int(n) > walBufferBytes) {
		if rc := w.flush(tls); rc != sqlite3.SQLITE_OK {
			return rc
		}
	}
	if n > walBufferBytes {
		return method[ioBlock](w.call.FxWrite)(tls, file, data, n, at)
	}
	if w.n == 0 {
		w.at = at
	}
	copy(bytesAt(w.buf+uintptr(w.n), int(n)), bytesAt(data, int(n)))
	w.n += int(n)
	return sqlite3.SQLITE_OK
}

func readWAL(tls *libc.TLS, file, data uintptr, n int32, at int64) int32 {
	w := walFileAt(file)
	if rc := w.flush(tls); rc != sqlite3.SQLITE_OK {
		return rc
	}
	return method[ioBlock](w.call.FxRead)(tls, file, data, n, at)
}

func truncateWAL(tls *libc.TLS, file uintptr, size int64) int32 {
	w := walFileAt(file)
	if rc := w.flush(tls); rc != sqlite3.SQLITE_OK {
		return rc
	}
	return method[ioSize](w.call.FxTruncate)(tls, file, size)
}

func syncWAL(tls *libc.TLS, file uintptr, flags int32) int32 {
	w := walFileAt(file)
	if rc := w.flush(tls); rc != sqlite3.SQLITE_OK {
		return rc
	}
	if w.synced {
		if rc, ok := w.dataSync(); ok {
			return rc
		}
	}
	// The first sync is SQLite's own, which makes the file's name durable too.
	rc := method[ioSync](w.call.FxSync)(tls, file, flags)
	w.synced = rc == sqlite3.SQLITE_OK
	return rc
}

func sizeWAL(tls *libc.TLS, file, answer uintptr) int32 {
	w := walFileAt(file)
	if rc := w.flush(tls); rc != sqlite3.SQLITE_OK {
		return rc
	}
	return method[ioAsk](w.call.FxFileSize)(tls, file, answer)
}

// closeWAL takes the walFile away. What is held back belongs to a transaction
// that did not commit, and nobody will ask for it.
func closeWAL(tls *libc.TLS, file uintptr) int32 {
	w := walFileAt(file)
	walFiles.Delete(file)
	(*sqlite3.Tsqlite3_file)(ptr(file)).FpMethods = w.inner
	rc := method[ioClose](w.call.FxClose)(tls, file)
	w.free(tls)
	return rc
}

package sqlite

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

const codeForeignKey = sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY

// busyMillis is how long a connection waits for a lock of another one. Only
// a checkpoint that restarts the log can make anyone wait.
const busyMillis = 5000

// maxStatements bounds the cache of one connection. The statements of the
// program are constants, far fewer; the bound is for lists whose filters
// make up their text.
const maxStatements = 400

// configure sets what holds for all connections, before the first one. What a
// savepoint may have to undo is kept in memory in small pieces; else SQLite
// takes 64 KiB for each savepoint and makes a file of what is more. This has
// no effect on a SQLite that others of the process use already.
var configure = sync.OnceFunc(func() {
	tls := libc.NewTLS()
	defer tls.Close()
	args := libc.NewVaList(int32(-1))
	defer libc.Xfree(tls, args)
	sqlite3.Xsqlite3_config(tls, sqlite3.SQLITE_CONFIG_STMTJRNL_SPILL, args)
})

// conn is one connection. It is used by one goroutine at a time.
type conn struct {
	tls   *libc.TLS
	db    uintptr
	stmts map[string]*stmt
	out   uintptr      // two words of C memory for results passed by address
	ran   atomic.Int64 // statements
	log   *walFile     // what it appends goes through this, if set
}

// ptr turns an address of C memory into a pointer. The address is not on
// Go's heap, so what vet fears of such a conversion cannot happen.
func ptr(p uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&p)) }

// bytesAt shows n bytes of C memory as a slice.
func bytesAt(p uintptr, n int) []byte { return unsafe.Slice((*byte)(ptr(p)), n) }

// openConn opens path and applies what every connection shares.
func openConn(path string, readOnly bool, cacheKiB int) (*conn, error) {
	configure()
	c := &conn{tls: libc.NewTLS(), stmts: make(map[string]*stmt)}
	c.out = libc.Xcalloc(c.tls, 2, 8)
	if c.out == 0 {
		c.tls.Close()
		return nil, errors.New("sqlite: out of memory")
	}
	name, err := libc.CString(path)
	if err != nil {
		libc.Xfree(c.tls, c.out)
		c.tls.Close()
		return nil, err
	}
	defer libc.Xfree(c.tls, name)

	// No mutexes of SQLite's: a connection is never shared.
	flags := int32(sqlite3.SQLITE_OPEN_NOMUTEX)
	if readOnly {
		flags |= sqlite3.SQLITE_OPEN_READONLY
	} else {
		flags |= sqlite3.SQLITE_OPEN_READWRITE
	}
	rc := sqlite3.Xsqlite3_open_v2(c.tls, name, c.out, flags, 0)
	c.db = c.word(0)
	if rc != sqlite3.SQLITE_OK {
		err := c.fail(rc, "")
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), c.close())
	}
	sqlite3.Xsqlite3_extended_result_codes(c.tls, c.db, 1)
	sqlite3.Xsqlite3_busy_timeout(c.tls, c.db, busyMillis)
	err = c.script(fmt.Sprintf(`
		PRAGMA synchronous = FULL;
		PRAGMA foreign_keys = ON;
		PRAGMA temp_store = MEMORY;
		PRAGMA mmap_size = 0;
		PRAGMA trusted_schema = OFF;
		PRAGMA cell_size_check = ON;
		PRAGMA wal_autocheckpoint = 0;
		PRAGMA cache_size = -%d;`, cacheKiB))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), c.close())
	}
	return c, nil
}

func (c *conn) word(i int) uintptr { return *(*uintptr)(ptr(c.out + uintptr(i)*8)) }

// half reads an int result; i counts four-byte halves of the out area.
func (c *conn) half(i int) int32 { return *(*int32)(ptr(c.out + uintptr(i)*4)) }

// close finalizes every statement and closes the connection.
func (c *conn) close() error {
	for _, s := range c.stmts {
		s.finalize()
	}
	clear(c.stmts)
	var err error
	if c.db != 0 {
		if rc := sqlite3.Xsqlite3_close_v2(c.tls, c.db); rc != sqlite3.SQLITE_OK {
			err = c.fail(rc, "")
		}
		c.db = 0
	}
	libc.Xfree(c.tls, c.out)
	c.tls.Close()
	return err
}

// prepare compiles the first statement of the C string at sql and gives the
// address of what follows it. The handle is 0 if there is no statement.
func (c *conn) prepare(sql uintptr, text string) (handle, tail uintptr, err error) {
	if rc := sqlite3.Xsqlite3_prepare_v3(c.tls, c.db, sql, -1, 0, c.out, c.out+8); rc != sqlite3.SQLITE_OK {
		return 0, 0, c.fail(rc, text)
	}
	return c.word(0), c.word(1), nil
}

// script runs all statements of text, without arguments, and drops their rows.
func (c *conn) script(text string) error {
	p, err := libc.CString(text)
	if err != nil {
		return err
	}
	defer libc.Xfree(c.tls, p)
	for at := p; *(*byte)(ptr(at)) != 0; {
		handle, tail, err := c.prepare(at, text)
		if err != nil {
			return err
		}
		at = tail
		if handle == 0 {
			continue
		}
		rc := int32(sqlite3.SQLITE_ROW)
		for rc == sqlite3.SQLITE_ROW {
			rc = sqlite3.Xsqlite3_step(c.tls, handle)
		}
		if rc != sqlite3.SQLITE_DONE {
			err = c.fail(rc, text)
		}
		sqlite3.Xsqlite3_finalize(c.tls, handle)
		if err != nil {
			return err
		}
	}
	return nil
}

// run executes one cached statement that has no arguments.
func (c *conn) run(sql string) error {
	s, err := c.statement(sql)
	if err != nil {
		return err
	}
	return s.exec(nil)
}

// inTransaction tells whether a transaction is open. SQLite ends one by
// itself on some errors: a full disk, a failed read or write, no memory.
func (c *conn) inTransaction() bool {
	return sqlite3.Xsqlite3_get_autocommit(c.tls, c.db) == 0
}

// brokenReferences tells whether a deferred foreign key waits for its row.
func (c *conn) brokenReferences() bool {
	rc := sqlite3.Xsqlite3_db_status(c.tls, c.db, sqlite3.SQLITE_DBSTATUS_DEFERRED_FKS, c.out, c.out+8, 0)
	return rc == sqlite3.SQLITE_OK && c.half(0) != 0
}

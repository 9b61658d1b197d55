package sqlite

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"

	"modernc.org/libc"
	"modernc.org/libc/sys/types"
	sqlite3 "modernc.org/sqlite/lib"
)

// keepBuffer is the size up to which a statement keeps its bind buffer.
const keepBuffer = 64 << 10

// stmt is a prepared statement with its own memory for text and blobs, so
// that binding copies bytes but seldom allocates. SQLite is told that the
// memory is static; it stays untouched until the statement is reset.
type stmt struct {
	c        *conn
	handle   uintptr
	sql      string
	params   int
	readOnly bool
	control  bool // begins or ends a transaction: not for a Tx
	cached   bool
	busy     bool // between bind and reset
	buf      uintptr
	bufLen   int

	// The redo log's: its number in the record of the group.
	group  int64
	number int
}

// statement gives the statement for sql from the cache. If its rows are
// being read right now, a second one is made that lives until its reset.
func (c *conn) statement(sql string) (*stmt, error) {
	s := c.stmts[sql]
	if s != nil && !s.busy {
		return s, nil
	}
	p, err := libc.CString(sql)
	if err != nil {
		return nil, err
	}
	defer libc.Xfree(c.tls, p)
	handle, tail, err := c.prepare(p, sql)
	if err != nil {
		return nil, err
	}
	if handle == 0 {
		return nil, errors.New("sqlite: empty statement")
	}
	if rest, _, err := c.prepare(tail, sql); err != nil || rest != 0 {
		sqlite3.Xsqlite3_finalize(c.tls, rest)
		sqlite3.Xsqlite3_finalize(c.tls, handle)
		return nil, errors.New("sqlite: more than one statement in: " + sql)
	}
	fresh := &stmt{
		c: c, handle: handle, sql: sql,
		params:   int(sqlite3.Xsqlite3_bind_parameter_count(c.tls, handle)),
		readOnly: sqlite3.Xsqlite3_stmt_readonly(c.tls, handle) != 0,
		control:  isControl(sql),
	}
	if s == nil {
		c.evict()
		fresh.cached = true
		// The key is a copy: a caller may have cut sql out of a big string.
		c.stmts[strings.Clone(sql)] = fresh
	}
	return fresh, nil
}

// evict makes room in a full cache by dropping all idle statements, which
// needs no bookkeeping on every use.
func (c *conn) evict() {
	if len(c.stmts) < maxStatements {
		return
	}
	for sql, s := range c.stmts {
		if !s.busy {
			s.finalize()
			delete(c.stmts, sql)
		}
	}
}

func isControl(sql string) bool {
	word := strings.TrimLeft(sql, " \t\r\n;")
	if end := strings.IndexAny(word, " \t\r\n;"); end >= 0 {
		word = word[:end]
	}
	switch strings.ToUpper(word) {
	case "BEGIN", "COMMIT", "END", "ROLLBACK", "SAVEPOINT", "RELEASE", "ATTACH", "DETACH", "VACUUM":
		return true
	}
	return false
}

// exec binds args, steps to the end and resets.
func (s *stmt) exec(args []any) error {
	if err := s.bind(args); err != nil {
		return err
	}
	rc := int32(sqlite3.SQLITE_ROW)
	for rc == sqlite3.SQLITE_ROW {
		rc = sqlite3.Xsqlite3_step(s.c.tls, s.handle)
	}
	var err error
	if rc != sqlite3.SQLITE_DONE {
		err = s.c.fail(rc, s.sql)
	}
	s.reset()
	return err
}

// bind gives the arguments to the statement, which is busy until its reset.
func (s *stmt) bind(args []any) error {
	if len(args) != s.params {
		err := fmt.Errorf("sqlite: %d arguments for %d parameters in: %s", len(args), s.params, s.sql)
		s.discard()
		return err
	}
	size := 1 // an empty text needs an address too
	for _, a := range args {
		switch v := a.(type) {
		case string:
			size += len(v)
		case []byte:
			size += len(v)
		}
	}
	s.busy = true
	s.c.ran.Add(1)
	if size > math.MaxInt32 || !s.reserve(size) {
		s.reset()
		return &Error{Code: sqlite3.SQLITE_TOOBIG, Message: "string or blob too big", SQL: s.sql}
	}
	tls, at := s.c.tls, s.buf
	for i, a := range args {
		n := int32(i + 1)
		rc := int32(sqlite3.SQLITE_OK)
		switch v := a.(type) {
		case nil:
			rc = sqlite3.Xsqlite3_bind_null(tls, s.handle, n)
		case int:
			rc = sqlite3.Xsqlite3_bind_int64(tls, s.handle, n, int64(v))
		case int64:
			rc = sqlite3.Xsqlite3_bind_int64(tls, s.handle, n, v)
		case bool:
			var b int64
			if v {
				b = 1
			}
			rc = sqlite3.Xsqlite3_bind_int64(tls, s.handle, n, b)
		case float64:
			rc = sqlite3.Xsqlite3_bind_double(tls, s.handle, n, v)
		case string:
			copy(bytesAt(at, len(v)), v)
			rc = sqlite3.Xsqlite3_bind_text(tls, s.handle, n, at, int32(len(v)), sqlite3.SQLITE_STATIC)
			at += uintptr(len(v))
		case []byte:
			if v == nil {
				rc = sqlite3.Xsqlite3_bind_null(tls, s.handle, n)
				break
			}
			copy(bytesAt(at, len(v)), v)
			rc = sqlite3.Xsqlite3_bind_blob(tls, s.handle, n, at, int32(len(v)), sqlite3.SQLITE_STATIC)
			at += uintptr(len(v))
		default:
			err := fmt.Errorf("sqlite: argument %d has type %s, which cannot be stored", n, reflect.TypeOf(a).String())
			s.reset()
			return err
		}
		if rc != sqlite3.SQLITE_OK {
			err := s.c.fail(rc, s.sql)
			s.reset()
			return err
		}
	}
	return nil
}

// reserve makes the bind buffer hold at least size bytes.
func (s *stmt) reserve(size int) bool {
	if size <= s.bufLen {
		return true
	}
	s.free()
	size = max(256, size+size/4)
	s.buf = libc.Xmalloc(s.c.tls, types.Size_t(size))
	if s.buf == 0 {
		return false
	}
	s.bufLen = size
	return true
}

func (s *stmt) free() {
	if s.buf != 0 {
		libc.Xfree(s.c.tls, s.buf)
	}
	s.buf, s.bufLen = 0, 0
}

// reset ends a run and makes the statement ready for the next one.
func (s *stmt) reset() {
	// The result repeats the error of the last step, which was reported.
	sqlite3.Xsqlite3_reset(s.c.tls, s.handle)
	sqlite3.Xsqlite3_clear_bindings(s.c.tls, s.handle)
	s.busy = false
	if s.bufLen > keepBuffer {
		s.free()
	}
	s.discard()
}

// discard drops a statement that is not in the cache.
func (s *stmt) discard() {
	if !s.cached {
		s.finalize()
	}
}

func (s *stmt) finalize() {
	sqlite3.Xsqlite3_finalize(s.c.tls, s.handle)
	s.handle = 0
	s.free()
}

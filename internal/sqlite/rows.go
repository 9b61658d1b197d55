package sqlite

import (
	sqlite3 "modernc.org/sqlite/lib"
)

// Rows walks over the result of a query. It belongs to its Tx: it is used by
// the function that made it, and is closed when that function returns.
// Columns count from 0. SQLite converts between types as in
// https://www.sqlite.org/c3ref/column_blob.html: NULL reads as "", nil, 0 or
// false. Reading a column without a current row is a mistake of the caller
// and panics.
type Rows struct {
	tx  *Tx
	s   *stmt // nil when closed
	row bool  // there is a current row
	err error

	args []byte // for the redo log, until the first step, which does all that is to do
}

// Next steps to the next row; it is false at the end and on an error.
func (r *Rows) Next() bool {
	if r.s == nil {
		return false
	}
	rc := sqlite3.Xsqlite3_step(r.s.c.tls, r.s.handle)
	if r.args != nil && (rc == sqlite3.SQLITE_ROW || rc == sqlite3.SQLITE_DONE) {
		r.tx.redo.add(r.s, r.args)
	}
	r.args = nil
	switch rc {
	case sqlite3.SQLITE_ROW:
		r.row = true
		return true
	case sqlite3.SQLITE_DONE:
	default:
		r.err = r.tx.note(r.s.c.fail(rc, r.s.sql))
	}
	r.Close()
	return false
}

// Err is the error that ended the walk, nil after a complete one.
func (r *Rows) Err() error { return r.err }

// Close ends the walk. It may be called more than once; after the last row
// and after an error it has happened already.
func (r *Rows) Close() {
	if r.s == nil {
		return
	}
	r.s.reset()
	r.s, r.row = nil, false
	r.tx.forget(r)
}

func (r *Rows) handle() uintptr {
	if !r.row {
		panic("sqlite: column read without a current row")
	}
	return r.s.handle
}

// RawBytes is column i as bytes in SQLite's memory, valid until the next
// call of Next or Close. It must not be written to.
func (r *Rows) RawBytes(i int) []byte {
	h := r.handle()
	tls := r.s.c.tls
	// For text this is the text, without the copy that adds a final zero.
	p := sqlite3.Xsqlite3_column_blob(tls, h, int32(i))
	n := int(sqlite3.Xsqlite3_column_bytes(tls, h, int32(i)))
	if p == 0 || n == 0 {
		return nil
	}
	return bytesAt(p, n)
}

// Text is column i as a string.
func (r *Rows) Text(i int) string { return string(r.RawBytes(i)) }

// Blob is a copy of column i: nil for NULL, not nil for an empty blob.
func (r *Rows) Blob(i int) []byte {
	raw := r.RawBytes(i)
	if raw == nil && r.IsNull(i) {
		return nil
	}
	return append(make([]byte, 0, len(raw)), raw...)
}

// Int64 is column i as an integer.
func (r *Rows) Int64(i int) int64 {
	h := r.handle()
	return sqlite3.Xsqlite3_column_int64(r.s.c.tls, h, int32(i))
}

// Float64 is column i as a floating-point number.
func (r *Rows) Float64(i int) float64 {
	h := r.handle()
	return sqlite3.Xsqlite3_column_double(r.s.c.tls, h, int32(i))
}

// Bool is whether column i is a number other than 0.
func (r *Rows) Bool(i int) bool { return r.Int64(i) != 0 }

// IsNull is whether column i is NULL.
func (r *Rows) IsNull(i int) bool {
	h := r.handle()
	return sqlite3.Xsqlite3_column_type(r.s.c.tls, h, int32(i)) == sqlite3.SQLITE_NULL
}

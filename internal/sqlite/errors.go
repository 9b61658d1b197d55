package sqlite

import (
	"errors"
	"strconv"
	"syscall"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

var (
	// ErrClosed is returned by calls that come after Close.
	ErrClosed = errors.New("sqlite: the database is closed")
	// ErrLocked is wrapped by Open's error when another process (or another
	// Open in this one) holds the database.
	ErrLocked = errors.New("database is in use")
	// ErrTxDone is returned by a Tx that is used after its function returned.
	ErrTxDone = errors.New("sqlite: the transaction has ended")
)

// Error is a failure reported by SQLite.
type Error struct {
	Code    int    // extended result code, https://www.sqlite.org/rescode.html
	Message string // SQLite's text, such as "UNIQUE constraint failed: job.id"
	SQL     string // the statement, empty if there was none
}

// Error gives SQLite's text and code. The statement is left out: it can be
// long, and its values never belong in a log.
func (e *Error) Error() string {
	return "sqlite: " + e.Message + " (" + strconv.Itoa(e.Code) + ")"
}

// Unwrap is the operating system's error behind a failure of the disk, nil if
// it is another one.
func (e *Error) Unwrap() error {
	switch e.Code & 0xff {
	case sqlite3.SQLITE_FULL:
		return syscall.ENOSPC
	case sqlite3.SQLITE_READONLY:
		return syscall.EROFS
	case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN:
		return syscall.EIO
	}
	return nil
}

func primary(err error) int {
	var e *Error
	if !errors.As(err, &e) {
		return sqlite3.SQLITE_OK
	}
	return e.Code & 0xff
}

func extended(err error) int {
	var e *Error
	if !errors.As(err, &e) {
		return sqlite3.SQLITE_OK
	}
	return e.Code
}

// IsConstraint reports a violated constraint of any kind: UNIQUE, PRIMARY
// KEY, FOREIGN KEY, CHECK, NOT NULL or a trigger's RAISE.
func IsConstraint(err error) bool { return primary(err) == sqlite3.SQLITE_CONSTRAINT }

// IsUnique reports a violated UNIQUE or PRIMARY KEY constraint.
func IsUnique(err error) bool {
	switch extended(err) {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_ROWID:
		return true
	}
	return false
}

// IsForeignKey reports a violated FOREIGN KEY constraint.
func IsForeignKey(err error) bool {
	return extended(err) == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY
}

// IsFull reports that the disk, or the database's page limit, is full.
func IsFull(err error) bool { return primary(err) == sqlite3.SQLITE_FULL }

// IsReadOnly reports a write to a database, a file system or a View that
// cannot be written.
func IsReadOnly(err error) bool { return primary(err) == sqlite3.SQLITE_READONLY }

// IsIO reports that the operating system failed to open, read, write or sync
// a file of the database.
func IsIO(err error) bool {
	p := primary(err)
	return p == sqlite3.SQLITE_IOERR || p == sqlite3.SQLITE_CANTOPEN
}

// IsCorrupt reports a file that is damaged or is no SQLite database.
func IsCorrupt(err error) bool {
	p := primary(err)
	return p == sqlite3.SQLITE_CORRUPT || p == sqlite3.SQLITE_NOTADB
}

// fail makes the error for a result code of the last call on c.
func (c *conn) fail(rc int32, sql string) error {
	e := &Error{Code: int(rc), SQL: sql}
	if c.db != 0 && sqlite3.Xsqlite3_extended_errcode(c.tls, c.db) == rc {
		e.Message = libc.GoString(sqlite3.Xsqlite3_errmsg(c.tls, c.db))
	} else {
		e.Message = libc.GoString(sqlite3.Xsqlite3_errstr(c.tls, rc))
	}
	return e
}

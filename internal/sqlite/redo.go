package sqlite

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math"
	"os"
)

// redoLog is a file beside the database. It holds the statements of groups of
// updates that SQLite has not committed yet: a record a group, written and
// synced before its calls return. Rows that many calls change one after the
// other are so written to SQLite's own log once, not once a group.
//
// A record names the epoch, which is new with each Open, and its number in it.
// SQLite's transaction holds the number of the last group that it commits, so
// that records are replayed exactly once. After a commit the file is written
// from its start again.
//
// The log belongs to the writer's goroutine.
type redoLog struct {
	file  *os.File
	epoch int64
	// applied is the number of the last record that SQLite has committed, seq
	// of the newest, also of one that could not be written.
	applied, seq int64
	written      int64 // number of the last record that is in the file
	at           int64 // where the next one goes
	entry        entries
	fault        func() error // a test's, in place of the sync
}

const (
	redoHeader = 4 + 4 + 8 + 8 // length, checksum, epoch, number
	// redoBytes is the length of the log at which SQLite commits.
	redoBytes = 8 << 20
	// maxRecord is what no record exceeds: a longer group is committed.
	maxRecord = 4 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func redoPath(path string) string { return path + "-redo" }

// recoverRedo replays what a crash left in the log and empties it.
// It does nothing to a database that never had one.
func recoverRedo(c *conn, path string) (records int, err error) {
	file, err := os.OpenFile(redoPath(path), os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer file.Close()
	epoch, applied, err := redoState(c)
	if err != nil || epoch == 0 { // the file is another database's
		return 0, err
	}
	if err := c.run("BEGIN IMMEDIATE"); err != nil {
		return 0, err
	}
	records, err = replayFile(c, file, math.MaxInt64, epoch, applied)
	if err == nil {
		err = markRedo(c, 0, 0)
	}
	if err == nil {
		err = c.run("COMMIT")
	}
	if err != nil {
		if c.inTransaction() {
			err = errors.Join(err, c.run("ROLLBACK"))
		}
		return 0, fmt.Errorf("replay %s: %w", redoPath(path), err)
	}
	return records, file.Truncate(0)
}

// openRedo makes the log of a database whose old one is replayed.
func openRedo(c *conn, path string, epoch int64) (*redoLog, error) {
	if err := c.script(`CREATE TABLE IF NOT EXISTS redo_log (
		id      INTEGER PRIMARY KEY CHECK (id = 1),
		epoch   INTEGER NOT NULL,
		applied INTEGER NOT NULL
	) STRICT`); err != nil {
		return nil, err
	}
	if err := markRedo(c, epoch, 0); err != nil {
		return nil, err
	}
	name := redoPath(path)
	if err := createFile(name); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	return &redoLog{file: file, epoch: epoch}, nil
}

// redoState is what the database knows of its log; zeros if it has none.
func redoState(c *conn) (epoch, applied int64, err error) {
	err = view(c, func(tx *Tx) error {
		if r, ok := tx.QueryRow(`SELECT 1 FROM sqlite_schema WHERE name = 'redo_log'`); !ok {
			return r.Err()
		}
		r, ok := tx.QueryRow(`SELECT epoch, applied FROM redo_log WHERE id = 1`)
		if ok {
			epoch, applied = r.Int64(0), r.Int64(1)
		}
		return r.Err()
	})
	return epoch, applied, err
}

// markRedo notes in the open transaction, or in one of its own, which records
// it makes needless.
func markRedo(c *conn, epoch, applied int64) error {
	s, err := c.statement(`INSERT INTO redo_log (id, epoch, applied) VALUES (1, ?, ?)
		ON CONFLICT (id) DO UPDATE SET epoch = excluded.epoch, applied = excluded.applied`)
	if err != nil {
		return err
	}
	return s.exec([]any{epoch, applied})
}

// append makes the group's statements durable. If that fails the record is
// void: its calls may fail, and then no start may replay them.
func (l *redoLog) append() error {
	err := l.write()
	if err != nil {
		var void [redoHeader]byte
		_, voidErr := l.file.WriteAt(void[:], l.at)
		err = errors.Join(err, voidErr)
	}
	return err
}

func (l *redoLog) write() error {
	l.seq++
	record := l.entry.buf
	binary.LittleEndian.PutUint32(record, uint32(len(record)-redoHeader))
	binary.LittleEndian.PutUint64(record[8:], uint64(l.epoch))
	binary.LittleEndian.PutUint64(record[16:], uint64(l.seq))
	binary.LittleEndian.PutUint32(record[4:], crc32.Checksum(record[8:], castagnoli))
	if _, err := l.file.WriteAt(record, l.at); err != nil {
		return err
	}
	sync := func() error { return syncData(l.file) }
	if l.fault != nil {
		sync = l.fault
	}
	if err := sync(); err != nil {
		return err
	}
	l.at += int64(len(record))
	l.written = l.seq
	return nil
}

// replay runs the statements of the records again, in the open transaction.
func (l *redoLog) replay(c *conn) error {
	n, err := replayFile(c, l.file, l.at, l.epoch, l.applied)
	if err == nil && l.applied+int64(n) < l.written {
		err = fmt.Errorf("%s holds %d of %d records", l.file.Name(), n, l.written-l.applied)
	}
	return err
}

// close removes a log that holds nothing.
func (l *redoLog) close(empty bool) error {
	err := l.file.Close()
	if empty {
		err = errors.Join(err, os.Remove(l.file.Name()))
	}
	return err
}

// replayFile runs the records of the epoch that come after number applied, up
// to the first that is not whole.
func replayFile(c *conn, file io.ReaderAt, end, epoch, applied int64) (records int, err error) {
	err = eachRecord(file, end, epoch, func(seq int64, statements []byte) (bool, error) {
		if seq != applied+int64(records)+1 {
			return false, nil // of before the last commit
		}
		if err := replayEntries(c, statements); err != nil {
			return false, fmt.Errorf("record %d: %w", seq, err)
		}
		records++
		return true, nil
	})
	return records, err
}

// newestRecord is the number of the last record in the file, applied if there
// is none that comes later.
func newestRecord(file io.ReaderAt, epoch, applied int64) (int64, error) {
	newest := applied
	err := eachRecord(file, math.MaxInt64, epoch, func(seq int64, _ []byte) (bool, error) {
		later := seq == newest+1 || newest == applied && seq > applied
		if later {
			newest = seq
		}
		return later, nil
	})
	return newest, err
}

// eachRecord visits the records of the epoch before offset end, up to the
// first that is not whole.
func eachRecord(file io.ReaderAt, end, epoch int64, visit func(seq int64, statements []byte) (more bool, err error)) error {
	var header [redoHeader]byte
	for at := int64(0); at < end; {
		if _, err := file.ReadAt(header[:], at); err != nil {
			return atEnd(err)
		}
		n := int64(binary.LittleEndian.Uint32(header[:]))
		if int64(binary.LittleEndian.Uint64(header[8:])) != epoch || n > maxRecord {
			return nil
		}
		body := make([]byte, redoHeader-8+n)
		if _, err := file.ReadAt(body, at+8); err != nil {
			return atEnd(err)
		}
		if crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(header[4:]) {
			return nil
		}
		more, err := visit(int64(binary.LittleEndian.Uint64(header[16:])), body[redoHeader-8:])
		if err != nil || !more {
			return err
		}
		at += redoHeader + n
	}
	return nil
}

func atEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

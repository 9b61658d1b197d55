package sqlite

import (
	"errors"
	"os"
	"syscall"

	sqlite3 "modernc.org/sqlite/lib"
)

// dataSync makes the log durable without the times of its file, which cost a
// commit of the file system's journal.
func (w *walFile) dataSync() (rc int32, ok bool) {
	fd := (*sqlite3.TunixFile)(ptr(w.file)).Fh
	fdatasync := syscall.Fdatasync
	if w.fault != nil {
		fdatasync = w.fault
	}
	for {
		err := fdatasync(int(fd))
		switch {
		case err == nil:
			return sqlite3.SQLITE_OK, true
		case !errors.Is(err, syscall.EINTR):
			return sqlite3.SQLITE_IOERR_FSYNC, true
		}
	}
}

// syncData makes what was written to the file durable.
func syncData(f *os.File) error {
	for {
		err := syscall.Fdatasync(int(f.Fd()))
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

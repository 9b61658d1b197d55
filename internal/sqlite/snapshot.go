package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// Snapshot runs fn on one state of the database at path, which must exist, and
// changes nothing. If another process has the database open, it is read beside
// that one, whose log cannot start anew meanwhile; else it is locked until fn
// returns, so that nobody begins to write.
func Snapshot(ctx context.Context, path string, fn func(*Tx) error) (err error) {
	if _, err := os.Stat(path); err != nil {
		return err
	}
	switch lock, err := lockFile(path); {
	case err == nil:
		defer lock.Close()
	case !errors.Is(err, ErrLocked):
		return err
	}
	// Not read-only: a log that a crash has left is recovered by the first
	// connection.
	c, err := openConn(path, false, readerCacheKiB)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	if err := c.script(`PRAGMA query_only = ON`); err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return view(c, fn)
}

package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

const (
	// publishWithin is how long a process with a redo log may take to commit
	// what it holds; it does so every commitAfter.
	publishWithin = 10 * time.Second
	publishLook   = 10 * time.Millisecond
)

// Snapshot runs fn on one state of the database at path, which must exist, and
// changes nothing. If another process has the database open, it is read beside
// that one, whose log cannot start anew meanwhile; else it is locked until fn
// returns, so that nobody begins to write. The state is at least as new as the
// last Update that had returned before.
func Snapshot(ctx context.Context, path string, fn func(*Tx) error) (err error) {
	if _, err := os.Stat(path); err != nil {
		return err
	}
	lock, err := lockFile(path)
	if err != nil && !errors.Is(err, ErrLocked) {
		return err
	}
	alone := err == nil
	if alone {
		defer func() { err = errors.Join(err, unlockFile(lock)) }()
	}
	// Not read-only: a log that a crash has left is recovered by the first
	// connection.
	c, err := openConn(path, false, readerCacheKiB)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	if alone {
		_, err = recoverRedo(c, path)
	} else {
		err = awaitPublished(ctx, c, path)
	}
	if err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	if err := c.script(`PRAGMA query_only = ON`); err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return view(c, fn)
}

// awaitPublished waits until the process that has the database open has
// committed what its redo log holds now.
func awaitPublished(ctx context.Context, c *conn, path string) error {
	file, err := os.Open(redoPath(path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	epoch, applied, err := redoState(c)
	if err != nil {
		return err
	}
	newest, err := newestRecord(file, epoch, applied)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, publishWithin, errors.New("the process that has the database open does not commit its redo log"))
	defer cancel()
	for applied < newest {
		select {
		case <-time.After(publishLook):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		now, done, err := redoState(c)
		if err != nil {
			return err
		}
		if now != epoch {
			break // started again, and replayed before
		}
		applied = done
	}
	return nil
}

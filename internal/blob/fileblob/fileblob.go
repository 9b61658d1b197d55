package fileblob

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"penstock/internal/blob"
	"penstock/internal/sqlite"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store is the embedded object store. It implements [blob.Backend] and
// [blob.Notifier].
type Store struct {
	db    *sqlite.DB
	files *files
	now   func() time.Time
	log   *slog.Logger
	seq   atomic.Int64 // last number given to a version or upload

	hooks struct {
		sync.RWMutex
		put []func(blob.Written)
	}

	wake chan struct{} // there may be trash
	stop context.CancelFunc
	done sync.WaitGroup
}

var (
	_ blob.Backend  = (*Store)(nil)
	_ blob.Notifier = (*Store)(nil)
)

// Options of Open; nil means defaults.
type Options struct {
	Now    func() time.Time // time.Now
	Logger *slog.Logger     // none
	// Readers is the number of index connections for reading (default 2).
	Readers int
}

// Open opens the store in dir, which is created when absent. One process at a
// time may hold it.
func Open(dir string, o *Options) (*Store, error) {
	if o == nil {
		o = &Options{}
	}
	s := &Store{now: o.Now, log: o.Logger, wake: make(chan struct{}, 1)}
	if s.now == nil {
		s.now = time.Now
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("fileblob: %w", err)
	}
	scripts, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	readers := o.Readers
	if readers == 0 {
		readers = 2
	}
	// The index comes first: its lock keeps a second process from the files.
	s.db, err = sqlite.Open(filepath.Join(dir, "index.db"), sqlite.Options{
		Readers: readers, Migrations: scripts, Logger: s.log,
	})
	if err != nil {
		return nil, fmt.Errorf("fileblob: %w", err)
	}
	s.files, err = openFiles(dir)
	if err != nil {
		s.db.Close()
		return nil, fmt.Errorf("fileblob: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	err = s.db.View(ctx, func(tx *sqlite.Tx) error {
		r, ok := tx.QueryRow(`SELECT max(ifnull((SELECT max(seq) FROM version), 0), ifnull((SELECT max(seq) FROM upload), 0))`)
		if ok {
			s.seq.Store(r.Int64(0))
		}
		return r.Err()
	})
	if err != nil {
		stop()
		s.files.close()
		s.db.Close()
		return nil, fmt.Errorf("fileblob: %w", err)
	}
	s.done.Go(func() { s.clean(ctx) })
	return s, nil
}

// Close waits for the cleaner and closes the index. Calls and readers must
// have ended.
func (s *Store) Close() error {
	s.stop()
	s.done.Wait()
	err := s.db.Close()
	s.files.close()
	return err
}

// OnPut implements [blob.Notifier].
func (s *Store) OnPut(fn func(w blob.Written)) {
	s.hooks.Lock()
	defer s.hooks.Unlock()
	s.hooks.put = append(s.hooks.put, fn)
}

func (s *Store) announce(b bucketRow, info *blob.Info, operation string) {
	s.hooks.RLock()
	defer s.hooks.RUnlock()
	for _, fn := range s.hooks.put {
		fn(blob.Written{Info: *info, Owner: b.Owner, Region: b.Region, Operation: operation})
	}
}

// stamp is the time of a write, in the precision that the index keeps.
func (s *Store) stamp() time.Time { return s.now().UTC().Truncate(time.Millisecond) }

func fromMillis(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// Package actionlog keeps what actions print: in a spool file while the action
// runs, so that it can be read along, and in the artifact store afterwards.
package actionlog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"sync"
	"time"

	"penstock/internal/blob"
)

// Bucket is the bucket of finished logs in the embedded store. It belongs to no
// account: only this package reads it, for callers who may see the pipeline.
const Bucket = "penstock-action-logs"

// Owner of the bucket; an account would have 12 digits.
const Owner = "penstock"

// Logs keeps the logs of action executions.
type Logs struct {
	spool  *os.Root
	store  blob.Store
	bucket string
	every  time.Duration // 0 = logs are stored when they end, see Share

	mu     sync.Mutex
	live   map[string]*open   // by action execution
	notice map[string]*notice // of the logs that somebody waits for
}

// open is a log that is written.
type open struct {
	writers   int
	publisher *publisher // nil when logs are not shared
}

// notice is for those who wait for a log to grow or end.
type notice struct {
	c       chan struct{} // closed when it does
	readers int
}

// Open returns logs that spool in the folder and end up in the bucket.
func Open(folder string, store blob.Store, bucket string) (*Logs, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	return &Logs{spool: root, store: store, bucket: bucket, live: map[string]*open{}, notice: map[string]*notice{}}, nil
}

// Close closes the spool folder.
func (l *Logs) Close() error { return l.spool.Close() }

// Recover makes the bucket, so that nobody else does, and stores the logs whose
// writers died with an earlier process; call it before the first writer. A log
// whose action runs again is taken back from the store.
func (l *Logs) Recover(ctx context.Context) error {
	if err := l.ensureBucket(ctx); err != nil {
		return err
	}
	dir, err := l.spool.Open(".")
	if err != nil {
		return err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return err
	}
	for _, id := range names {
		if !idPattern.MatchString(id) {
			continue
		}
		old, err := l.outdated(ctx, id)
		if err != nil {
			return err
		}
		if old {
			err = l.spool.Remove(id)
		} else {
			err = l.finish(ctx, id, nil)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// IsKey reports whether an object in the bucket of logs can be one of them, or a
// part of one.
func IsKey(key string) bool { return keyPattern.MatchString(key) }

var keyPattern = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(/[0-9a-f]{16}-[A-Z2-7]{8})?$`)

var idPattern = regexp.MustCompile(`^[0-9a-f-]{36}$`)

// Writer opens the log of an action execution. Closing it moves the log to the
// artifact store; a later writer of the same action goes on behind its end.
func (l *Logs) Writer(ctx context.Context, id string) (io.WriteCloser, error) {
	if !idPattern.MatchString(id) {
		return nil, fmt.Errorf("actionlog: bad action execution id %q", id)
	}
	f, err := l.spool.OpenFile(id, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	if err := l.restore(ctx, id, f); err != nil {
		f.Close()
		return nil, err
	}
	ctx = context.WithoutCancel(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	o := l.live[id]
	if o == nil {
		o = &open{}
		if l.every > 0 {
			o.publisher = l.publish(ctx, id)
		}
		l.live[id] = o
	}
	o.writers++
	return &writer{l: l, id: id, f: f, o: o, ctx: ctx}, nil
}

// restore puts the stored log of an earlier run in front.
func (l *Logs) restore(ctx context.Context, id string, f *os.File) error {
	if st, err := f.Stat(); err != nil || st.Size() > 0 {
		return err
	}
	old, _, _, err := l.stored(ctx, id, 0)
	if err != nil || old == nil {
		return err
	}
	defer old.Close()
	_, err = io.Copy(f, old)
	return err
}

type writer struct {
	l   *Logs
	id  string
	f   *os.File
	o   *open
	ctx context.Context
}

func (w *writer) Write(p []byte) (int, error) {
	n, err := w.f.Write(p)
	w.l.announce(w.id)
	if w.o.publisher != nil {
		w.o.publisher.grown()
	}
	return n, err
}

func (w *writer) Close() error {
	err := w.f.Close()
	w.l.mu.Lock()
	w.o.writers--
	last := w.o.writers == 0
	if last {
		delete(w.l.live, w.id)
	}
	w.l.mu.Unlock()
	if last {
		var versions map[string]string
		if w.o.publisher != nil {
			w.o.publisher.stop()
			versions = w.o.publisher.versions
		}
		err = errors.Join(err, w.l.finish(w.ctx, w.id, versions))
	}
	w.l.announce(w.id)
	return err
}

// finish moves a log from the spool to the store; versions are those of its
// parts as far as they are known.
func (l *Logs) finish(ctx context.Context, id string, versions map[string]string) error {
	f, err := l.spool.Open(id)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := l.ensureBucket(ctx); err != nil {
		return err
	}
	o := &blob.PutOptions{}
	o.ContentType = "text/plain; charset=utf-8"
	if _, err := l.store.Put(ctx, l.bucket, id, f, o); err != nil {
		return err
	}
	if err := l.removeParts(ctx, id, versions); err != nil {
		return err
	}
	return l.spool.Remove(id) // last: what is in the spool is finished after a crash
}

func (l *Logs) ensureBucket(ctx context.Context) error {
	return l.store.EnsureBucket(ctx, l.bucket, &blob.BucketOptions{Owner: Owner})
}

func (l *Logs) announce(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := l.notice[id]; n != nil {
		close(n.c)
		delete(l.notice, id)
	}
}

// follow returns the notice of the next change of the log; leave gives it back.
func (l *Logs) follow(id string) *notice {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.notice[id]
	if n == nil {
		n = &notice{c: make(chan struct{})}
		l.notice[id] = n
	}
	n.readers++
	return n
}

func (l *Logs) leave(id string, n *notice) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n.readers--; n.readers == 0 && l.notice[id] == n {
		delete(l.notice, id)
	}
}

// Chunk is a piece of a log.
type Chunk struct {
	Content []byte
	Next    int64 // offset behind Content
	Ended   bool  // nothing follows unless the action runs again
}

// Read returns at most max bytes of the log from the offset. When there are
// none yet it waits up to wait for some. An action that has written nothing
// has an empty log.
func (l *Logs) Read(ctx context.Context, id string, offset int64, max int, wait time.Duration) (Chunk, error) {
	waiting, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for {
		c, err := l.step(ctx, waiting.Done(), id, offset, max)
		if err != nil || len(c.Content) > 0 || c.Ended || wait <= 0 {
			return c, err
		}
		if waiting.Err() != nil {
			return c, ctx.Err()
		}
	}
}

// step reads, and when there is nothing waits until there may be, or until over
// is closed.
func (l *Logs) step(ctx context.Context, over <-chan struct{}, id string, offset int64, max int) (Chunk, error) {
	n := l.follow(id)
	defer l.leave(id, n)
	c, err := l.read(ctx, id, offset, max)
	if err != nil || len(c.Content) > 0 || c.Ended {
		return c, err
	}
	var elsewhere <-chan time.Time
	if l.every > 0 {
		timer := time.NewTimer(lookAgain)
		defer timer.Stop()
		elsewhere = timer.C
	}
	select {
	case <-n.c:
	case <-over:
	case <-elsewhere:
	}
	return c, nil
}

func (l *Logs) read(ctx context.Context, id string, offset int64, max int) (Chunk, error) {
	c := Chunk{Next: offset}
	if !idPattern.MatchString(id) {
		return c, fmt.Errorf("actionlog: bad action execution id %q", id)
	}
	var r io.Reader
	f, err := l.spool.Open(id)
	switch {
	case err == nil:
		defer f.Close()
		r = io.NewSectionReader(f, offset, int64(max))
	case errors.Is(err, fs.ErrNotExist):
		o, size, running, err := l.stored(ctx, id, offset)
		if err != nil || o == nil {
			return c, err
		}
		defer o.Close()
		c.Ended = !running && offset+int64(max) >= size
		r = io.LimitReader(o, int64(max))
	default:
		return c, err
	}
	c.Content, err = io.ReadAll(r)
	c.Next += int64(len(c.Content))
	if blob.IsNotFound(err) { // a part gave way to the whole log
		err = nil
	}
	return c, err
}

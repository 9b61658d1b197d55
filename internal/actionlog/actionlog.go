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

// owner of the bucket; an account would have 12 digits.
const owner = "penstock"

// Logs keeps the logs of action executions.
type Logs struct {
	spool  *os.Root
	store  blob.Store
	bucket string

	mu     sync.Mutex
	live   map[string]int     // open writers by action execution
	notice map[string]*notice // of the logs that somebody waits for
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
	return &Logs{spool: root, store: store, bucket: bucket, live: map[string]int{}, notice: map[string]*notice{}}, nil
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
		if idPattern.MatchString(id) {
			if err := l.finish(ctx, id); err != nil {
				return err
			}
		}
	}
	return nil
}

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
	l.mu.Lock()
	l.live[id]++
	l.mu.Unlock()
	return &writer{l: l, id: id, f: f, ctx: context.WithoutCancel(ctx)}, nil
}

// restore puts the stored log of an earlier run in front.
func (l *Logs) restore(ctx context.Context, id string, f *os.File) error {
	if st, err := f.Stat(); err != nil || st.Size() > 0 {
		return err
	}
	old, err := l.store.Get(ctx, l.bucket, id, nil)
	if blob.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer old.Body.Close()
	_, err = io.Copy(f, old.Body)
	return err
}

type writer struct {
	l   *Logs
	id  string
	f   *os.File
	ctx context.Context
}

func (w *writer) Write(p []byte) (int, error) {
	n, err := w.f.Write(p)
	w.l.announce(w.id)
	return n, err
}

func (w *writer) Close() error {
	err := w.f.Close()
	w.l.mu.Lock()
	w.l.live[w.id]--
	last := w.l.live[w.id] == 0
	if last {
		delete(w.l.live, w.id)
	}
	w.l.mu.Unlock()
	if last {
		err = errors.Join(err, w.l.finish(w.ctx, w.id))
	}
	w.l.announce(w.id)
	return err
}

// finish moves a log from the spool to the store.
func (l *Logs) finish(ctx context.Context, id string) error {
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
	return l.spool.Remove(id)
}

func (l *Logs) ensureBucket(ctx context.Context) error {
	return l.store.EnsureBucket(ctx, l.bucket, &blob.BucketOptions{Owner: owner})
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
	select {
	case <-n.c:
	case <-over:
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
		o, err := l.store.Get(ctx, l.bucket, id, nil)
		if blob.IsNotFound(err) {
			return c, nil
		}
		if err != nil {
			return c, err
		}
		defer o.Body.Close()
		c.Ended = offset+int64(max) >= o.Size
		if _, err := io.CopyN(io.Discard, o.Body, offset); err == io.EOF {
			return c, nil
		} else if err != nil {
			return c, err
		}
		r = io.LimitReader(o.Body, int64(max))
	default:
		return c, err
	}
	c.Content, err = io.ReadAll(r)
	c.Next += int64(len(c.Content))
	return c, err
}

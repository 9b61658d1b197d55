package actionlog

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"
	"sync"
	"time"

	"penstock/internal/blob"
)

// lookAgain is how often a log that grows on another node is looked at while
// somebody waits for it.
const lookAgain = time.Second

// Share lets the nodes that share the bucket read along, and go on with the log
// of an action whose node has died: what a running action prints is stored at
// least every so often, in parts that are removed when the whole log is stored.
// Call it before the first writer.
func (l *Logs) Share(every time.Duration) { l.every = every }

// partKey names a writer's part that begins at the offset. Keys sort by offsets.
// No key is used twice, so that a part can be removed from a bucket with
// versions without an older one coming to light.
func partKey(id string, offset int64, writer string) string {
	return fmt.Sprintf("%s/%016x-%s", id, offset, writer)
}

func partOffset(key string) (int64, error) {
	_, name, _ := strings.Cut(key, "/")
	digits, _, _ := strings.Cut(name, "-")
	return strconv.ParseInt(digits, 16, 64)
}

// publisher stores the parts of one log while it is written.
type publisher struct {
	l        *Logs
	id, name string // of the log, and of this writer
	wake     chan struct{}
	stopped  chan struct{}
	ended    sync.WaitGroup
	offset   int64             // what is stored
	versions map[string]string // of the parts
}

func (l *Logs) publish(ctx context.Context, id string) *publisher {
	p := &publisher{l: l, id: id, name: rand.Text()[:8], wake: make(chan struct{}, 1), stopped: make(chan struct{}), versions: map[string]string{}}
	p.ended.Go(func() { p.run(ctx) })
	return p
}

func (p *publisher) run(ctx context.Context) {
	for {
		select {
		case <-p.stopped:
			return
		case <-p.wake:
		}
		// A part that cannot be stored now is stored with the next, or with
		// the whole log.
		_ = p.part(ctx)
		pause := time.NewTimer(p.l.every)
		select {
		case <-p.stopped:
			pause.Stop()
			return
		case <-pause.C:
		}
	}
}

// grown says that there is more to store.
func (p *publisher) grown() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// part stores what was written since the last part.
func (p *publisher) part(ctx context.Context) error {
	f, err := p.l.spool.Open(p.id)
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil || st.Size() <= p.offset {
		return err
	}
	key := partKey(p.id, p.offset, p.name)
	info, err := p.l.store.Put(ctx, p.l.bucket, key, io.NewSectionReader(f, p.offset, st.Size()-p.offset), &blob.PutOptions{})
	if err == nil {
		p.offset, p.versions[key] = st.Size(), info.VersionID
	}
	return err
}

// stop waits for the part that is being stored.
func (p *publisher) stop() {
	close(p.stopped)
	p.ended.Wait()
}

// parts returns the parts of a log in order.
func (l *Logs) parts(ctx context.Context, id string) ([]blob.Info, error) {
	if l.every <= 0 {
		return nil, nil
	}
	var all []blob.Info
	opt := &blob.ListOptions{Prefix: id + "/"}
	for {
		page, err := l.store.List(ctx, l.bucket, opt)
		if blob.IsNotFound(err) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		all = append(all, page.Objects...)
		if opt.After = page.Next; opt.After == "" {
			return all, nil
		}
	}
}

// removeParts removes the parts of a log that is stored as a whole.
func (l *Logs) removeParts(ctx context.Context, id string, versions map[string]string) error {
	parts, err := l.parts(ctx, id)
	for _, p := range parts {
		err = errors.Join(err, l.removePart(ctx, p.Key, versions[p.Key]))
	}
	return err
}

func (l *Logs) removePart(ctx context.Context, key, version string) error {
	if version == "" { // of a writer that died
		info, err := l.store.Head(ctx, l.bucket, key, nil)
		if blob.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		version = info.VersionID
	}
	_, err := l.store.Delete(ctx, l.bucket, key, &blob.DeleteOptions{VersionID: version})
	return err
}

// stored opens what the store has of a log from the offset on: its parts while
// it is written somewhere, else the whole. nil when there is nothing.
func (l *Logs) stored(ctx context.Context, id string, offset int64) (r io.ReadCloser, size int64, running bool, err error) {
	parts, err := l.parts(ctx, id)
	if err != nil {
		return nil, 0, false, err
	}
	if len(parts) > 0 {
		for _, p := range parts {
			begin, err := partOffset(p.Key)
			if err != nil {
				return nil, 0, false, err
			}
			size = max(size, begin+p.Size)
		}
		return &partReader{l: l, ctx: ctx, parts: parts, offset: offset}, size, true, nil
	}
	o, err := l.store.Get(ctx, l.bucket, id, nil)
	if blob.IsNotFound(err) {
		return nil, 0, false, nil
	}
	if err != nil {
		return nil, 0, false, err
	}
	if _, err := io.CopyN(io.Discard, o.Body, min(offset, o.Size)); err != nil {
		return nil, 0, false, errors.Join(err, o.Body.Close())
	}
	return o.Body, o.Size, false, nil
}

// partReader reads parts one behind the other, from an offset of the log.
type partReader struct {
	l      *Logs
	ctx    context.Context
	parts  []blob.Info
	offset int64
	body   io.ReadCloser
}

// Read implements io.Reader.
func (r *partReader) Read(p []byte) (int, error) {
	for {
		if r.body == nil {
			if err := r.next(); err != nil {
				return 0, err
			}
		}
		n, err := r.body.Read(p)
		r.offset += int64(n)
		if err == io.EOF {
			err = r.body.Close()
			r.body = nil
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// next opens the part that the offset is in.
func (r *partReader) next() error {
	for len(r.parts) > 0 {
		part := r.parts[0]
		r.parts = r.parts[1:]
		begin, err := partOffset(part.Key)
		if err != nil {
			return err
		}
		if r.offset >= begin+part.Size {
			continue
		}
		o, err := r.l.store.Get(r.ctx, r.l.bucket, part.Key, nil)
		if err != nil {
			return err
		}
		r.body = o.Body
		_, err = io.CopyN(io.Discard, r.body, r.offset-begin)
		return err
	}
	return io.EOF
}

// Close implements io.Closer.
func (r *partReader) Close() error {
	if r.body == nil {
		return nil
	}
	return r.body.Close()
}

// outdated reports whether another node has gone on with a log that an earlier
// process left in the spool.
func (l *Logs) outdated(ctx context.Context, id string) (bool, error) {
	if l.every <= 0 {
		return false, nil
	}
	st, err := l.spool.Stat(id)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	r, size, running, err := l.stored(ctx, id, 0)
	if err != nil || r == nil {
		return false, err
	}
	return !running || size > st.Size(), r.Close()
}

package fileblob

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"

	"penstock/internal/blob"
	"penstock/internal/sqlite"
)

// opened is a version with the files of its content.
type opened struct {
	info    blob.Info
	content []piece
}

func (s *Store) look(ctx context.Context, bucket, key, version string) (opened, error) {
	var o opened
	err := s.db.View(ctx, func(tx *sqlite.Tx) error {
		b, err := findBucket(tx, bucket)
		if err != nil {
			return err
		}
		v, err := find(tx, b, key, version)
		if err != nil {
			return err
		}
		multipart, err := v.unpack()
		if err != nil {
			return err
		}
		if o.content, err = pieces(tx, v.seq); err != nil {
			return err
		}
		o.info = v.info
		if multipart {
			for _, p := range o.content {
				o.info.Parts = append(o.info.Parts, p.size)
			}
		}
		return nil
	})
	return o, err
}

// Head implements [blob.Store].
func (s *Store) Head(ctx context.Context, bucket, key string, want *blob.GetOptions) (blob.Info, error) {
	if want == nil {
		want = &blob.GetOptions{}
	}
	o, err := s.look(ctx, bucket, key, want.VersionID)
	if err != nil {
		return blob.Info{}, err
	}
	_, _, err = want.Window(&o.info)
	return o.info, err
}

// Get implements [blob.Store].
func (s *Store) Get(ctx context.Context, bucket, key string, want *blob.GetOptions) (*blob.Object, error) {
	if want == nil {
		want = &blob.GetOptions{}
	}
	for {
		o, err := s.look(ctx, bucket, key, want.VersionID)
		if err != nil {
			return nil, err
		}
		offset, length, err := want.Window(&o.info)
		if err != nil {
			return nil, err
		}
		body, err := s.open(o.content, offset, length)
		if errors.Is(err, errGone) {
			continue // deleted since the index was read: ask it again
		}
		if err != nil {
			return nil, err
		}
		return &blob.Object{Info: o.info, Offset: offset, Length: length, Body: body}, nil
	}
}

// errGone says that files belong to a version that was deleted meanwhile.
var errGone = errors.New("fileblob: version was deleted")

// reader yields length bytes of pieces, opening one file at a time.
type reader struct {
	s      *Store
	all    []piece // acquired
	rest   []piece
	offset int64 // in rest[0]
	left   int64
	file   *os.File
	closed bool
}

func (s *Store) open(content []piece, offset, length int64) (*reader, error) {
	if !s.files.acquire(content) {
		return nil, errGone
	}
	r := &reader{s: s, all: content, rest: content, offset: offset, left: length}
	for len(r.rest) > 0 && r.offset >= r.rest[0].size {
		r.offset -= r.rest[0].size
		r.rest = r.rest[1:]
	}
	if err := r.ready(); err != nil && err != io.EOF {
		r.Close()
		if errors.Is(err, fs.ErrNotExist) {
			return nil, s.missing(content, err)
		}
		return nil, err
	}
	return r, nil
}

// missing tells a version that was removed between index and files from a
// store that lost a file.
func (s *Store) missing(content []piece, cause error) error {
	err := s.db.View(context.Background(), func(tx *sqlite.Tx) error {
		r, ok := tx.QueryRow(`SELECT 1 FROM piece WHERE file = ?`, content[0].file)
		if ok {
			return cause
		}
		return r.Err()
	})
	if err != nil {
		return err
	}
	return errGone
}

// ready has the file of the next byte open; io.EOF when there is none.
func (r *reader) ready() error {
	if r.left <= 0 {
		return io.EOF
	}
	if r.file != nil {
		return nil
	}
	for len(r.rest) > 0 && r.rest[0].size == 0 {
		r.rest = r.rest[1:]
	}
	if len(r.rest) == 0 {
		return io.ErrUnexpectedEOF
	}
	file, err := r.s.files.root.Open(path(r.rest[0].file))
	if err != nil {
		return err
	}
	if _, err := file.Seek(r.offset, io.SeekStart); err != nil {
		file.Close()
		return err
	}
	r.file = file
	return nil
}

// stretch is how many of the bytes that are left are in the open file.
func (r *reader) stretch() int64 { return min(r.left, r.rest[0].size-r.offset) }

// advance notes n bytes read and closes the file at its end.
func (r *reader) advance(n int64) error {
	r.left -= n
	r.offset += n
	if r.offset < r.rest[0].size && r.left > 0 {
		return nil
	}
	err := r.file.Close()
	r.file, r.offset, r.rest = nil, 0, r.rest[1:]
	return err
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	if r.closed {
		return 0, fs.ErrClosed
	}
	if err := r.ready(); err != nil {
		return 0, err
	}
	n, err := r.file.Read(p[:min(int64(len(p)), r.stretch())])
	if err == io.EOF {
		err = io.ErrUnexpectedEOF // shorter than its row says
	}
	if err != nil {
		return n, err
	}
	return n, r.advance(int64(n))
}

// WriteTo implements io.WriterTo: whole files go to a socket without passing
// through this process.
func (r *reader) WriteTo(w io.Writer) (written int64, err error) {
	if r.closed {
		return 0, fs.ErrClosed
	}
	for {
		if err := r.ready(); err == io.EOF {
			return written, nil
		} else if err != nil {
			return written, err
		}
		want := r.stretch()
		n, err := io.CopyN(w, r.file, want)
		written += n
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return written, err
		}
		if err := r.advance(n); err != nil {
			return written, err
		}
	}
}

// Close implements io.Closer; it may be called twice.
func (r *reader) Close() error {
	if r.closed {
		return nil
	}
	r.closed = true
	var err error
	if r.file != nil {
		err = r.file.Close()
	}
	if r.s.files.release(r.all) {
		r.s.wakeCleaner()
	}
	return err
}

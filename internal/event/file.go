package event

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// File is a sink that appends each event to a file, as one line of JSON. The
// lines of a delivery are written and synced together. A file that was moved
// away is let go and begun anew, so programs that rotate logs need no signal.
type File struct {
	path string
	f    *os.File // nil after an error: to be opened again
}

// OpenFile opens the file, or makes it. What a crash left of a line at its end
// is cut off.
func OpenFile(path string) (*File, error) {
	s := &File{path: path}
	return s, s.open()
}

func (s *File) open() error {
	if info, err := os.Stat(s.path); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file", s.path) // opening a pipe could block
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(s.path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(cutTorn(f), syncDir(filepath.Dir(s.path))); err != nil {
		return errors.Join(err, f.Close())
	}
	s.f = f
	return nil
}

// cutTorn removes what follows the last line feed.
func cutTorn(f *os.File) error {
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil || size == 0 {
		return err
	}
	var block [4096]byte
	if _, err := f.ReadAt(block[:1], 0); err != nil {
		return err
	}
	if block[0] != '{' && block[0] != 0 { // 0: space that was given out and never written
		return fmt.Errorf("%s holds something else than events; name another file", f.Name())
	}
	whole := int64(0)
	for end := size; end > 0 && whole == 0; {
		start := max(end-int64(len(block)), 0)
		b := block[:end-start]
		if _, err := f.ReadAt(b, start); err != nil {
			return err
		}
		if i := bytes.LastIndexByte(b, '\n'); i >= 0 {
			whole = start + int64(i) + 1
		}
		end = start
	}
	if whole == size {
		return nil
	}
	return errors.Join(f.Truncate(whole), f.Sync())
}

func syncDir(name string) error {
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Deliver implements Sink: it takes all events or none.
func (s *File) Deliver(_ context.Context, events []Event) (int, error) {
	if err := s.follow(); err != nil {
		return 0, err
	}
	var b []byte
	for _, e := range events {
		b = append(append(b, e.JSON...), '\n')
	}
	size, err := s.f.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = s.f.Write(b)
	}
	if err == nil {
		err = s.f.Sync()
	}
	if err != nil {
		// Whatever was written of it comes again.
		err = errors.Join(err, s.f.Truncate(size), s.Close())
		return 0, err
	}
	return len(events), nil
}

// follow opens the file anew when its path leads to another one or to none.
func (s *File) follow() error {
	if s.f != nil {
		open, err := s.f.Stat()
		if err != nil {
			return errors.Join(err, s.Close())
		}
		there, err := os.Stat(s.path)
		if err == nil && os.SameFile(there, open) {
			return nil
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := s.Close(); err != nil {
			return err
		}
	}
	return s.open()
}

// Close implements Sink.
func (s *File) Close() error {
	if s.f == nil {
		return nil
	}
	f := s.f
	s.f = nil
	return f.Close()
}

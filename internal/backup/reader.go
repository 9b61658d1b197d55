package backup

import (
	"archive/tar"
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Reader reads the files of a backup in their order.
type Reader struct {
	next  func() (name string, from io.Reader, err error) // "" = SHA256SUMS
	close func() error
	kept  *os.File // the digests of what was read
	text  *bufio.Writer
	sum   hash.Hash
	name  string
	from  io.Reader // of the present file
}

// Open opens the backup at path, a tar file or a folder; "-" is in. temp is the
// folder for what it has to remember.
func Open(path, temp string, in io.Reader) (*Reader, error) {
	r := &Reader{close: func() error { return nil }, sum: sha256.New()}
	switch stat, err := os.Stat(path); {
	case path == "-":
		r.next = tarFiles(in)
	case err != nil:
		return nil, err
	case stat.IsDir():
		root, err := os.OpenRoot(path)
		if err != nil {
			return nil, err
		}
		list, err := root.Open(sumsName)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("%w: %w", ErrDamaged, err), root.Close())
		}
		r.next, r.close = folderFiles(root, list), func() error { return errors.Join(list.Close(), root.Close()) }
	default:
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		r.next, r.close = tarFiles(f), f.Close
	}
	kept, err := os.CreateTemp(temp, scratch)
	if err == nil {
		err = os.Remove(kept.Name())
	}
	if err != nil {
		return nil, errors.Join(err, r.close())
	}
	r.kept, r.text = kept, bufio.NewWriter(kept)
	return r, nil
}

// Close closes the backup.
func (r *Reader) Close() error { return errors.Join(r.close(), r.kept.Close()) }

func tarFiles(in io.Reader) func() (string, io.Reader, error) {
	t := tar.NewReader(in)
	return func() (string, io.Reader, error) {
		h, err := t.Next()
		if err != nil {
			return "", nil, err
		}
		if h.Name == sumsName {
			return "", t, nil
		}
		if h.Typeflag != tar.TypeReg {
			return "", nil, fmt.Errorf("%s is not a file", h.Name)
		}
		return h.Name, t, nil
	}
}

// folderFiles goes through the files of a folder in the order of its digests.
func folderFiles(root *os.Root, list *os.File) func() (string, io.Reader, error) {
	lines := bufio.NewScanner(list)
	var last *os.File
	return func() (string, io.Reader, error) {
		if last != nil {
			last.Close()
			last = nil
		}
		if !lines.Scan() {
			if err := lines.Err(); err != nil {
				return "", nil, err
			}
			_, err := list.Seek(0, io.SeekStart)
			return "", list, err
		}
		_, name, ok := strings.Cut(lines.Text(), "  ")
		if !ok {
			return "", nil, fmt.Errorf("a line of %s", sumsName)
		}
		f, err := root.Open(name)
		last = f
		return name, f, err
	}
}

// Next goes to the next file; "" is the end, when all of the backup is known to
// be as it was made.
func (r *Reader) Next() (name string, from io.Reader, err error) {
	if r.from != nil {
		if _, err := io.Copy(io.Discard, r.from); err != nil { // what nobody wanted to read
			return "", nil, err
		}
		fmt.Fprintf(r.text, "%x  %s\n", r.sum.Sum(nil), r.name)
	}
	r.name, from, err = r.next()
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = fmt.Errorf("it ends before its %s", sumsName)
		}
		return "", nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if r.name == "" {
		return "", nil, r.compare(from)
	}
	if !filepath.IsLocal(r.name) || strings.ContainsAny(r.name, "\n\\") {
		return "", nil, fmt.Errorf("%w: a file named %q", ErrDamaged, r.name)
	}
	r.sum.Reset()
	r.from = io.TeeReader(content{from}, r.sum)
	return r.name, r.from, nil
}

// content is that of a file, which must not end early.
type content struct{ from io.Reader }

// Read implements io.Reader.
func (c content) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return n, err
}

// compare compares the digests of what was read with those of the backup.
func (r *Reader) compare(want io.Reader) error {
	if err := r.text.Flush(); err != nil {
		return err
	}
	if _, err := r.kept.Seek(0, io.SeekStart); err != nil {
		return err
	}
	r.sum.Reset()
	there, here := bufio.NewScanner(want), bufio.NewScanner(io.TeeReader(r.kept, r.sum))
	for there.Scan() {
		if !here.Scan() || here.Text() != there.Text() {
			_, name, _ := strings.Cut(there.Text(), "  ")
			return fmt.Errorf("%w: the digest of %s is another", ErrDamaged, name)
		}
	}
	if here.Scan() || there.Err() != nil || here.Err() != nil {
		return fmt.Errorf("%w: %s is not whole", ErrDamaged, sumsName)
	}
	return nil
}

// Digest is that of SHA256SUMS, after the end.
func (r *Reader) Digest() string { return hex.EncodeToString(r.sum.Sum(nil)) }

package backup

import (
	"archive/tar"
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"time"
)

// Writer makes a backup.
type Writer struct {
	tar  *tar.Writer // nil = a folder
	root *os.Root    // the folder, or where files wait for their length to be known
	sums *os.File    // SHA256SUMS on its way
	text *bufio.Writer
	all  hash.Hash
	now  time.Time

	Files, Bytes int64 // so far
	// Progress, when set, is told after each file how many there are.
	Progress func(files int64)
}

const scratch = ".backup-"

// NewTar makes a backup of one file. What has to wait does so in the folder.
func NewTar(w io.Writer, folder string) (*Writer, error) {
	b, err := newWriter(folder)
	if err == nil {
		b.tar = tar.NewWriter(w)
	}
	return b, err
}

// NewFolder makes a backup of a folder, which must be empty or absent.
func NewFolder(name string) (*Writer, error) {
	if err := os.MkdirAll(name, 0o700); err != nil {
		return nil, err
	}
	there, err := os.ReadDir(name)
	if err == nil && len(there) > 0 {
		err = fmt.Errorf("folder %s is not empty", name)
	}
	if err != nil {
		return nil, err
	}
	return newWriter(name)
}

func newWriter(folder string) (*Writer, error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	b := &Writer{root: root, all: sha256.New(), now: time.Now()}
	if b.sums, err = b.temp(); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	b.text = bufio.NewWriter(b.sums)
	return b, nil
}

// temp makes a file that has no name for anybody else.
func (b *Writer) temp() (*os.File, error) {
	f, err := os.CreateTemp(b.root.Name(), scratch)
	if err != nil {
		return nil, err
	}
	return f, os.Remove(f.Name())
}

// Add adds a file of a known length.
func (b *Writer) Add(name string, size int64, from io.Reader) error {
	return b.put(name, size, io.LimitReader(from, size))
}

// Fill adds a file that fill writes.
func (b *Writer) Fill(name string, fill func(io.Writer) error) error {
	f, err := b.temp()
	if err != nil {
		return err
	}
	defer f.Close()
	if err := fill(f); err != nil {
		return err
	}
	size, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return b.put(name, size, f)
}

func (b *Writer) put(name string, size int64, from io.Reader) error {
	sum := sha256.New()
	if err := b.write(name, size, io.TeeReader(from, sum)); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	b.Files++
	b.Bytes += size
	if b.Progress != nil {
		b.Progress(b.Files)
	}
	_, err := fmt.Fprintf(io.MultiWriter(b.text, b.all), "%x  %s\n", sum.Sum(nil), name)
	return err
}

func (b *Writer) write(name string, size int64, from io.Reader) error {
	var to io.Writer
	if b.tar != nil {
		err := b.tar.WriteHeader(&tar.Header{Name: name, Size: size, Mode: 0o600, ModTime: b.now, Format: tar.FormatPAX})
		if err != nil {
			return err
		}
		to = b.tar
	} else {
		if err := b.root.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			return err
		}
		f, err := b.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		defer f.Close()
		defer f.Sync()
		to = f
	}
	n, err := io.Copy(to, from)
	if err == nil && n != size {
		err = fmt.Errorf("it has %d bytes, not %d", n, size)
	}
	return err
}

// Close writes the digests, which makes the backup whole, and returns theirs.
func (b *Writer) Close() (digest string, err error) {
	if err := b.text.Flush(); err != nil {
		return "", err
	}
	size, err := b.sums.Seek(0, io.SeekCurrent)
	if err != nil {
		return "", err
	}
	if _, err := b.sums.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	if err := b.write(sumsName, size, b.sums); err != nil {
		return "", err
	}
	if b.tar != nil {
		err = b.tar.Close()
	}
	return fmt.Sprintf("%x", b.all.Sum(nil)), err
}

// Discard closes what is open.
func (b *Writer) Discard() error { return errors.Join(b.sums.Close(), b.root.Close()) }

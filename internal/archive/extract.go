package archive

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// Extract unpacks the archive of the given size into root, telling its format
// by its content, and returns the format: "" with ErrFormat when the content does
// not even begin like an archive. Symbolic links are made last and only
// when they stay inside; of two entries with one name the later one stays. After
// an error root holds a part of the archive. root should be fresh.
func Extract(ctx context.Context, r io.ReaderAt, size int64, root *os.Root, l Limits) (Format, error) {
	r = &reader{ctx, r}
	f, err := detect(r, size)
	if err != nil {
		return "", err
	}
	t := &target{root: root, limits: l, packed: max(size, 1)}
	switch f {
	case Zip:
		err = t.zip(r, size)
	case Tar:
		err = t.tar(io.NewSectionReader(r, 0, size))
	case TarGz:
		var z *gzip.Reader
		if z, err = gzip.NewReader(io.NewSectionReader(r, 0, size)); err == nil {
			err = t.tar(z)
		}
	}
	if err == nil {
		err = t.makeLinks()
	}
	return f, blame(ctx, err)
}

// reader ends an unpacking whose context has ended.
type reader struct {
	ctx context.Context
	r   io.ReaderAt
}

func (r *reader) ReadAt(p []byte, off int64) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.ReadAt(p, off)
}

// ExtractFile unpacks the archive file into the existing folder dir.
func ExtractFile(ctx context.Context, file, dir string, l Limits) (Format, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", err
	}
	defer root.Close()
	return Extract(ctx, f, info.Size(), root, l)
}

// detect looks at the first bytes, and for tar at the first header, which has a
// checksum.
func detect(r io.ReaderAt, size int64) (Format, error) {
	head := make([]byte, 4)
	n, err := r.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return "", err
	}
	head = head[:n]
	switch {
	case bytes.Equal(head, []byte("PK\x03\x04")), bytes.Equal(head, []byte("PK\x05\x06")):
		return Zip, nil
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(io.NewSectionReader(r, 0, size))
		if err != nil {
			return "", ErrFormat
		}
		if _, err := tar.NewReader(z).Next(); err != nil {
			return "", ErrFormat
		}
		return TarGz, nil
	}
	if _, err := tar.NewReader(io.NewSectionReader(r, 0, size)).Next(); err != nil {
		return "", ErrFormat
	}
	return Tar, nil
}

// badNames are what the file system says about names that an archive should not
// hold: too long, of impossible characters, or both file and folder.
var badNames = []error{syscall.EEXIST, syscall.ENOTDIR, syscall.ENAMETOOLONG, syscall.EINVAL, syscall.EILSEQ, syscall.ELOOP}

// blame marks what the archive's own bytes caused; other errors of the file
// system stay as they are.
func blame(ctx context.Context, err error) error {
	switch {
	case err == nil, errors.Is(err, ErrUnsafe), errors.Is(err, ErrLimit), errors.Is(err, ErrFormat):
		return err
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	for _, bad := range badNames {
		if errors.Is(err, bad) {
			return fmt.Errorf("%w: %w", ErrUnsafe, err)
		}
	}
	if errors.As(err, new(*fs.PathError)) || errors.As(err, new(*os.LinkError)) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrFormat, err)
}

func (t *target) zip(r io.ReaderAt, size int64) error {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return err
	}
	if len(z.File) > t.limits.Entries {
		return t.tooMany()
	}
	for _, f := range z.File {
		if err := t.zipEntry(f); err != nil {
			return err
		}
	}
	return nil
}

// Systems that zip files name as their creators and that store Unix modes.
const (
	creatorUnix  = 3
	creatorMacOS = 19
)

func (t *target) zipEntry(f *zip.File) error {
	mode := f.Mode()
	switch f.CreatorVersion >> 8 {
	case creatorUnix, creatorMacOS:
	default:
		mode = mode.Type() | 0o644
	}
	name, err := t.enter(f.Name)
	if err != nil || name == "." {
		return err
	}
	switch mode.Type() {
	case fs.ModeDir:
		return t.makeDir(name, mode)
	case 0, fs.ModeSymlink:
	default:
		return unsafe(f.Name, "is neither file, folder nor link")
	}
	in, err := f.Open()
	if err != nil {
		return err
	}
	defer in.Close()
	if mode.Type() == fs.ModeSymlink {
		return t.readLink(name, in)
	}
	return t.makeFile(name, mode, in)
}

func (t *target) tar(r io.Reader) error {
	a := tar.NewReader(r)
	for {
		h, err := a.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
			return err
		}
		if err := t.tarEntry(h, a); err != nil {
			return err
		}
	}
}

func (t *target) tarEntry(h *tar.Header, in io.Reader) error {
	if h.Typeflag == tar.TypeXGlobalHeader {
		return nil // git archive's comment
	}
	name, err := t.enter(h.Name)
	if err != nil || name == "." {
		return err
	}
	mode := fs.FileMode(h.Mode).Perm()
	switch h.Typeflag {
	case tar.TypeDir:
		return t.makeDir(name, mode)
	case tar.TypeReg, tar.TypeGNUSparse:
		return t.makeFile(name, mode, in)
	case tar.TypeSymlink:
		t.links = append(t.links, link{name, h.Linkname})
		return nil
	case tar.TypeLink:
		return t.hardLink(name, h.Linkname)
	}
	return unsafe(h.Name, "is neither file, folder nor link")
}

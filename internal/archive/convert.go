package archive

import (
	"archive/tar"
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// ZipTar writes the files, folders and symbolic links of a tar stream as a zip
// to w, in their order and otherwise as Pack does. Ratio of the limits is not
// used: a stream is not packed.
func ZipTar(ctx context.Context, w io.Writer, in io.Reader, l Limits) error {
	z := zip.NewWriter(&writer{ctx, w})
	t := target{limits: l}
	for r := tar.NewReader(in); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return z.Close()
		}
		if err != nil {
			return fmt.Errorf("%w: %w", ErrFormat, err)
		}
		if h.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		name, err := t.enter(strings.TrimSuffix(h.Name, "/"))
		if err != nil {
			return err
		}
		if err := t.repack(z, name, h, r); err != nil {
			return err
		}
	}
}

// repack writes an entry of a tar into a zip.
func (t *target) repack(z *zip.Writer, name string, h *tar.Header, in io.Reader) error {
	out := &zip.FileHeader{Name: name, Modified: packTime, Method: zip.Deflate}
	mode := h.FileInfo().Mode()
	out.SetMode(mode.Type() | mode.Perm())
	switch h.Typeflag {
	case tar.TypeDir:
		out.Name, out.Method = name+"/", zip.Store
		_, err := z.CreateHeader(out)
		return err
	case tar.TypeSymlink:
		out.Method = zip.Store
		if err := checkLink(link{name, h.Linkname}); err != nil {
			return err
		}
		w, err := z.CreateHeader(out)
		if err == nil {
			_, err = io.WriteString(w, h.Linkname)
		}
		return err
	case tar.TypeReg:
		if t.bytes += h.Size; t.bytes > t.limits.Bytes {
			return fmt.Errorf("%w: more than %d bytes", ErrLimit, t.limits.Bytes)
		}
		w, err := z.CreateHeader(out)
		if err == nil {
			_, err = io.Copy(w, in)
		}
		return err
	}
	return unsafe(name, "is neither a file nor a folder nor a symbolic link")
}

package archive

import (
	"archive/zip"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"time"
)

// packTime is every entry's time, so that equal content gives equal bytes. Zip
// cannot name an earlier one.
var packTime = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// Pack writes the named files, folders and symbolic links of root, with slashes
// and without what folders hold, as a zip to w: sorted, each once, Unix modes
// kept, links as links. Pipes, sockets and devices are left out. A link that
// Extract would refuse is ErrUnsafe.
func Pack(ctx context.Context, w io.Writer, root *os.Root, names []string) error {
	names = slices.Clone(names)
	slices.Sort(names)
	z := zip.NewWriter(&writer{ctx, w})
	for _, name := range slices.Compact(names) {
		if err := add(z, root, name); err != nil {
			return fmt.Errorf("pack %s: %w", name, err)
		}
	}
	return z.Close()
}

// PackAll writes everything below root as Pack does.
func PackAll(ctx context.Context, w io.Writer, root *os.Root) error {
	var names []string
	err := fs.WalkDir(root.FS(), ".", func(name string, _ fs.DirEntry, err error) error {
		if err == nil && name != "." {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("pack: %w", err)
	}
	return Pack(ctx, w, root, names)
}

// writer ends a packing whose context has ended.
type writer struct {
	ctx context.Context
	w   io.Writer
}

func (w *writer) Write(p []byte) (int, error) {
	if w.ctx.Err() != nil {
		return 0, context.Cause(w.ctx)
	}
	return w.w.Write(p)
}

func add(z *zip.Writer, root *os.Root, name string) error {
	info, err := root.Lstat(name)
	if err != nil {
		return err
	}
	h := &zip.FileHeader{Name: path.Clean(name), Modified: packTime, Method: zip.Deflate}
	mode := info.Mode()
	h.SetMode(mode.Type() | mode.Perm())
	switch mode.Type() {
	case fs.ModeDir:
		h.Name, h.Method = h.Name+"/", zip.Store
		_, err = z.CreateHeader(h)
		return err
	case fs.ModeSymlink:
		h.Method = zip.Store
		target, err := root.Readlink(name)
		if err != nil {
			return err
		}
		if err := checkLink(link{h.Name, target}); err != nil {
			return err
		}
		out, err := z.CreateHeader(h)
		if err != nil {
			return err
		}
		_, err = io.WriteString(out, target)
		return err
	case 0:
		in, err := root.Open(name)
		if err != nil {
			return err
		}
		defer in.Close()
		out, err := z.CreateHeader(h)
		if err != nil {
			return err
		}
		_, err = io.Copy(out, in)
		return err
	}
	return nil
}

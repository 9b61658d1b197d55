package archive

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// entry is one entry of an archive to build.
type entry struct {
	name, body string
	mode       fs.FileMode // with type bits
	hard       bool        // tar: a hard link to body
}

func zipOf(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, e := range entries {
		h := &zip.FileHeader{Name: e.name, Method: zip.Deflate}
		h.SetMode(e.mode)
		w, err := z.CreateHeader(h)
		if err == nil && !e.mode.IsDir() {
			_, err = w.Write([]byte(e.body))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func tarOf(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	a := tar.NewWriter(&b)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Mode: int64(e.mode.Perm()), Typeflag: tar.TypeReg, Size: int64(len(e.body)), Format: tar.FormatPAX}
		switch {
		case e.hard:
			h.Typeflag, h.Linkname, h.Size = tar.TypeLink, e.body, 0
		case e.mode.IsDir():
			h.Typeflag, h.Size = tar.TypeDir, 0
		case e.mode&fs.ModeSymlink != 0:
			h.Typeflag, h.Linkname, h.Size = tar.TypeSymlink, e.body, 0
		case e.mode&fs.ModeNamedPipe != 0:
			h.Typeflag, h.Size = tar.TypeFifo, 0
		}
		if err := a.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			if _, err := a.Write([]byte(e.body)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gz(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(data)
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// unpack extracts data into a fresh folder.
func unpack(t testing.TB, data []byte, l Limits) (string, Format, error) {
	t.Helper()
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	f, err := Extract(t.Context(), bytes.NewReader(data), int64(len(data)), root, l)
	return dir, f, err
}

// tree lists a folder: "name mode content".
func tree(t testing.TB, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		info, err := d.Info()
		if err != nil {
			return err
		}
		content := ""
		switch {
		case info.Mode().IsRegular():
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			content = string(b)
		case info.Mode()&fs.ModeSymlink != 0:
			content, _ = os.Readlink(path)
			out = append(out, name+" -> "+content)
			return nil
		}
		out = append(out, fmt.Sprintf("%s %v %s", name, info.Mode(), content))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

var good = []entry{
	{name: "dir", mode: fs.ModeDir | 0o750},
	{name: "dir/run.sh", body: "#!/bin/sh", mode: 0o755},
	{name: "dir/deep/plain.txt", body: "text", mode: 0o640},
	{name: "./dot", body: "d", mode: 0o644},
	{name: "link", body: "dir/run.sh", mode: fs.ModeSymlink | 0o777},
	{name: "dir/up", body: "../dot", mode: fs.ModeSymlink | 0o777},
	{name: "dangling", body: "nowhere", mode: fs.ModeSymlink | 0o777},
}

var goodTree = []string{
	"dangling -> nowhere",
	"dir drwxr-x--- ",
	"dir/deep drwxr-xr-x ",
	"dir/deep/plain.txt -rw-r----- text",
	"dir/run.sh -rwxr-xr-x #!/bin/sh",
	"dir/up -> ../dot",
	"dot -rw-r--r-- d",
	"link -> dir/run.sh",
}

func TestExtractFormats(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		format Format
		data   []byte
	}{{Zip, zipOf(t, good...)}, {Tar, tarOf(t, good...)}, {TarGz, gz(t, tarOf(t, good...))}} {
		t.Run(string(c.format), func(t *testing.T) {
			t.Parallel()
			dir, f, err := unpack(t, c.data, DefaultLimits)
			if err != nil || f != c.format {
				t.Fatalf("%q, %v", f, err)
			}
			if got := tree(t, dir); !slices.Equal(got, goodTree) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(goodTree, "\n"))
			}
		})
	}
}

func TestExtractRefuses(t *testing.T) {
	t.Parallel()
	file := func(name string) []entry { return []entry{{name: name, body: "x", mode: 0o644}} }
	link := func(name, to string) entry { return entry{name: name, body: to, mode: fs.ModeSymlink | 0o777} }
	for name, entries := range map[string][]entry{
		"parent":                   file("../x"),
		"parent inside":            file("a/../../x"),
		"parent that comes back":   file("a/../x"),
		"absolute":                 file("/etc/x"),
		"backslash parent":         file(`..\x`),
		"backslash inside":         file(`a\..\..\x`),
		"backslash absolute":       file(`\x`),
		"drive":                    file("C:x"),
		"drive with slash":         file(`c:\x`),
		"link to absolute":         {link("l", "/etc")},
		"link to parent":           {link("l", "..")},
		"link deep to parent":      {link("a/b/l", "../../../x")},
		"link climbs in its midst": {{name: "d/f", mode: 0o644}, link("a/b", "../d"), link("l", "a/b/../../x")},
		"link behind a link":       {link("a", "."), {name: "b/f", mode: 0o644}, link("a/b/l", "../..")},
		"link with drive":          {link("l", "c:x")},
		"link with backslashes":    {link("l", `..\x`)},
		"empty link":               {link("l", "")},
		"file over folder":         {{name: "a/b", mode: 0o644}, {name: "a", body: "x", mode: 0o644}},
		"file as folder":           {{name: "a", body: "x", mode: 0o644}, {name: "a/b", mode: 0o644}},
		"folder over file":         {{name: "a", body: "x", mode: 0o644}, {name: "a", mode: fs.ModeDir | 0o755}},
		"name too long":            file(strings.Repeat("n", 300)),
		"pipe":                     {{name: "p", mode: fs.ModeNamedPipe | 0o644}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for format, data := range map[string][]byte{"zip": zipOf(t, entries...), "tar": tarOf(t, entries...)} {
				if _, _, err := unpack(t, data, DefaultLimits); !errors.Is(err, ErrUnsafe) {
					t.Errorf("%s: %v, want ErrUnsafe", format, err)
				}
			}
		})
	}
}

func TestHardLinks(t *testing.T) {
	t.Parallel()
	dir, _, err := unpack(t, tarOf(t, entry{name: "a", body: "x", mode: 0o644}, entry{name: "d/b", body: "a", hard: true}), DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "d/b")); string(b) != "x" {
		t.Errorf("%q, %v", b, err)
	}
	for name, to := range map[string]string{"outside": "../a", "absolute": "/etc/passwd", "absent": "nothing", "folder": "d"} {
		data := tarOf(t, entry{name: "d", mode: fs.ModeDir | 0o755}, entry{name: "h", body: to, hard: true})
		if _, _, err := unpack(t, data, DefaultLimits); !errors.Is(err, ErrUnsafe) {
			t.Errorf("%s: %v, want ErrUnsafe", name, err)
		}
	}
}

// TestDuplicateNames: the later entry stays.
func TestDuplicateNames(t *testing.T) {
	t.Parallel()
	entries := []entry{{name: "f", body: "1", mode: 0o644}, {name: "F", body: "other", mode: 0o644}, {name: "./f", body: "2", mode: 0o644}}
	for format, data := range map[string][]byte{"zip": zipOf(t, entries...), "tar": tarOf(t, entries...)} {
		dir, _, err := unpack(t, data, DefaultLimits)
		if err != nil {
			t.Fatalf("%s: %v", format, err)
		}
		if b, err := os.ReadFile(filepath.Join(dir, "f")); string(b) != "2" {
			t.Errorf("%s: f is %q, %v", format, b, err)
		}
	}
}

func TestFilesAreNotWrittenThroughLinks(t *testing.T) {
	t.Parallel()
	data := tarOf(t, entry{name: "victim", body: "kept", mode: 0o644},
		entry{name: "l", body: "victim", mode: fs.ModeSymlink | 0o777}, entry{name: "l", body: "evil", mode: 0o644})
	dir, _, err := unpack(t, data, DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(filepath.Join(dir, "victim")); string(b) != "kept" {
		t.Errorf("the link's target is %q", b)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	many := make([]entry, 11)
	for i := range many {
		many[i] = entry{name: fmt.Sprint("f", i), body: "0123456789", mode: 0o644}
	}
	zeros := []entry{{name: "zeros", body: strings.Repeat("\x00", 1<<20), mode: 0o644}}
	for _, c := range []struct {
		name    string
		entries []entry
		l       Limits
		want    error
	}{
		{"entries", many, Limits{Entries: 10, Bytes: 1 << 20}, ErrLimit},
		{"entries just fit", many, Limits{Entries: 11, Bytes: 1 << 20}, nil},
		{"bytes", many, Limits{Entries: 100, Bytes: 109}, ErrLimit},
		{"bytes just fit", many, Limits{Entries: 100, Bytes: 110}, nil},
		{"ratio", zeros, Limits{Entries: 100, Bytes: 1 << 40, Ratio: 200, RatioFrom: 1<<20 - 1}, ErrLimit},
		{"ratio allowed", zeros, Limits{Entries: 100, Bytes: 1 << 40, Ratio: 2000}, nil},
		{"ratio does not apply yet", zeros, Limits{Entries: 100, Bytes: 1 << 40, Ratio: 200, RatioFrom: 1 << 20}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for format, data := range map[string][]byte{"zip": zipOf(t, c.entries...), "tar.gz": gz(t, tarOf(t, c.entries...))} {
				if _, _, err := unpack(t, data, c.l); !errors.Is(err, c.want) {
					t.Errorf("%s: %v, want %v", format, err, c.want)
				}
			}
		})
	}
}

func TestNotAnArchive(t *testing.T) {
	t.Parallel()
	whole := zipOf(t, good...)
	for name, data := range map[string][]byte{
		"nothing": nil, "text": []byte("hello, world"), "zip's first bytes": []byte("PK\x03\x04"),
		"half a zip": whole[:len(whole)/2], "gzip of text": gz(t, []byte("hello")), "half a gzip": gz(t, tarOf(t, good...))[:40],
	} {
		if _, _, err := unpack(t, data, DefaultLimits); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v, want ErrFormat", name, err)
		}
	}
	if _, f, err := unpack(t, zipOf(t), DefaultLimits); f != Zip || err != nil {
		t.Errorf("empty zip: %q, %v", f, err)
	}
}

func TestCancelEndsBothWays(t *testing.T) {
	t.Parallel()
	stop := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(stop)
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	data := zipOf(t, good...)
	if _, err := Extract(ctx, bytes.NewReader(data), int64(len(data)), root, DefaultLimits); err == nil || errors.Is(err, ErrFormat) {
		t.Errorf("extract: %v", err)
	}
	if err := PackAll(ctx, &bytes.Buffer{}, root); !errors.Is(err, stop) {
		t.Errorf("pack: %v", err)
	}
}

func TestPackIsDeterministicAndComesBack(t *testing.T) {
	t.Parallel()
	dir, _, err := unpack(t, tarOf(t, good...), DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	pack := func() []byte {
		root, err := os.OpenRoot(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		var b bytes.Buffer
		if err := PackAll(t.Context(), &b, root); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	first := pack()
	if err := os.Chtimes(filepath.Join(dir, "dot"), time.Unix(1, 0), time.Unix(2, 0)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, pack()) {
		t.Error("equal content packs to different bytes")
	}
	back, _, err := unpack(t, first, DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	if got := tree(t, back); !slices.Equal(got, goodTree) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(goodTree, "\n"))
	}
}

func TestPackSelection(t *testing.T) {
	t.Parallel()
	dir, _, err := unpack(t, tarOf(t, good...), DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	names := func(list ...string) ([]string, error) {
		var b bytes.Buffer
		if err := Pack(t.Context(), &b, root, list); err != nil {
			return nil, err
		}
		z, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
		if err != nil {
			return nil, err
		}
		var out []string
		for _, f := range z.File {
			out = append(out, f.Name)
		}
		return out, nil
	}
	if got, err := names("link", "dir/run.sh", "dot", "dot"); err != nil || !slices.Equal(got, []string{"dir/run.sh", "dot", "link"}) {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"absent", "../x"} {
		if got, err := names(bad); err == nil {
			t.Errorf("%s: packed %v", bad, got)
		}
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "out")); err != nil {
		t.Fatal(err)
	}
	if got, err := names("out"); !errors.Is(err, ErrUnsafe) {
		t.Errorf("a link out of the folder: %v, %v", got, err)
	}
}

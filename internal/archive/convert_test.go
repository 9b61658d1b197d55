package archive

import (
	"archive/tar"
	"bytes"
	"errors"
	"io/fs"
	"os"
	"testing"
)

func TestZipTar(t *testing.T) {
	t.Parallel()
	in := tarOf(t, entry{name: "bin/", mode: fs.ModeDir | 0o755}, entry{name: "bin/run", body: "x", mode: 0o755},
		entry{name: "bin/link", body: "run", mode: fs.ModeSymlink | 0o777}, entry{name: "é", body: "y", mode: 0o644})
	var first, second bytes.Buffer
	for _, b := range []*bytes.Buffer{&first, &second} {
		if err := ZipTar(t.Context(), b, bytes.NewReader(in), DefaultLimits); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("the same tar gives two zips")
	}
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if format, err := Extract(t.Context(), bytes.NewReader(first.Bytes()), int64(first.Len()), root, DefaultLimits); err != nil || format != Zip {
		t.Fatalf("%s, %v", format, err)
	}
	if to, err := root.Readlink("bin/link"); err != nil || to != "run" {
		t.Errorf("the link leads to %q, %v", to, err)
	}
	if info, err := root.Stat("bin/run"); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("bin/run: %v, %v", info, err)
	}
	if body, err := root.ReadFile("é"); err != nil || string(body) != "y" {
		t.Errorf("é holds %q, %v", body, err)
	}
}

func TestZipTarRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		in    []byte
		limit Limits
		want  error
	}{
		"no tar":           {[]byte("x"), DefaultLimits, ErrFormat},
		"outside":          {tarOf(t, entry{name: "../x", mode: 0o644}), DefaultLimits, ErrUnsafe},
		"link outside":     {tarOf(t, entry{name: "a/b", body: "../../x", mode: fs.ModeSymlink | 0o777}), DefaultLimits, ErrUnsafe},
		"hard link":        {tarOf(t, entry{name: "a", mode: 0o644}, entry{name: "b", body: "a", hard: true}), DefaultLimits, ErrUnsafe},
		"too many entries": {tarOf(t, entry{name: "a", mode: 0o644}, entry{name: "b", mode: 0o644}), Limits{Entries: 1, Bytes: 9}, ErrLimit},
		"too much":         {tarOf(t, entry{name: "a", body: "0123456789", mode: 0o644}), Limits{Entries: 9, Bytes: 9}, ErrLimit},
	} {
		if err := ZipTar(t.Context(), new(bytes.Buffer), bytes.NewReader(c.in), c.limit); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var header bytes.Buffer
	a := tar.NewWriter(&header)
	if err := a.WriteHeader(&tar.Header{Typeflag: tar.TypeXGlobalHeader, PAXRecords: map[string]string{"comment": "c"}}); err != nil {
		t.Fatal(err)
	}
	a.Close()
	if err := ZipTar(t.Context(), new(bytes.Buffer), &header, DefaultLimits); err != nil {
		t.Errorf("a header for all: %v", err)
	}
}

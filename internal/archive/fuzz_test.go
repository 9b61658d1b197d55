package archive

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzExtract: whatever the bytes, nothing comes to be outside the folder, and
// no link inside leads out.
func FuzzExtract(f *testing.F) {
	evil := []entry{
		{name: "../x", body: "x", mode: 0o644},
		{name: "a", body: ".", mode: fs.ModeSymlink | 0o777},
		{name: "a/l", body: "../..", mode: fs.ModeSymlink | 0o777},
		{name: "l", body: "a/../..", mode: fs.ModeSymlink | 0o777},
	}
	for _, data := range [][]byte{zipOf(f, good...), tarOf(f, good...), gz(f, tarOf(f, good...)), zipOf(f, evil...), tarOf(f, evil...),
		zipOf(f, evil[1], evil[3]), tarOf(f, evil[1], evil[2]), tarOf(f, entry{name: "h", body: "../secret", hard: true})} {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		outer := t.TempDir()
		inner := filepath.Join(outer, "inner")
		secret := filepath.Join(outer, "secret")
		if err := errors.Join(os.Mkdir(inner, 0o700), os.WriteFile(secret, []byte("kept"), 0o600)); err != nil {
			t.Fatal(err)
		}
		root, err := os.OpenRoot(inner)
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		_, _ = Extract(t.Context(), bytes.NewReader(data), int64(len(data)), root, Limits{Entries: 100, Bytes: 1 << 20, Ratio: 100})
		entries, err := os.ReadDir(outer)
		if err != nil || len(entries) != 2 {
			t.Fatalf("outside: %v, %v", entries, err)
		}
		if b, err := os.ReadFile(secret); string(b) != "kept" {
			t.Fatalf("secret is %q, %v", b, err)
		}
		real, err := filepath.EvalSymlinks(inner)
		if err != nil {
			t.Fatal(err)
		}
		_ = filepath.WalkDir(inner, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.Type()&fs.ModeSymlink == 0 {
				return nil
			}
			if to, err := filepath.EvalSymlinks(path); err == nil && to != real && !strings.HasPrefix(to, real+"/") {
				t.Errorf("%s leads to %s", path, to)
			}
			return nil
		})
	})
}

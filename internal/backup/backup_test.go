package backup

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var files = []struct{ name, text string }{{"about.json", "{}\n"}, {"a/b/c", "some text"}, {"empty", ""}, {"filled", "filled later"}}

func fill(t *testing.T, w *Writer, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if f.name == "filled" {
			err = w.Fill(f.name, func(to io.Writer) error { _, err := io.WriteString(to, f.text); return err })
		} else {
			err = w.Add(f.name, int64(len(f.text)), strings.NewReader(f.text+" that came later"))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	digest, err := w.Close()
	if err := errors.Join(err, w.Discard()); err != nil {
		t.Fatal(err)
	}
	return digest
}

func read(t *testing.T, path string, in io.Reader) (text, digest string, err error) {
	t.Helper()
	r, err := Open(path, t.TempDir(), in)
	if err != nil {
		return "", "", err
	}
	defer r.Close()
	for n := 0; ; n++ {
		name, from, err := r.Next()
		if name == "" || err != nil {
			return text, r.Digest(), err
		}
		text += name + "\n"
		if n == 2 {
			continue // not read by the caller
		}
		b, err := io.ReadAll(from)
		if err != nil {
			return text, "", err
		}
		text += string(b) + "\n"
	}
}

const want = "about.json\n{}\n\na/b/c\nsome text\nempty\nfilled\nfilled later\n"

func TestTar(t *testing.T) {
	t.Parallel()
	var file bytes.Buffer
	w, err := NewTar(&file, t.TempDir())
	digest := fill(t, w, err)
	whole := file.Bytes()
	got, again, err := read(t, "-", bytes.NewReader(whole))
	if err != nil || got != want || again != digest {
		t.Fatalf("%v, %q, digest %s, made with %s", err, got, again, digest)
	}
	for cut := 0; cut < len(whole)-1024-512; cut += 97 { // the end is padding
		if _, _, err := read(t, "-", bytes.NewReader(whole[:cut])); !errors.Is(err, ErrDamaged) {
			t.Fatalf("cut at %d: %v", cut, err)
		}
	}
	changed := bytes.Replace(whole, []byte("some text"), []byte("some tent"), 1)
	if _, _, err := read(t, "-", bytes.NewReader(changed)); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "a/b/c") {
		t.Errorf("a changed file: %v", err)
	}
}

func TestFolder(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "new")
	w, err := NewFolder(folder)
	digest := fill(t, w, err)
	got, again, err := read(t, folder, nil)
	if err != nil || got != want || again != digest {
		t.Fatalf("%v, %q, digest %s, made with %s", err, got, again, digest)
	}
	if _, err := NewFolder(folder); err == nil {
		t.Error("a folder with files was taken for another backup")
	}
	if err := os.WriteFile(filepath.Join(folder, "a/b/c"), []byte("some tent"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := read(t, folder, nil); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "a/b/c") {
		t.Errorf("a changed file: %v", err)
	}
	if err := os.Remove(filepath.Join(folder, "empty")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := read(t, folder, nil); !errors.Is(err, ErrDamaged) {
		t.Errorf("a missing file: %v", err)
	}
	if err := os.Remove(filepath.Join(folder, sumsName)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := read(t, folder, nil); !errors.Is(err, ErrDamaged) {
		t.Errorf("no digests: %v", err)
	}
}

// TestNamesStayInside: a backup cannot write outside of the folder.
func TestNamesStayInside(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"../x", "/etc/x", "a/../../x", `a\b`} {
		var file bytes.Buffer
		w, err := NewTar(&file, t.TempDir())
		if err == nil {
			err = w.Add(name, 1, strings.NewReader("x"))
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if _, _, err := read(t, "-", &file); err == nil {
			t.Errorf("%q was read", name)
		}
	}
}

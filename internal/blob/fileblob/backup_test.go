package fileblob

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"penstock/internal/blob"
)

// archive is a backup in memory.
type archive struct {
	names []string
	files map[string][]byte
}

func (a *archive) Add(name string, size int64, from io.Reader) error {
	b, err := io.ReadAll(io.LimitReader(from, size))
	a.names, a.files[name] = append(a.names, name), b
	return err
}

func (a *archive) Fill(name string, fill func(io.Writer) error) error {
	var b bytes.Buffer
	err := fill(&b)
	return errors.Join(err, a.Add(name, int64(b.Len()), &b))
}

func (a *archive) restore(t *testing.T) (*Store, error) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "restored")
	r, err := NewRestorer(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, name := range a.names {
		if err := r.Put(name, bytes.NewReader(a.files[name])); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Finish(t.Context()); err != nil {
		return nil, err
	}
	s, err := Open(dir, nil)
	if err == nil {
		t.Cleanup(func() { s.Close() })
	}
	return s, err
}

func text(t *testing.T, s *Store, key, version string) string {
	t.Helper()
	o, err := s.Get(t.Context(), "bucket", key, &blob.GetOptions{VersionID: version})
	if err != nil {
		return err.Error()
	}
	defer o.Body.Close()
	b, err := io.ReadAll(o.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestBackup: versions, markers, tags and uploads in flight come back, as they
// were while the store is in use.
func TestBackup(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx := t.Context()
	put := func(key, body string) string {
		info, err := s.Put(ctx, "bucket", key, strings.NewReader(body), nil)
		if err != nil {
			t.Fatal(err)
		}
		return info.VersionID
	}
	if err := s.EnsureBucket(ctx, "bucket", nil); err != nil {
		t.Fatal(err)
	}
	first := put("k", "one")
	put("k", "two")
	put("gone", "soon")
	if _, err := s.Delete(ctx, "bucket", "gone", nil); err != nil {
		t.Fatal(err)
	}
	a := &archive{files: map[string][]byte{}}
	if err := Backup(ctx, dir, a); err != nil {
		t.Fatal(err)
	}
	put("k", "three, after the backup")
	back, err := a.restore(t)
	if err != nil {
		t.Fatal(err)
	}
	if got := text(t, back, "k", first) + text(t, back, "k", ""); got != "onetwo" {
		t.Errorf("versions of k: %q", got)
	}
	if _, err := back.Head(ctx, "bucket", "gone", nil); !blob.IsNotFound(err) {
		t.Errorf("an object behind a delete marker: %v", err)
	}
	if info, err := back.Put(ctx, "bucket", "k", strings.NewReader("four"), nil); err != nil || text(t, back, "k", "") != "four" || info.VersionID == first {
		t.Errorf("a write after the restore: %v, %v", info, err)
	}
}

// TestBackupBesideDeletions: an object whose file goes between the snapshot and
// the copy is left out, and the version before it is the newest then.
func TestBackupBesideDeletions(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.EnsureBucket(t.Context(), "bucket", nil); err != nil {
		t.Fatal(err)
	}
	var last string
	for _, body := range []string{"one", "two"} {
		info, err := s.Put(t.Context(), "bucket", "k", strings.NewReader(body), nil)
		if err != nil {
			t.Fatal(err)
		}
		last = info.VersionID
	}
	a := &deleting{archive: archive{files: map[string][]byte{}}, delete: func() {
		if _, err := s.Delete(t.Context(), "bucket", "k", &blob.DeleteOptions{VersionID: last}); err != nil {
			t.Fatal(err)
		}
		if err := s.emptyTrash(context.Background()); err != nil {
			t.Fatal(err)
		}
	}}
	if err := Backup(t.Context(), dir, a); err != nil {
		t.Fatal(err)
	}
	back, err := a.restore(t)
	if err != nil {
		t.Fatal(err)
	}
	if got := text(t, back, "k", ""); got != "one" {
		t.Errorf("newest version: %q", got)
	}
}

// deleting deletes something when the first file was copied.
type deleting struct {
	archive
	delete func()
}

func (d *deleting) Add(name string, size int64, from io.Reader) error {
	err := d.archive.Add(name, size, from)
	if d.delete != nil {
		d.delete()
		d.delete = nil
	}
	return err
}

// TestBackupSeesDamage: a file that is missing though its object is there is no
// deletion; neither is one that a restore lacks.
func TestBackupSeesDamage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.EnsureBucket(t.Context(), "bucket", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(t.Context(), "bucket", "k", strings.NewReader("one"), nil); err != nil {
		t.Fatal(err)
	}
	a := &archive{files: map[string][]byte{}}
	if err := Backup(t.Context(), dir, a); err != nil {
		t.Fatal(err)
	}
	object := a.names[0]
	a.files[object] = a.files[object][:1]
	if _, err := a.restore(t); err == nil || !strings.Contains(err.Error(), "has 1 bytes, not 3") {
		t.Errorf("restored with a file that is too short: %v", err)
	}
	a.names = a.names[1:]
	if _, err := a.restore(t); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("restored without a file: %v", err)
	}
	if err := os.Remove(filepath.Join(dir, object)); err != nil {
		t.Fatal(err)
	}
	err = Backup(t.Context(), dir, &archive{files: map[string][]byte{}})
	if err == nil || !strings.Contains(err.Error(), "bucket/k is missing") {
		t.Errorf("backup without the file of an object: %v", err)
	}
}

package fileblob

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"penstock/internal/blob"
	"penstock/internal/blob/blobtest"
	"penstock/internal/sqlite"
)

func openStore(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestContract(t *testing.T) {
	t.Parallel()
	blobtest.Run(t, func(t *testing.T) blob.Store { return openStore(t, t.TempDir()) })
}

// filesIn counts the files with object bytes, temporary ones too.
func filesIn(t *testing.T, dir string) int {
	t.Helper()
	n := 0
	for _, folder := range []string{objectsFolder, tempFolder} {
		err := filepath.WalkDir(filepath.Join(dir, folder), func(_ string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				n++
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return n
}

func ready(t *testing.T, dir string) *Store {
	t.Helper()
	s := openStore(t, dir)
	if err := s.EnsureBucket(t.Context(), "bucket", nil); err != nil {
		t.Fatal(err)
	}
	return s
}

func mustPut(t *testing.T, s *Store, key, content string) blob.Info {
	t.Helper()
	info, err := s.Put(t.Context(), "bucket", key, strings.NewReader(content), nil)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func TestOrphansAreSweptAtTheNextStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := ready(t, dir)
	mustPut(t, s, "kept", "kept")
	// What a process leaves that dies between rename and commit, and one
	// that dies while it writes.
	orphan, err := s.files.store(func(w io.Writer) error { _, err := io.WriteString(w, "orphan"); return err })
	if err != nil {
		t.Fatal(err)
	}
	if err := s.files.root.WriteFile(filepath.Join(tempFolder, "half"), []byte("ha"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.Close()

	s = openStore(t, dir)
	if err := s.sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, path(orphan))); !os.IsNotExist(err) {
		t.Errorf("the orphan is still there: %v", err)
	}
	if n := filesIn(t, dir); n != 1 {
		t.Errorf("%d files, want that of the kept object only", n)
	}
	mustPut(t, s, "new", "new")
	for _, key := range []string{"kept", "new"} {
		object, err := s.Get(t.Context(), "bucket", key, nil)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(object.Body); err != nil || string(text) != key {
			t.Errorf("%s: %q, %v", key, text, err)
		}
		object.Body.Close()
	}
}

func TestSweepSparesFilesInTheMaking(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := ready(t, dir)
	fresh, err := s.files.store(func(io.Writer) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	if err := s.sweepFolder(t.Context(), filepath.Dir(path(fresh))); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, path(fresh))); err != nil {
		t.Errorf("the file was swept before its row could come: %v", err)
	}
	s.files.settled(fresh)
	if err := s.sweepFolder(t.Context(), filepath.Dir(path(fresh))); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, path(fresh))); !os.IsNotExist(err) {
		t.Errorf("the file without a row is still there: %v", err)
	}
}

func TestDeletedFilesAreRemoved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := ready(t, dir)
	a := mustPut(t, s, "a", "content")
	if err := s.SetVersioning(t.Context(), "bucket", blob.Suspended); err != nil {
		t.Fatal(err)
	}
	mustPut(t, s, "b", "one")
	mustPut(t, s, "b", "two") // takes the place of one
	object, err := s.Get(t.Context(), "bucket", "a", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Delete(t.Context(), "bucket", "a", &blob.DeleteOptions{VersionID: a.VersionID}); err != nil {
		t.Fatal(err)
	}
	if err := s.emptyTrash(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := filesIn(t, dir); n != 2 {
		t.Errorf("%d files, want those of two and of a, which is being read", n)
	}
	object.Body.Close()
	if err := s.emptyTrash(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := filesIn(t, dir); n != 1 {
		t.Errorf("%d files, want that of two", n)
	}
}

func TestRefusedPutLeavesNoFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := ready(t, dir)
	for i := range 3 {
		_, err := s.Put(t.Context(), "bucket", fmt.Sprint(i), strings.NewReader("x"), &blob.PutOptions{MD5: make([]byte, 16)})
		if blob.CodeOf(err) != blob.BadDigest {
			t.Fatal(err)
		}
	}
	if n := filesIn(t, dir); n != 0 {
		t.Errorf("%d files are left", n)
	}
}

func TestMultipartLifeOfFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := ready(t, dir)
	u, err := s.CreateUpload(t.Context(), "bucket", "k", nil)
	if err != nil {
		t.Fatal(err)
	}
	upload := func(n int, content []byte) blob.CompletedPart {
		t.Helper()
		p, err := s.UploadPart(t.Context(), u.UploadID, n, bytes.NewReader(content), nil)
		if err != nil {
			t.Fatal(err)
		}
		return blob.CompletedPart{Number: n, ETag: p.ETag}
	}
	first, second := bytes.Repeat([]byte("a"), blob.MinPartSize), []byte("end")
	upload(1, []byte("replaced"))
	parts := []blob.CompletedPart{upload(1, first), upload(7, second)}
	upload(9, []byte("not listed"))
	if _, err := s.CompleteUpload(t.Context(), u.UploadID, parts, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.emptyTrash(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := filesIn(t, dir); n != 2 {
		t.Errorf("%d files, want those of the two parts", n)
	}
	whole := append(first, second...)
	for _, r := range []*blob.Range{nil, {Offset: 10, Length: -1}, {Offset: int64(len(first)) - 1, Length: 2}, {Offset: int64(len(first)), Length: 3}} {
		object, err := s.Get(t.Context(), "bucket", "k", &blob.GetOptions{Range: r})
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(object.Body)
		object.Body.Close()
		if want := whole[object.Offset : object.Offset+object.Length]; err != nil || !bytes.Equal(text, want) {
			t.Errorf("range %+v: %d bytes, %v; want %d", r, len(text), err, len(want))
		}
		var copied bytes.Buffer
		object, err = s.Get(t.Context(), "bucket", "k", &blob.GetOptions{Range: r})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(&copied, object.Body); err != nil || !bytes.Equal(copied.Bytes(), text) {
			t.Errorf("range %+v: WriteTo gives %d bytes, %v", r, copied.Len(), err)
		}
		object.Body.Close()
	}
	// A copy of a multipart object is one piece with the ETag of one.
	info, err := s.Copy(t.Context(), blob.Source{Bucket: "bucket", Key: "k"}, "bucket", "copy", nil)
	if err != nil || strings.Contains(info.ETag, "-") || info.Parts != nil {
		t.Errorf("copy: %+v, %v", info, err)
	}

	u, err = s.CreateUpload(t.Context(), "bucket", "k", nil)
	if err != nil {
		t.Fatal(err)
	}
	upload(1, first)
	before := filesIn(t, dir)
	if err := s.AbortUpload(t.Context(), u.UploadID); err != nil {
		t.Fatal(err)
	}
	if err := s.emptyTrash(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := filesIn(t, dir); n != before-1 {
		t.Errorf("%d files after the abort, %d before", n, before)
	}
	_, err = s.UploadPart(t.Context(), u.UploadID, 1, bytes.NewReader(first), nil)
	if blob.CodeOf(err) != blob.NoSuchUpload {
		t.Errorf("a part of an aborted upload: %v", err)
	}
}

func TestSuspendedVersioning(t *testing.T) {
	t.Parallel()
	s := ready(t, t.TempDir())
	old := mustPut(t, s, "k", "versioned")
	if err := s.SetVersioning(t.Context(), "bucket", blob.Suspended); err != nil {
		t.Fatal(err)
	}
	for _, content := range []string{"null one", "null two"} {
		if info := mustPut(t, s, "k", content); info.VersionID != nullVersion {
			t.Errorf("version %s, want null", info.VersionID)
		}
	}
	page, err := s.ListVersions(t.Context(), "bucket", nil)
	if err != nil || len(page.Versions) != 2 || page.Versions[0].VersionID != nullVersion || page.Versions[1].VersionID != old.VersionID {
		t.Fatalf("versions %+v, %v", page.Versions, err)
	}
	if d, err := s.Delete(t.Context(), "bucket", "k", nil); err != nil || !d.Marker || d.VersionID != nullVersion {
		t.Errorf("delete: %+v, %v", d, err)
	}
	page, err = s.ListVersions(t.Context(), "bucket", nil)
	if err != nil || len(page.Versions) != 2 || !page.Versions[0].Marker {
		t.Errorf("versions %+v, %v", page.Versions, err)
	}
	if err := s.SetVersioning(t.Context(), "bucket", blob.Enabled); err != nil {
		t.Fatal(err)
	}
	if info := mustPut(t, s, "k", "again"); info.VersionID == nullVersion {
		t.Error("a version of an enabled bucket is null")
	}
}

func TestListVersionsPages(t *testing.T) {
	t.Parallel()
	s := ready(t, t.TempDir())
	var want []string
	for _, key := range []string{"a", "b/x", "b/y", "c"} {
		var ids []string
		for range 3 {
			ids = append([]string{key + " " + mustPut(t, s, key, "x").VersionID}, ids...)
		}
		want = append(want, ids...)
	}
	for size := 1; size <= 13; size++ {
		var got []string
		o := blob.VersionsOptions{Max: size}
		for {
			page, err := s.ListVersions(t.Context(), "bucket", &o)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range page.Versions {
				got = append(got, v.Key+" "+v.VersionID)
			}
			if page.NextKey == "" {
				break
			}
			o.KeyMarker, o.VersionMarker = page.NextKey, page.NextVersion
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("pages of %d:\n%v, want\n%v", size, got, want)
		}
	}
	page, err := s.ListVersions(t.Context(), "bucket", &blob.VersionsOptions{Delimiter: "/"})
	if err != nil || len(page.Versions) != 6 || fmt.Sprint(page.Prefixes) != "[b/]" {
		t.Errorf("with a delimiter: %+v, %v", page, err)
	}
}

func TestListUploadsPages(t *testing.T) {
	t.Parallel()
	s := ready(t, t.TempDir())
	var want []string
	for _, key := range []string{"a", "b/x", "b/y"} {
		for range 3 {
			u, err := s.CreateUpload(t.Context(), "bucket", key, nil)
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, u.ID)
		}
	}
	for size := 1; size <= 10; size++ {
		var got []string
		o := blob.UploadsOptions{Max: size}
		for {
			page, err := s.ListUploads(t.Context(), "bucket", &o)
			if err != nil {
				t.Fatal(err)
			}
			for _, u := range page.Uploads {
				got = append(got, u.ID)
			}
			if page.NextKey == "" {
				break
			}
			o.KeyMarker, o.IDMarker = page.NextKey, page.NextID
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("pages of %d:\n%v, want\n%v", size, got, want)
		}
	}
}

func TestOnPut(t *testing.T) {
	t.Parallel()
	s := openStore(t, t.TempDir())
	if err := s.EnsureBucket(t.Context(), "bucket", &blob.BucketOptions{Owner: "me", Region: "here"}); err != nil {
		t.Fatal(err)
	}
	var heard []string
	s.OnPut(func(w blob.Written) {
		heard = append(heard, strings.Join([]string{w.Operation, w.Bucket, w.Key, w.VersionID, w.ETag, w.Owner, w.Region}, " "))
	})
	a := mustPut(t, s, "a", "x")
	b, err := s.Copy(t.Context(), blob.Source{Bucket: "bucket", Key: "a"}, "bucket", "b", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Delete(t.Context(), "bucket", "a", nil); err != nil {
		t.Fatal(err)
	}
	upload, err := s.CreateUpload(t.Context(), "bucket", "c", nil)
	if err != nil {
		t.Fatal(err)
	}
	part, err := s.UploadPart(t.Context(), upload.UploadID, 1, strings.NewReader("x"), nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.CompleteUpload(t.Context(), upload.UploadID, []blob.CompletedPart{{Number: 1, ETag: part.ETag}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"PutObject bucket a " + a.VersionID + " " + a.ETag + " me here", "CopyObject bucket b " + b.VersionID + " " + b.ETag + " me here",
		"CompleteMultipartUpload bucket c " + c.VersionID + " " + c.ETag + " me here",
	}
	if fmt.Sprint(heard) != fmt.Sprint(want) {
		t.Errorf("heard %v, want %v", heard, want)
	}
}

func TestSeveralPutsShareTheIndexAndSurviveReopening(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := ready(t, dir)
	first := mustPut(t, s, "k", "1")
	s.Close()
	s = openStore(t, dir)
	second := mustPut(t, s, "k", "2")
	if second.VersionID <= first.VersionID {
		t.Errorf("version ids do not grow over a restart: %s, %s", first.VersionID, second.VersionID)
	}
	if _, err := Open(dir, nil); err == nil {
		t.Error("a second opener got in")
	}
}

func TestEnsureBucketOfAnotherAccount(t *testing.T) {
	t.Parallel()
	s := openStore(t, t.TempDir())
	for _, tc := range []struct {
		owner string
		want  blob.Code
	}{{"111111111111", ""}, {"111111111111", ""}, {"", ""}, {"222222222222", blob.AccessDenied}} {
		err := s.EnsureBucket(t.Context(), "owned", &blob.BucketOptions{Owner: tc.owner})
		if blob.CodeOf(err) != tc.want || tc.want == "" && err != nil {
			t.Errorf("as %q: %v, want %q", tc.owner, err, tc.want)
		}
	}
}

// TestListingSeeks proves that listings are answered by an index: a page's
// cost is its own length.
func TestListingSeeks(t *testing.T) {
	t.Parallel()
	s := ready(t, t.TempDir())
	for name, sql := range map[string]string{"versions": versionsFrom, "versions of a key": versionsOf} {
		err := s.db.View(t.Context(), func(tx *sqlite.Tx) error {
			rows := tx.Query(`EXPLAIN QUERY PLAN `+sql, 1, []byte("a"), []byte("b"), 10)
			for rows.Next() {
				if plan := rows.Text(3); !strings.HasPrefix(plan, "SEARCH") {
					t.Errorf("%s: %s", name, plan)
				}
			}
			return rows.Err()
		})
		if err != nil {
			t.Error(err)
		}
	}
}

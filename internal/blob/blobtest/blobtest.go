// Package blobtest is the contract of blob.Store as tests. A driver's own test
// file calls Run.
package blobtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"penstock/internal/blob"
)

const bucket = "contract-bucket"

// awkward are keys that are names, whatever they look like.
var awkward = []string{
	"a", "a/b/c", "//", "/a", "a//b", "a/", "..", "../../etc/passwd", "a/../b", "./a", "sp ace", "pl+us", "per%2Fcent", "q?m",
	"h#sh", "ünï/日本", "nl\nx", "\\back", "~", strings.Repeat("k", blob.MaxKey),
}

// Run checks a store. open returns a store without objects, with versioning.
func Run(t *testing.T, open func(t *testing.T) blob.Store) {
	for name, test := range map[string]func(*testing.T, blob.Store){
		"EnsureBucketTwice":        ensureBucketTwice,
		"AbsentThings":             absentThings,
		"AwkwardKeys":              awkwardKeys,
		"AttributesAreKept":        attributesAreKept,
		"VersionsOfAKey":           versionsOfAKey,
		"DeleteMarkers":            deleteMarkers,
		"Ranges":                   ranges,
		"ConditionalReads":         conditionalReads,
		"ConditionalWrites":        conditionalWrites,
		"ConditionalRace":          conditionalRace,
		"RefusedBodiesAreAbsent":   refusedBodiesAreAbsent,
		"Copies":                   copies,
		"ListPages":                listPages,
		"ListDelimiter":            listDelimiter,
		"ListOrderIsThatOfBytes":   listOrder,
		"ReadersOutliveDeletion":   readersOutliveDeletion,
		"ConcurrentPutsAreWhole":   concurrentPuts,
		"CancelledContextIsNotPut": cancelledContext,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			if err := s.EnsureBucket(t.Context(), bucket, nil); err != nil {
				t.Fatal(err)
			}
			test(t, s)
		})
	}
}

func put(t *testing.T, s blob.Store, key, content string) blob.Info {
	t.Helper()
	info, err := s.Put(t.Context(), bucket, key, strings.NewReader(content), nil)
	if err != nil {
		t.Fatalf("put %q: %v", key, err)
	}
	return info
}

func get(t *testing.T, s blob.Store, key string, o *blob.GetOptions) string {
	t.Helper()
	object, err := s.Get(t.Context(), bucket, key, o)
	if err != nil {
		t.Fatalf("get %q: %v", key, err)
	}
	defer object.Body.Close()
	text, err := io.ReadAll(object.Body)
	if err != nil {
		t.Fatalf("read %q: %v", key, err)
	}
	if int64(len(text)) != object.Length {
		t.Errorf("get %q: %d bytes, Length says %d", key, len(text), object.Length)
	}
	return string(text)
}

func wantCode(t *testing.T, what string, err error, codes ...blob.Code) {
	t.Helper()
	for _, c := range codes {
		if blob.CodeOf(err) == c {
			return
		}
	}
	t.Errorf("%s: error %v, want one of %v", what, err, codes)
}

func ensureBucketTwice(t *testing.T, s blob.Store) {
	put(t, s, "k", "v")
	if err := s.EnsureBucket(t.Context(), bucket, nil); err != nil {
		t.Fatal(err)
	}
	if got := get(t, s, "k", nil); got != "v" {
		t.Errorf("the object is %q after EnsureBucket", got)
	}
	if err := s.EnsureBucket(t.Context(), "No_Bucket", nil); err == nil {
		t.Error("a bucket with an invalid name was made")
	}
}

func absentThings(t *testing.T, s blob.Store) {
	_, err := s.Head(t.Context(), bucket, "absent", nil)
	wantCode(t, "Head", err, blob.NoSuchKey)
	_, err = s.Get(t.Context(), bucket, "absent", nil)
	wantCode(t, "Get", err, blob.NoSuchKey)
	_, err = s.Get(t.Context(), "absent-bucket", "k", nil)
	wantCode(t, "Get of another bucket", err, blob.NoSuchBucket)
	_, err = s.List(t.Context(), "absent-bucket", nil)
	wantCode(t, "List of another bucket", err, blob.NoSuchBucket)
	_, err = s.Put(t.Context(), "absent-bucket", "k", strings.NewReader("v"), nil)
	wantCode(t, "Put to another bucket", err, blob.NoSuchBucket)
	_, err = s.Copy(t.Context(), blob.Source{Bucket: bucket, Key: "absent"}, bucket, "k", nil)
	wantCode(t, "Copy", err, blob.NoSuchKey)
	put(t, s, "k", "v")
	_, err = s.Get(t.Context(), bucket, "k", &blob.GetOptions{VersionID: "0000000000002D7XMLTANR4EZXDYB27F"})
	wantCode(t, "Get of a version", err, blob.NoSuchVersion)
	_, err = s.Put(t.Context(), bucket, "", strings.NewReader("v"), nil)
	wantCode(t, "Put without a key", err, blob.InvalidArgument)
	_, err = s.Put(t.Context(), bucket, strings.Repeat("k", blob.MaxKey+1), strings.NewReader("v"), nil)
	wantCode(t, "Put with a long key", err, blob.KeyTooLong)
}

func awkwardKeys(t *testing.T, s blob.Store) {
	for _, key := range awkward {
		put(t, s, key, "content of "+key)
	}
	for _, key := range awkward {
		if got := get(t, s, key, nil); got != "content of "+key {
			t.Errorf("%q holds %q", key, got)
		}
	}
	page, err := s.List(t.Context(), bucket, nil)
	if err != nil || len(page.Objects) != len(awkward) {
		t.Errorf("list has %d objects, %v; want %d", len(page.Objects), err, len(awkward))
	}
}

func attributesAreKept(t *testing.T, s blob.Store) {
	length := int64(4)
	want := blob.Attributes{
		ContentType: "text/x-test", CacheControl: "max-age=1", ContentDisposition: "inline", ContentEncoding: "x-none",
		ContentLanguage: "de", Metadata: map[string]string{"one": "1", "two": "zwei"},
		Encryption: blob.Encryption{Algorithm: "aws:kms", KMSKeyID: "arn:aws:kms:eu-west-1:000000000000:key/x"},
	}
	made, err := s.Put(t.Context(), bucket, "k", strings.NewReader("text"), &blob.PutOptions{Attributes: want, Length: &length, Algorithm: blob.SHA256})
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Head(t.Context(), bucket, "k", nil)
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(got.Attributes) != fmt.Sprint(want) {
		t.Errorf("attributes\n%+v, want\n%+v", got.Attributes, want)
	}
	const md5 = `"1cb251ec0d568de6a929b520c4aed8d1"`
	if got.ETag != md5 || made.ETag != md5 || got.Size != 4 || got.VersionID == "" || got.VersionID != made.VersionID {
		t.Errorf("put gave %+v, head %+v", made, got)
	}
	if age := time.Since(got.Modified); age < -time.Minute || age > time.Minute {
		t.Errorf("modified %v", got.Modified)
	}
}

func versionsOfAKey(t *testing.T, s blob.Store) {
	one, two := put(t, s, "k", "one"), put(t, s, "k", "two")
	if one.VersionID == two.VersionID {
		t.Fatalf("both versions are %s", one.VersionID)
	}
	if got := get(t, s, "k", nil); got != "two" {
		t.Errorf("newest is %q", got)
	}
	if got := get(t, s, "k", &blob.GetOptions{VersionID: one.VersionID}); got != "one" {
		t.Errorf("first is %q", got)
	}
	if _, err := s.Delete(t.Context(), bucket, "k", &blob.DeleteOptions{VersionID: two.VersionID}); err != nil {
		t.Fatal(err)
	}
	if got := get(t, s, "k", nil); got != "one" {
		t.Errorf("after the newest version was removed the object is %q", got)
	}
}

func deleteMarkers(t *testing.T, s blob.Store) {
	one := put(t, s, "k", "one")
	gone, err := s.Delete(t.Context(), bucket, "k", nil)
	if err != nil || !gone.Marker || gone.VersionID == "" {
		t.Fatalf("delete: %+v, %v", gone, err)
	}
	_, err = s.Get(t.Context(), bucket, "k", nil)
	wantCode(t, "Get behind a marker", err, blob.NoSuchKey)
	if got := get(t, s, "k", &blob.GetOptions{VersionID: one.VersionID}); got != "one" {
		t.Errorf("the version behind the marker is %q", got)
	}
	if page, err := s.List(t.Context(), bucket, nil); err != nil || len(page.Objects) != 0 {
		t.Errorf("list: %+v, %v", page, err)
	}
	_, err = s.Get(t.Context(), bucket, "k", &blob.GetOptions{VersionID: gone.VersionID})
	wantCode(t, "Get of the marker", err, blob.MethodNotAllowed)
	undone, err := s.Delete(t.Context(), bucket, "k", &blob.DeleteOptions{VersionID: gone.VersionID})
	if err != nil || !undone.Marker {
		t.Errorf("removing the marker: %+v, %v", undone, err)
	}
	if got := get(t, s, "k", nil); got != "one" {
		t.Errorf("after the marker was removed the object is %q", got)
	}
	if _, err := s.Delete(t.Context(), bucket, "never", nil); err != nil {
		t.Errorf("deleting what does not exist: %v", err)
	}
}

func ranges(t *testing.T, s blob.Store) {
	put(t, s, "k", "0123456789")
	for _, tc := range []struct {
		r    blob.Range
		want string
	}{
		{blob.Range{Offset: 0, Length: 1}, "0"}, {blob.Range{Offset: 3, Length: 4}, "3456"}, {blob.Range{Offset: 8, Length: -1}, "89"},
		{blob.Range{Offset: 8, Length: 100}, "89"}, {blob.Range{Offset: -3}, "789"}, {blob.Range{Offset: -30}, "0123456789"},
	} {
		if got := get(t, s, "k", &blob.GetOptions{Range: &tc.r}); got != tc.want {
			t.Errorf("%+v: %q, want %q", tc.r, got, tc.want)
		}
	}
	_, err := s.Get(t.Context(), bucket, "k", &blob.GetOptions{Range: &blob.Range{Offset: 10, Length: 1}})
	wantCode(t, "a range behind the end", err, blob.InvalidRange)
	put(t, s, "empty", "")
	if got := get(t, s, "empty", nil); got != "" {
		t.Errorf("empty object: %q", got)
	}
}

func conditionalReads(t *testing.T, s blob.Store) {
	info := put(t, s, "k", "v")
	_, err := s.Get(t.Context(), bucket, "k", &blob.GetOptions{If: blob.Conditions{IfMatch: `"x"`}})
	wantCode(t, "If-Match", err, blob.PreconditionFailed)
	_, err = s.Get(t.Context(), bucket, "k", &blob.GetOptions{If: blob.Conditions{IfNoneMatch: info.ETag}})
	wantCode(t, "If-None-Match", err, blob.NotModified)
	if got := get(t, s, "k", &blob.GetOptions{If: blob.Conditions{IfMatch: info.ETag}}); got != "v" {
		t.Errorf("read %q", got)
	}
}

func conditionalWrites(t *testing.T, s blob.Store) {
	write := func(content string, c blob.Conditions) error {
		_, err := s.Put(t.Context(), bucket, "k", strings.NewReader(content), &blob.PutOptions{If: c})
		return err
	}
	if err := write("1", blob.Conditions{IfNoneMatch: "*"}); err != nil {
		t.Fatal(err)
	}
	wantCode(t, "If-None-Match of a present key", write("2", blob.Conditions{IfNoneMatch: "*"}), blob.PreconditionFailed)
	wantCode(t, "If-Match of another ETag", write("3", blob.Conditions{IfMatch: `"x"`}), blob.PreconditionFailed)
	info, err := s.Head(t.Context(), bucket, "k", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := write("4", blob.Conditions{IfMatch: info.ETag}); err != nil {
		t.Errorf("If-Match of the ETag: %v", err)
	}
	if got := get(t, s, "k", nil); got != "4" {
		t.Errorf("content is %q", got)
	}
	if _, err := s.Delete(t.Context(), bucket, "k", nil); err != nil {
		t.Fatal(err)
	}
	if err := write("5", blob.Conditions{IfNoneMatch: "*"}); err != nil {
		t.Errorf("If-None-Match behind a delete marker: %v", err)
	}
}

func conditionalRace(t *testing.T, s blob.Store) {
	var won sync.Map
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			content := fmt.Sprint("writer ", i)
			_, err := s.Put(t.Context(), bucket, "k", strings.NewReader(content), &blob.PutOptions{If: blob.Conditions{IfNoneMatch: "*"}})
			if err == nil {
				won.Store(content, true)
			} else {
				wantCode(t, content, err, blob.PreconditionFailed)
			}
		})
	}
	all.Wait()
	winners := 0
	won.Range(func(k, _ any) bool {
		winners++
		if got := get(t, s, "k", nil); got != k {
			t.Errorf("%v won, the object is %q", k, got)
		}
		return true
	})
	if winners != 1 {
		t.Errorf("%d writers won, want one", winners)
	}
}

func refusedBodiesAreAbsent(t *testing.T, s blob.Store) {
	put(t, s, "k", "old")
	broken := errors.New("broken body")
	long := int64(10)
	for name, try := range map[string]func() error{
		"a body that fails": func() error {
			body := io.MultiReader(strings.NewReader("some bytes"), iotest.ErrReader(broken))
			_, err := s.Put(t.Context(), bucket, "k", body, nil)
			return err
		},
		"a body that is short": func() error {
			_, err := s.Put(t.Context(), bucket, "k", strings.NewReader("short"), &blob.PutOptions{Length: &long})
			return err
		},
		"a wrong digest": func() error {
			_, err := s.Put(t.Context(), bucket, "k", strings.NewReader("content"), &blob.PutOptions{MD5: make([]byte, 16)})
			return err
		},
		"a check that fails": func() error {
			_, err := s.Put(t.Context(), bucket, "k", strings.NewReader("content"), &blob.PutOptions{
				Algorithm: blob.CRC32, Check: func(blob.Checksum) error { return broken },
			})
			return err
		},
	} {
		if err := try(); err == nil {
			t.Errorf("%s was stored", name)
		}
		if got := get(t, s, "k", nil); got != "old" {
			t.Errorf("after %s the object is %q", name, got)
		}
	}
}

func copies(t *testing.T, s blob.Store) {
	first, err := s.Put(t.Context(), bucket, "a", strings.NewReader("one"), &blob.PutOptions{Attributes: blob.Attributes{
		ContentType: "text/a", Metadata: map[string]string{"m": "1"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, "a", "two")
	made, err := s.Copy(t.Context(), blob.Source{Bucket: bucket, Key: "a", VersionID: first.VersionID}, bucket, "b/../ü?", nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := get(t, s, "b/../ü?", nil); got != "one" || made.ETag != first.ETag {
		t.Errorf("copy is %q with %s", got, made.ETag)
	}
	if info, err := s.Head(t.Context(), bucket, "b/../ü?", nil); err != nil || info.ContentType != "text/a" || info.Metadata["m"] != "1" {
		t.Errorf("attributes of the copy: %+v, %v", info.Attributes, err)
	}
	if _, err := s.Copy(t.Context(), blob.Source{Bucket: bucket, Key: "a"}, bucket, "c", &blob.CopyOptions{Replace: &blob.Attributes{ContentType: "text/c"}}); err != nil {
		t.Fatal(err)
	}
	if info, err := s.Head(t.Context(), bucket, "c", nil); err != nil || info.ContentType != "text/c" || len(info.Metadata) != 0 {
		t.Errorf("attributes that replace: %+v, %v", info.Attributes, err)
	}
	// The copy is its own object.
	if _, err := s.Delete(t.Context(), bucket, "a", &blob.DeleteOptions{VersionID: first.VersionID}); err != nil {
		t.Fatal(err)
	}
	if got := get(t, s, "b/../ü?", nil); got != "one" {
		t.Errorf("after the source was removed the copy is %q", got)
	}
}

func readersOutliveDeletion(t *testing.T, s blob.Store) {
	content := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	info, err := s.Put(t.Context(), bucket, "k", bytes.NewReader(content), nil)
	if err != nil {
		t.Fatal(err)
	}
	object, err := s.Get(t.Context(), bucket, "k", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer object.Body.Close()
	if _, err := s.Delete(t.Context(), bucket, "k", &blob.DeleteOptions{VersionID: info.VersionID}); err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(object.Body); err != nil || !bytes.Equal(text, content) {
		t.Errorf("read %d bytes, %v", len(text), err)
	}
	_, err = s.Head(t.Context(), bucket, "k", nil)
	wantCode(t, "after the deletion", err, blob.NoSuchKey)
}

func concurrentPuts(t *testing.T, s blob.Store) {
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			content := strings.Repeat(string(rune('a'+i)), 100_000)
			if _, err := s.Put(t.Context(), bucket, "k", strings.NewReader(content), nil); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	got := get(t, s, "k", nil)
	if len(got) != 100_000 || strings.Count(got, got[:1]) != len(got) {
		t.Error("the object is mixed of several writes")
	}
}

func cancelledContext(t *testing.T, s blob.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Put(ctx, bucket, "k", strings.NewReader("v"), nil); err == nil {
		t.Error("put with a cancelled context")
	}
	_, err := s.Head(t.Context(), bucket, "k", nil)
	wantCode(t, "afterwards", err, blob.NoSuchKey)
}

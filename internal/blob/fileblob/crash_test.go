package fileblob

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"penstock/internal/blob"
)

// crashDir names the folder in the environment of the process that is killed.
const crashDir = "PENSTOCK_TEST_CRASH_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		fmt.Fprintln(os.Stderr, writeForever(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// expected is the content that belongs to a key: its length and bytes follow
// from the key, so that a reader needs nothing else to check it.
func expected(key string) []byte {
	h := fnv.New64a()
	io.WriteString(h, key)
	r := rand.New(rand.NewPCG(h.Sum64(), 1))
	size := r.IntN(200_000)
	if strings.HasPrefix(key, "parts/") {
		size += blob.MinPartSize
	}
	return bytes.Repeat([]byte(key+"\n"), size/(len(key)+1)+1)
}

// writeForever stores objects from several goroutines and prints each key
// when it was acknowledged.
func writeForever(dir string) error {
	s, err := Open(dir, nil)
	if err != nil {
		return err
	}
	ctx := context.Background()
	if err := s.EnsureBucket(ctx, "bucket", nil); err != nil {
		return err
	}
	var out sync.Mutex
	failed := make(chan error)
	for range 4 {
		go func() {
			for n := 0; ; n++ {
				key := fmt.Sprintf("whole/%016x", rand.Uint64())
				var err error
				if n%8 == 7 {
					key = "parts" + strings.TrimPrefix(key, "whole")
					err = putInParts(ctx, s, key)
				} else {
					_, err = s.Put(ctx, "bucket", key, bytes.NewReader(expected(key)), nil)
				}
				if err != nil {
					failed <- err
					return
				}
				out.Lock()
				fmt.Println(key)
				out.Unlock()
			}
		}()
	}
	return <-failed
}

func putInParts(ctx context.Context, s *Store, key string) error {
	u, err := s.CreateUpload(ctx, "bucket", key, nil)
	if err != nil {
		return err
	}
	content := expected(key)
	var parts []blob.CompletedPart
	for i, part := range [][]byte{content[:blob.MinPartSize], content[blob.MinPartSize:]} {
		p, err := s.UploadPart(ctx, u.UploadID, i+1, bytes.NewReader(part), nil)
		if err != nil {
			return err
		}
		parts = append(parts, blob.CompletedPart{Number: i + 1, ETag: p.ETag})
	}
	_, err = s.CompleteUpload(ctx, u.UploadID, parts, nil)
	return err
}

// TestKilledWhileWriting kills a writing process several times. Afterwards
// every acknowledged object is whole, nothing that is visible is partial, and
// no file is left that no row names.
func TestKilledWhileWriting(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var acknowledged []string
	for round := range 4 {
		child := exec.CommandContext(t.Context(), os.Args[0])
		child.Env = append(os.Environ(), crashDir+"="+dir)
		var problems bytes.Buffer
		child.Stderr = &problems
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			acknowledged = append(acknowledged, lines.Text())
			if n == 15+7*round {
				if err := child.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		child.Wait()
		if problems.Len() > 0 {
			t.Fatalf("the writer failed: %s", problems.String())
		}
	}

	s := openStore(t, dir)
	check := func(key string) {
		object, err := s.Get(t.Context(), "bucket", key, nil)
		if err != nil {
			t.Errorf("%s: %v", key, err)
			return
		}
		defer object.Body.Close()
		if got, err := io.ReadAll(object.Body); err != nil || !bytes.Equal(got, expected(key)) {
			t.Errorf("%s: %d bytes of %d, %v", key, len(got), len(expected(key)), err)
		}
	}
	for _, key := range acknowledged {
		check(key)
	}
	page, err := s.List(t.Context(), "bucket", nil)
	if err != nil || len(page.Objects) < len(acknowledged) {
		t.Fatalf("%d objects are visible, %d were acknowledged; %v", len(page.Objects), len(acknowledged), err)
	}
	files := 0
	for _, info := range page.Objects {
		check(info.Key)
		files++
		if strings.HasPrefix(info.Key, "parts/") {
			files++
		}
	}
	uploads, err := s.ListUploads(t.Context(), "bucket", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range uploads.Uploads {
		if err := s.AbortUpload(t.Context(), u.UploadID); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.emptyTrash(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := filesIn(t, dir); n != files {
		t.Errorf("%d files on the disk, %d belong to objects", n, files)
	}
}

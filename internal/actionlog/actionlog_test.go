package actionlog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"penstock/internal/blob/fileblob"
)

const id = "01a201f5-69b0-7644-b0c6-3f4cd6081812"

// fixture is logs over an embedded store; again opens them anew, as after a
// crash: what was open then stays in the spool.
type fixture struct {
	*testing.T
	*Logs
	store *fileblob.Store
	spool string
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	store, err := fileblob.Open(filepath.Join(t.TempDir(), "store"), &fileblob.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	f := &fixture{T: t, store: store, spool: filepath.Join(t.TempDir(), "spool")}
	f.again()
	return f
}

func (f *fixture) again() {
	f.Helper()
	l, err := Open(f.spool, f.store, Bucket)
	f.ok(err)
	f.Logs = l
	f.Cleanup(func() { l.Close() })
	f.ok(l.Recover(f.Context()))
}

func (f *fixture) ok(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) writer() io.WriteCloser {
	f.Helper()
	w, err := f.Writer(f.Context(), id)
	f.ok(err)
	return w
}

func (f *fixture) write(w io.Writer, s string) {
	f.Helper()
	_, err := io.WriteString(w, s)
	f.ok(err)
}

// expect reads a piece without waiting.
func (f *fixture) expect(offset int64, max int, want string, ended bool) {
	f.Helper()
	c, err := f.Read(f.Context(), id, offset, max, 0)
	f.ok(err)
	if string(c.Content) != want || c.Ended != ended || c.Next != offset+int64(len(want)) {
		f.Errorf("from %d: %q, next %d, ended %v; want %q, ended %v", offset, c.Content, c.Next, c.Ended, want, ended)
	}
}

func (f *fixture) spooled() int {
	f.Helper()
	list, err := os.ReadDir(f.spool)
	f.ok(err)
	return len(list)
}

// A log reads the same while it grows, when it has ended and after a restart.
func TestReadAlong(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.expect(0, 10, "", false)
	w := f.writer()
	f.expect(0, 10, "", false)
	f.write(w, "one\n")
	f.expect(0, 10, "one\n", false)
	f.write(w, "two\n")
	f.expect(4, 10, "two\n", false)
	f.expect(2, 3, "e\nt", false)
	f.expect(8, 10, "", false)
	f.expect(99, 10, "", false)
	f.ok(w.Close())
	ended := func() {
		f.Helper()
		f.expect(0, 100, "one\ntwo\n", true)
		f.expect(0, 8, "one\ntwo\n", true)
		f.expect(0, 7, "one\ntwo", false)
		f.expect(7, 1, "\n", true)
		f.expect(8, 10, "", true)
		f.expect(99, 10, "", true)
	}
	ended()
	if n := f.spooled(); n != 0 {
		t.Errorf("%d files are left in the spool", n)
	}
	f.again()
	ended()
}

// Another attempt to run an action writes on behind what is there.
func TestWriterGoesOn(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for i, want := range []string{"1\n", "1\n2\n", "1\n2\n3\n"} {
		w := f.writer()
		f.write(w, fmt.Sprintln(i+1))
		f.expect(0, 100, want, false)
		f.ok(w.Close())
		f.expect(0, 100, want, true)
	}
	a, b := f.writer(), f.writer()
	f.write(a, "a")
	f.ok(a.Close())
	f.expect(6, 100, "a", false)
	f.write(b, "b")
	f.ok(b.Close())
	f.expect(6, 100, "ab", true)
}

// What a killed process left in the spool is there after the next start.
func TestRecover(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	w := f.writer()
	f.write(w, "cut ")
	f.ok(os.WriteFile(filepath.Join(f.spool, "stranger"), []byte("x"), 0o600))
	f.again() // w is never closed
	f.expect(0, 100, "cut ", true)
	if n := f.spooled(); n != 1 {
		t.Errorf("%d files in the spool, want the stranger's only", n)
	}
	w = f.writer()
	f.write(w, "off")
	f.expect(0, 100, "cut off", false)
	f.again()
	f.expect(0, 100, "cut off", true)
}

// A reader that waits is woken by what is written and by the end, and gives up
// when its time is over.
func TestWait(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	w := f.writer()
	read := func(offset int64) <-chan string {
		got := make(chan string, 1)
		go func() {
			c, err := f.Read(context.Background(), id, offset, 100, time.Minute)
			got <- fmt.Sprint(string(c.Content), c.Ended, err)
		}()
		return got
	}
	waits := func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.notice[id] != nil
	}
	first := read(0)
	for !waits() {
		runtime.Gosched()
	}
	f.write(w, "x")
	if got := <-first; got != "xfalse <nil>" {
		t.Errorf("woken by a line: %s", got)
	}
	second, third := read(1), read(1)
	for !waits() {
		runtime.Gosched()
	}
	f.ok(w.Close())
	for _, got := range []string{<-second, <-third} {
		if got != "true <nil>" {
			t.Errorf("woken by the end: %s", got)
		}
	}
	const unknown = "01a201f5-69b0-7644-b0c6-000000000000"
	c, err := f.Read(t.Context(), unknown, 7, 100, time.Millisecond)
	if err != nil || len(c.Content) != 0 || c.Next != 7 || c.Ended {
		t.Errorf("when the time is over: %+v, %v", c, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.Read(ctx, unknown, 0, 100, time.Minute); !errors.Is(err, context.Canceled) {
		t.Errorf("when the caller has gone: %v", err)
	}
	if n := len(f.notice); n != 0 {
		t.Errorf("%d notices are kept for nobody", n)
	}
}

// Ids become file names and keys, so nothing else is taken.
func TestBadID(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, bad := range []string{"", "x", "../" + id, id + "/", strings.ToUpper(id), id + "0"} {
		if w, err := f.Writer(t.Context(), bad); err == nil {
			w.Close()
			t.Errorf("a writer for %q", bad)
		}
		if _, err := f.Read(t.Context(), bad, 0, 1, 0); err == nil {
			t.Errorf("read %q", bad)
		}
	}
}

// The bucket is no account's.
func TestBucketIsReserved(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	b, err := f.store.Bucket(t.Context(), Bucket)
	if err != nil || b.Owner != Owner {
		t.Errorf("the bucket belongs to %q, %v", b.Owner, err)
	}
}

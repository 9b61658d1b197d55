package actionlog

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// node is logs of another node over the same store, with a spool of its own.
func (f *fixture) node() *fixture {
	f.Helper()
	n := &fixture{T: f.T, store: f.store, spool: filepath.Join(f.TempDir(), "spool")}
	n.shared()
	return n
}

// shared opens the logs anew and shares them.
func (f *fixture) shared() {
	f.Helper()
	l, err := Open(f.spool, f.store, Bucket)
	f.ok(err)
	f.Logs = l
	l.Share(time.Millisecond)
	f.Cleanup(func() { l.Close() })
	f.ok(l.Recover(f.Context()))
}

// sees reads until all of want is there.
func (f *fixture) sees(want string) {
	f.Helper()
	ctx, cancel := context.WithTimeout(f.Context(), time.Minute)
	defer cancel()
	got := ""
	for got != want {
		c, err := f.Read(ctx, id, int64(len(got)), 3, 10*time.Second)
		if err != nil || c.Ended {
			f.Fatalf("read %q, then ended %v: %v; want %q", got, c.Ended, err, want)
		}
		got += string(c.Content)
	}
}

// objects counts what the store has of the log.
func (f *fixture) objects() int {
	f.Helper()
	page, err := f.store.List(f.Context(), Bucket, nil)
	f.ok(err)
	return len(page.Objects)
}

// A log that one node writes is read along on another.
func TestReadOnAnotherNode(t *testing.T) {
	t.Parallel()
	a := newFixture(t).node()
	b := a.node()
	b.expect(0, 10, "", false)
	w := a.writer()
	a.write(w, "one\n")
	b.sees("one\n")
	a.write(w, "two\n")
	a.write(w, "three\n")
	b.sees("one\ntwo\nthree\n")
	b.expect(5, 4, "wo\nt", false)
	a.expect(0, 100, "one\ntwo\nthree\n", false)
	a.ok(w.Close())
	for _, n := range []*fixture{a, b} {
		n.expect(0, 100, "one\ntwo\nthree\n", true)
		n.expect(4, 4, "two\n", false)
	}
	if n := a.objects(); n != 1 {
		t.Errorf("%d objects are left of a log that has ended", n)
	}
}

// When a node dies, the one that runs the action again goes on with its log,
// and the dead one does not write over that when it comes back.
func TestTakeOver(t *testing.T) {
	t.Parallel()
	for _, ended := range []bool{false, true} {
		a := newFixture(t).node()
		b := a.node()
		w := a.writer()
		a.write(w, "first\n")
		b.sees("first\n")
		w.(*writer).o.publisher.stop() // as if it were killed
		again := b.writer()
		b.write(again, "second\n")
		c := a.node()
		c.sees("first\nsecond\n")
		if ended {
			b.ok(again.Close())
		}
		if left, err := os.ReadFile(filepath.Join(a.spool, id)); err != nil || string(left) != "first\n" {
			t.Fatalf("the dead node's spool has %q, %v", left, err)
		}
		a.shared()
		if n := a.spooled(); n != 0 {
			t.Errorf("%d files are left in the spool of the node that came back", n)
		}
		if !ended {
			c.sees("first\nsecond\n")
			b.ok(again.Close())
		}
		for _, n := range []*fixture{a, b, c} {
			n.expect(0, 100, "first\nsecond\n", true)
		}
	}
}

// A node that comes back before anybody went on stores what it had.
func TestComeBack(t *testing.T) {
	t.Parallel()
	a := newFixture(t).node()
	b := a.node()
	w := a.writer()
	a.write(w, "first\n")
	b.sees("first\n")
	w.(*writer).o.publisher.stop()
	a.write(w, "last words\n")
	a.shared()
	b.expect(0, 100, "first\nlast words\n", true)
	if n := b.objects(); n != 1 {
		t.Errorf("%d objects are left", n)
	}
}

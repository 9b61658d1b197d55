package event

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"penstock/internal/core/pipeline"
)

func openFile(t *testing.T, path string) *File {
	t.Helper()
	s, err := OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func content(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func deliver(t *testing.T, s Sink, events []Event) {
	t.Helper()
	if n, err := s.Deliver(t.Context(), events); n != len(events) || err != nil {
		t.Fatalf("%d of %d taken, %v", n, len(events), err)
	}
}

// TestFileAtOpen: what is there stays, but for what a crash left of a line.
func TestFileAtOpen(t *testing.T) {
	t.Parallel()
	long := `{"a":"` + strings.Repeat("x", 10000) + `"}`
	for _, tc := range []struct{ name, there, want string }{
		{"nothing", "", ""},
		{"whole lines", "{1}\n{2}\n", "{1}\n{2}\n"},
		{"a torn line", "{1}\n{2", "{1}\n"},
		{"only a torn line", "{2", ""},
		{"a long line", long + "\n", long + "\n"},
		{"a long torn line", "{1}\n" + long, "{1}\n"},
		{"a torn line after a long one", long + "\n{2", long + "\n"},
		{"only a long torn line", long, ""},
		{"a block to the byte", "{1}\n" + strings.Repeat("y", 4096), "{1}\n"},
		{"space that was never written", "{1}\n" + strings.Repeat("\x00", 5000), "{1}\n"},
		{"nothing but such space", strings.Repeat("\x00", 5000), ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "events.jsonl")
			if tc.there != "" {
				write(t, path, tc.there)
			}
			s := openFile(t, path)
			if got := content(t, path); got != tc.want {
				t.Fatalf("after the opening: %.60q (%d bytes)", got, len(got))
			}
			deliver(t, s, someEvents(2))
			if got, want := content(t, path), tc.want+"{\"n\":0}\n{\"n\":1}\n"; got != want {
				t.Errorf("after a delivery: %.60q", got)
			}
		})
	}
}

func TestFileRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	config := filepath.Join(dir, "config.toml")
	write(t, config, "key = 1")
	for _, tc := range []struct{ name, path, want string }{
		{"a folder", dir, "not a regular file"},
		{"a device", os.DevNull, "not a regular file"},
		{"another kind of file", config, "holds something else"},
		{"no such folder", filepath.Join(dir, "none", "events.jsonl"), "no such file"},
	} {
		if _, err := OpenFile(tc.path); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
	if got := content(t, config); got != "key = 1" {
		t.Errorf("the refused file is now %q", got)
	}
}

// TestFileRotation moves and removes the file under the sink.
func TestFileRotation(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, old := filepath.Join(dir, "events.jsonl"), filepath.Join(dir, "events.1")
	s := openFile(t, path)
	list := someEvents(5)
	deliver(t, s, list[:1])
	if err := os.Rename(path, old); err != nil {
		t.Fatal(err)
	}
	deliver(t, s, list[1:2])
	write(t, path+".new", "{x}\n")
	if err := os.Rename(path+".new", path); err != nil { // another file in its place
		t.Fatal(err)
	}
	deliver(t, s, list[2:3])
	if err := os.Truncate(path, 0); err != nil { // copied away and emptied
		t.Fatal(err)
	}
	deliver(t, s, list[3:4])
	if got := content(t, old); got != "{\"n\":0}\n" {
		t.Errorf("the moved file holds %q", got)
	}
	if got := content(t, path); got != "{\"n\":3}\n" {
		t.Errorf("the file holds %q", got)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	deliver(t, s, list[4:])
	if got := content(t, path); got != "{\"n\":4}\n" {
		t.Errorf("the new file holds %q", got)
	}
}

// TestFileFails: a delivery that cannot be written leaves no piece of a line,
// and the sink goes on when it can again.
func TestFileFails(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "events.jsonl")
	s := openFile(t, path)
	deliver(t, s, someEvents(1))
	broken := s.f
	if err := broken.Close(); err != nil { // so that writing fails
		t.Fatal(err)
	}
	if n, err := s.Deliver(t.Context(), someEvents(2)); n != 0 || err == nil {
		t.Fatalf("%d, %v", n, err)
	}
	deliver(t, s, someEvents(2))
	if got := content(t, path); got != "{\"n\":0}\n{\"n\":0}\n{\"n\":1}\n" {
		t.Errorf("the file holds %q", got)
	}
}

// TestFileFeed: across a crash the file gets every event, in order; those that
// come twice have the same id.
func TestFileFeed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.pipeline(declared("web", 1, pipeline.Superseded, builds("Build", "Make")))
	path := filepath.Join(t.TempDir(), "events.jsonl")
	feed := w.feed(openFile(t, path))
	w.start(p)
	for feed.delivered.Load() < 3 {
		<-feed.more
	}
	feed.stop()
	write(t, path, content(t, path)+`{"version":"0","id":"torn`)
	w.reopen()
	feed = w.feed(openFile(t, path))
	w.work(fetchType, "")
	w.work(makeType, "")
	for feed.delivered.Load() < 7 {
		<-feed.more
	}
	feed.stop()
	var want []string
	for _, e := range w.events() {
		want = append(want, string(e.JSON))
	}
	if got := strings.Split(strings.TrimSuffix(content(t, path), "\n"), "\n"); !slices.Equal(got, want) {
		t.Errorf("the file holds\n%s", strings.Join(got, "\n"))
	}
}

// killedPath, when it is set, makes this program the one that TestFileKill
// kills.
const killedPath = "PENSTOCK_TEST_EVENT_FILE"

func TestMain(m *testing.M) {
	if path := os.Getenv(killedPath); path != "" {
		writeUntilKilled(path)
	}
	os.Exit(m.Run())
}

// writeUntilKilled delivers numbered events and says of each delivery that it
// is done.
func writeUntilKilled(path string) {
	s, err := OpenFile(path)
	for i := 0; err == nil; i += 3 {
		var list []Event
		for k := i; k < i+3; k++ {
			list = append(list, Event{JSON: fmt.Appendf(nil, `{"n":%d,"x":"%s"}`, k, bytes.Repeat([]byte("x"), 3000))})
		}
		if _, err = s.Deliver(context.Background(), list); err == nil {
			_, err = fmt.Println(i + 3)
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// TestFileKill kills a process amid its deliveries: after the next opening all
// lines are whole, and all that was said to be delivered is there.
func TestFileKill(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "events.jsonl")
	for round := range 5 {
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), killedPath+"="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		said := 0
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			if _, err := fmt.Sscan(lines.Text(), &said); err != nil {
				t.Fatal(err)
			}
			if n == 5+round {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = cmd.Wait() // it was killed
		_ = openFile(t, path).Close()
		text := content(t, path)
		whole := strings.Count(text, "\n")
		if whole < said || said == 0 {
			t.Errorf("%d lines, and %d were delivered", whole, said)
		}
		for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
			if !strings.HasPrefix(line, fmt.Sprintf(`{"n":%d,`, i)) || !strings.HasSuffix(line, `x"}`) {
				t.Errorf("line %d is %.40q", i, line)
			}
		}
	}
}

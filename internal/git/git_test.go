package git_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"penstock/internal/git"
	"penstock/internal/git/gittest"
)

// world is a repository to read.
type world struct {
	*testing.T
	*gittest.Repo
	url string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	r := gittest.New(t)
	return &world{t, r, r.FileURL() + "/" + r.Name}
}

func (w *world) open(r git.Remote) *git.Repo {
	w.T.Helper()
	g, err := git.Open(w.T.Context(), w.T.TempDir(), r)
	if err != nil {
		w.T.Fatal(err)
	}
	w.T.Cleanup(func() {
		if err := g.Close(); err != nil {
			w.T.Error(err)
		}
	})
	return g
}

func (w *world) ok(err error) {
	w.T.Helper()
	if err != nil {
		w.T.Fatal(err)
	}
}

func TestRepo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.Commit("main", "first", "a", "dir/b")
	second := w.Commit("main", "second\n\nwith a body", "dir/b", "é")
	w.Git("tag", "-a", "v1", "-m", "tagged", first)
	w.Git("push", "-q", "origin", "v1")
	g := w.open(git.Remote{URL: w.url})

	refs, err := g.Refs(t.Context())
	w.ok(err)
	if refs["refs/heads/main"] != second || refs["refs/tags/v1"] != first {
		t.Errorf("refs %v", refs)
	}
	w.ok(g.Fetch(t.Context(), 1, git.Content, second))
	c, err := g.Describe(t.Context(), second)
	w.ok(err)
	want := git.Commit{Author: "Ana", Email: "ana@example.com", Date: time.Date(2026, 10, 2, 12, 0, 0, 0, time.UTC), Message: "second\n\nwith a body"}
	if c != want {
		t.Errorf("described as %+v", c)
	}
	var b bytes.Buffer
	w.ok(g.Tree(t.Context(), second, &b))
	var names []string
	for r := tar.NewReader(&b); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		w.ok(err)
		if h.Typeflag != tar.TypeXGlobalHeader {
			names = append(names, h.Name)
		}
	}
	if got := strings.Join(names, " "); got != "a dir/ dir/b é" {
		t.Errorf("the tree holds %s", got)
	}

	// What changed, in repositories that know no more than they need.
	g = w.open(git.Remote{URL: w.url})
	w.ok(g.Fetch(t.Context(), 1, git.Paths, first, second))
	files, err := g.Changed(t.Context(), first, second, false)
	w.ok(err)
	if slices.Sort(files); strings.Join(files, " ") != "dir/b é" {
		t.Errorf("changed: %q", files)
	}
	g = w.open(git.Remote{URL: w.url})
	w.ok(g.Fetch(t.Context(), 2, git.Paths, second))
	if parent, err := g.Parent(t.Context(), second); err != nil || parent != first {
		t.Errorf("parent %s, %v", parent, err)
	}

	// A branch that parted before main went on.
	w.Git("checkout", "-q", "-b", "feature", first)
	feature := w.Commit("feature", "third", "c")
	g = w.open(git.Remote{URL: w.url})
	w.ok(g.Fetch(t.Context(), git.All, git.Paths, second, feature))
	if files, err := g.Changed(t.Context(), second, feature, true); err != nil || strings.Join(files, " ") != "c" {
		t.Errorf("changed on the branch: %q, %v", files, err)
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Commit("main", "first", "a")
	for _, c := range []struct {
		name string
		r    git.Remote
		do   func(g *git.Repo) error
		kind git.Kind
	}{
		{"no repository", git.Remote{URL: w.url + "x"}, refs, git.NoRepository},
		{"no commit", git.Remote{URL: w.url}, func(g *git.Repo) error {
			return g.Fetch(t.Context(), 1, git.Content, strings.Repeat("1", 40))
		}, git.NoRevision},
		{"part of a commit", git.Remote{URL: w.url}, func(g *git.Repo) error { return g.Fetch(t.Context(), 1, git.Content, "--upload-pack=x") }, git.NoRevision},
		{"no host", git.Remote{URL: "http://127.0.0.1:1/x"}, refs, git.Unreachable},
		{"unknown protocol", git.Remote{URL: "gopher://127.0.0.1/x"}, refs, git.NoRepository},
	} {
		g := w.open(c.r)
		err := c.do(g)
		failed, ok := errors.AsType[*git.Error](err)
		if !ok || failed.Kind != c.kind || failed.Text == "" {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	for _, bad := range []string{"file:///a b", "file:///a\nb", "file:///a'b", "http://[::1"} {
		if _, err := git.Open(t.Context(), t.TempDir(), git.Remote{URL: bad}); err == nil {
			t.Errorf("%q was opened", bad)
		}
	}
}

func refs(g *git.Repo) error {
	_, err := g.Refs(context.Background())
	return err
}

// The token reaches the host that it is for, and shows nowhere else.
func TestToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.Commit("main", "first", "a")
	base := w.Serve()
	g := w.open(git.Remote{URL: base + "/" + w.Name, User: "x", Token: gittest.Token})
	if got, err := g.Refs(t.Context()); err != nil || got["refs/heads/main"] != first {
		t.Errorf("refs %v, %v", got, err)
	}
	w.ok(g.Fetch(t.Context(), 1, git.Content, first))
	for _, r := range []git.Remote{{URL: base + "/" + w.Name}, {URL: base + "/" + w.Name, User: "x", Token: "wrong"}} {
		failed, ok := errors.AsType[*git.Error](refs(w.open(r)))
		if !ok || failed.Kind != git.Denied || strings.Contains(failed.Text, "wrong") {
			t.Errorf("without the token: %v", failed)
		}
	}
	err := refs(w.open(git.Remote{URL: base + "/acme/none.git", User: "x", Token: gittest.Token}))
	if failed, ok := errors.AsType[*git.Error](err); !ok || failed.Kind != git.NoRepository {
		t.Errorf("no repository: %v", err)
	}
	// Somebody else's host gets nothing but the request.
	stranger := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("a redirect was followed, with %q", r.Header.Get("Authorization"))
	}))
	defer stranger.Close()
	moved := httptest.NewServer(http.RedirectHandler(stranger.URL, http.StatusFound))
	defer moved.Close()
	err = refs(w.open(git.Remote{URL: moved.URL + "/" + w.Name, User: "x", Token: gittest.Token}))
	if failed, ok := errors.AsType[*git.Error](err); !ok || failed.Kind != git.NoRepository {
		t.Errorf("a repository that has moved: %v", err)
	}
}

// While git runs, neither its arguments nor its files hold the token, and when
// the context ends it ends.
func TestSecrecyAndEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	asked, dir := make(chan struct{}), t.TempDir()
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-r.Context().Done()
	}))
	defer slow.Close()
	g, err := git.Open(t.Context(), dir, git.Remote{URL: slow.URL + "/x", User: "x", Token: gittest.Token})
	w.ok(err)
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan error)
	go func() {
		_, err := g.Refs(ctx)
		done <- err
	}()
	<-asked
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	w.ok(err)
	for _, name := range lines {
		if text, err := os.ReadFile(name); err == nil && bytes.Contains(text, []byte(gittest.Token)) {
			t.Errorf("%s holds the token", name)
		}
	}
	err = filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil // git removes files of its own
		}
		if text, err := os.ReadFile(name); err == nil && bytes.Contains(text, []byte(gittest.Token)) {
			t.Errorf("%s holds the token", name)
		}
		return nil
	})
	w.ok(err)
	cause := errors.New("stopped")
	cancel(cause)
	if err := <-done; !errors.Is(err, cause) {
		t.Errorf("ended with %v", err)
	}
	w.ok(g.Close())
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left %v", left)
	}
}

// ssh gets the key and the known hosts as files, and asks nothing.
func TestSSH(t *testing.T) {
	w := newWorld(t)
	first := w.Commit("main", "first", "a")
	bin := t.TempDir()
	// In place of ssh: checks what it got, and runs what it should run there.
	script := strings.ReplaceAll(`#!/bin/sh
printf '%s ' "$@" > BIN/args
cp "$HOME/key" BIN/key
for last; do :; done
exec sh -c "$last"
`, "BIN", bin)
	w.ok(os.WriteFile(filepath.Join(bin, "ssh"), []byte(script), 0o755))
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	g := w.open(git.Remote{URL: "ssh://git@host.example" + w.Root + "/" + w.Name, Key: "KEY", KnownHosts: "host.example ssh-ed25519 X"})
	if got, err := g.Refs(t.Context()); err != nil || got["refs/heads/main"] != first {
		t.Errorf("refs %v, %v", got, err)
	}
	args, err := os.ReadFile(filepath.Join(bin, "args"))
	w.ok(err)
	key, err := os.ReadFile(filepath.Join(bin, "key"))
	w.ok(err)
	for _, want := range []string{"BatchMode=yes", "StrictHostKeyChecking=yes", "IdentitiesOnly=yes", "/key", "UserKnownHostsFile=", "git@host.example"} {
		if !strings.Contains(string(args), want) {
			t.Errorf("ssh got %s without %s", args, want)
		}
	}
	if string(key) != "KEY\n" {
		t.Errorf("the key is %q", key)
	}
}

package git_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"penstock/internal/git"
)

// world is a repository on this host, bare, and a clone to work in.
type world struct {
	*testing.T
	dir, url string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Fatal("the tests need git")
	}
	w := &world{T: t, dir: filepath.Join(t.TempDir(), "work")}
	bare := filepath.Join(filepath.Dir(w.dir), "acme", "shop.git")
	w.url = "file://" + bare
	w.git("init", "-q", "--bare", "-b", "main", bare)
	w.git("-C", bare, "config", "uploadpack.allowFilter", "true")
	w.git("init", "-q", "-b", "main", w.dir)
	w.git("-C", w.dir, "remote", "add", "origin", bare)
	return w
}

func (w *world) git(args ...string) string {
	w.Helper()
	cmd := exec.Command("git", args...)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=Ana", "GIT_AUTHOR_EMAIL=ana@example.com", "GIT_AUTHOR_DATE=2026-10-02T14:00:00+02:00",
		"GIT_COMMITTER_NAME=Bo", "GIT_COMMITTER_EMAIL=bo@example.com")
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// commit writes files, commits and pushes them to a branch.
func (w *world) commit(branch, message string, files ...string) string {
	w.Helper()
	for _, f := range files {
		name := filepath.Join(w.dir, f)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			w.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(message), 0o644); err != nil {
			w.Fatal(err)
		}
	}
	w.git("-C", w.dir, "add", "-A")
	w.git("-C", w.dir, "commit", "-q", "--allow-empty", "-m", message)
	w.git("-C", w.dir, "push", "-q", "--force", "origin", "HEAD:refs/heads/"+branch)
	return w.git("-C", w.dir, "rev-parse", "HEAD")
}

func (w *world) open(r git.Remote) *git.Repo {
	w.Helper()
	g, err := git.Open(w.Context(), w.TempDir(), r)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() {
		if err := g.Close(); err != nil {
			w.Error(err)
		}
	})
	return g
}

func (w *world) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func TestRepo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.commit("main", "first", "a", "dir/b")
	second := w.commit("main", "second\n\nwith a body", "dir/b", "é")
	w.git("-C", w.dir, "tag", "-a", "v1", "-m", "tagged", first)
	w.git("-C", w.dir, "push", "-q", "origin", "v1")
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
	w.git("-C", w.dir, "checkout", "-q", "-b", "feature", first)
	feature := w.commit("feature", "third", "c")
	g = w.open(git.Remote{URL: w.url})
	w.ok(g.Fetch(t.Context(), git.All, git.Paths, second, feature))
	if files, err := g.Changed(t.Context(), second, feature, true); err != nil || strings.Join(files, " ") != "c" {
		t.Errorf("changed on the branch: %q, %v", files, err)
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.commit("main", "first", "a")
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

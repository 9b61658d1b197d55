// Package gittest makes real repositories for tests, on disk and behind a web
// server with a token.
package gittest

import (
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Token is what the web server asks for as a password, whatever the user.
const Token = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"

// Repo is a bare repository and a clone to work in. Commits are by Ana at
// 2026-10-02T12:00:00Z.
type Repo struct {
	testing.TB
	Root string // folder of repositories
	Name string // of this one below it: acme/shop.git
	Work string
}

// New makes a repository without commits.
func New(t testing.TB) *Repo {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Fatal("the tests need git")
	}
	dir := t.TempDir()
	r := &Repo{TB: t, Root: filepath.Join(dir, "srv"), Name: "acme/shop.git", Work: filepath.Join(dir, "work")}
	bare := filepath.Join(r.Root, r.Name)
	r.run("init", "-q", "--bare", "-b", "main", bare)
	r.run("-C", bare, "config", "uploadpack.allowFilter", "true")
	r.run("init", "-q", "-b", "main", r.Work)
	r.Git("remote", "add", "origin", bare)
	return r
}

func (r *Repo) run(args ...string) string {
	r.Helper()
	cmd := exec.Command("git", args...)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=Ana", "GIT_AUTHOR_EMAIL=ana@example.com", "GIT_AUTHOR_DATE=2026-10-02T14:00:00+02:00",
		"GIT_COMMITTER_NAME=Bo", "GIT_COMMITTER_EMAIL=bo@example.com")
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// Git runs git in the clone.
func (r *Repo) Git(args ...string) string {
	r.Helper()
	return r.run(append([]string{"-C", r.Work}, args...)...)
}

// Commit writes the message into files, commits all that changed in the clone,
// pushes it to a branch and returns the commit.
func (r *Repo) Commit(branch, message string, files ...string) string {
	r.Helper()
	for _, f := range files {
		name := filepath.Join(r.Work, f)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			r.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(message), 0o644); err != nil {
			r.Fatal(err)
		}
	}
	r.Git("add", "-A")
	r.Git("commit", "-q", "--allow-empty", "-m", message)
	r.Git("push", "-q", "--force", "origin", "HEAD:refs/heads/"+branch)
	return r.Git("rev-parse", "HEAD")
}

// FileURL is the folder of repositories as a URL.
func (r *Repo) FileURL() string { return "file://" + r.Root }

// Serve serves the folder of repositories over HTTP to who has the Token, and
// returns the URL.
func (r *Repo) Serve() string {
	r.Helper()
	backend := filepath.Join(r.run("--exec-path"), "git-http-backend")
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if _, password, _ := req.BasicAuth(); password != Token {
			w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		(&cgi.Handler{Path: backend, Env: []string{
			"GIT_PROJECT_ROOT=" + r.Root, "GIT_HTTP_EXPORT_ALL=1", "GIT_PROTOCOL=" + req.Header.Get("Git-Protocol"),
			"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1",
		}}).ServeHTTP(w, req)
	}))
	r.Cleanup(srv.Close)
	return srv.URL
}

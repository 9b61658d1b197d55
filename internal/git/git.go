// Package git runs the git program against repositories that are not trusted,
// with credentials that nobody else gets to see: every command is a process
// group of its own with nothing of this process's environment, configuration or
// terminal; no hooks, helpers, prompts or redirects; only the protocol of the
// repository's own URL; and secrets neither in arguments nor on disk.
package git

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"penstock/internal/procgroup"
	"penstock/internal/workspace"
)

// Remote is a repository and how to reach it.
type Remote struct {
	// URL names the repository, without credentials: http, https, ssh or file.
	URL string
	// User and Token are the credentials for http and https; no Token is none.
	User, Token string
	// CA are more certificates to trust, in PEM; "" = only the system's.
	CA string
	// Key is the private key for ssh, KnownHosts the keys of hosts; "" takes
	// those of the user that this process runs as.
	Key, KnownHosts string
}

const (
	prefix = "git-" // of working folders
	grace  = 2 * time.Second
	// maxOutput bounds what is read of what a command prints.
	maxOutput = 32 << 20
	maxErrors = 8 << 10
	// maxPack bounds each file that git writes, in blocks of 512 bytes: 4 GiB.
	maxPack = "8388608"
)

// Sweep removes the working folders below dir that a process which crashed left.
func Sweep(dir string) error { return workspace.Sweep(dir, prefix) }

// Repo is an empty repository of our own, into which parts of a remote one are
// fetched. It is for one goroutine.
type Repo struct {
	dir    string
	remote Remote
	env    []string
}

// Open makes a Repo in a fresh folder below parent. Close it.
func Open(ctx context.Context, parent string, r Remote) (*Repo, error) {
	u, err := url.Parse(r.URL)
	if err != nil || strings.ContainsAny(r.URL, "\x00\r\n \"'\\") {
		return nil, &Error{Kind: NoRepository, Text: "the address of the repository is not a URL"}
	}
	dir, err := workspace.New(parent, prefix)
	if err != nil {
		return nil, err
	}
	g := &Repo{dir: dir, remote: r}
	if err := g.prepare(ctx, u); err != nil {
		return nil, errors.Join(err, g.Close())
	}
	return g, nil
}

// Close removes the folder.
func (g *Repo) Close() error { return workspace.Remove(g.dir) }

// settings are the same for all: what git would otherwise take from the system,
// the user, or do by itself. The owner of a repository on this host need not be
// the user of this process; only the repository's own hooks could harm, and
// fetching runs none.
const settings = `[safe]
	directory = *
[core]
	hooksPath = /dev/null
[credential]
	helper =
[protocol]
	version = 2
[gc]
	auto = 0
[maintenance]
	auto = false
[fetch]
	recurseSubmodules = false
[transfer]
	credentialsInUrl = die
[tar]
	umask = 0022
[http]
	followRedirects = false
	lowSpeedLimit = 1
	lowSpeedTime = 60
`

func (g *Repo) prepare(ctx context.Context, u *url.URL) error {
	if err := os.WriteFile(g.file("config"), []byte(settings), 0o600); err != nil {
		return err
	}
	g.env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + g.dir, "LC_ALL=C", "GIT_DIR=" + g.file("repo"),
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + g.file("config"), "GIT_ATTR_NOSYSTEM=1",
		"GIT_TERMINAL_PROMPT=0", "GIT_ALLOW_PROTOCOL=" + u.Scheme, "GIT_NO_REPLACE_OBJECTS=1",
	}
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy"} {
		if v := os.Getenv(name); v != "" {
			g.env = append(g.env, name+"="+v)
		}
	}
	set := [][2]string{{"remote.origin.url", g.remote.URL}}
	if g.remote.Token != "" && strings.HasPrefix(u.Scheme, "http") {
		pair := base64.StdEncoding.EncodeToString([]byte(g.remote.User + ":" + g.remote.Token))
		set = append(set, [2]string{"http." + u.Scheme + "://" + u.Host + "/.extraHeader", "Authorization: Basic " + pair})
	}
	if g.remote.CA != "" {
		if err := os.WriteFile(g.file("ca.pem"), []byte(g.remote.CA), 0o600); err != nil {
			return err
		}
		set = append(set, [2]string{"http.sslCAInfo", g.file("ca.pem")})
	}
	g.env = append(g.env, "GIT_CONFIG_COUNT="+strconv.Itoa(len(set)))
	for i, kv := range set {
		n := strconv.Itoa(i)
		g.env = append(g.env, "GIT_CONFIG_KEY_"+n+"="+kv[0], "GIT_CONFIG_VALUE_"+n+"="+kv[1])
	}
	if u.Scheme == "ssh" {
		if err := g.prepareSSH(); err != nil {
			return err
		}
	}
	return g.run(ctx, io.Discard, "init", "-q", "--bare", "--template=", g.file("repo"))
}

// prepareSSH writes the keys for ssh, which takes them from files alone. The
// folder is readable by this user only and lives as long as the Repo.
func (g *Repo) prepareSSH() error {
	command := "ssh -o BatchMode=yes -o StrictHostKeyChecking=yes"
	for _, f := range []struct{ name, content, options string }{
		{"key", g.remote.Key, " -F none -o IdentitiesOnly=yes -i "},
		{"known_hosts", g.remote.KnownHosts, " -o UserKnownHostsFile="},
	} {
		if f.content == "" {
			continue
		}
		if err := os.WriteFile(g.file(f.name), []byte(strings.TrimRight(f.content, "\r\n")+"\n"), 0o600); err != nil {
			return err
		}
		command += f.options + "'" + g.file(f.name) + "'"
	}
	g.env = append(g.env, "GIT_SSH_COMMAND="+command)
	return nil
}

func (g *Repo) file(name string) string { return filepath.Join(g.dir, name) }

// run runs git. An error is the context's cause, an *Error, or that of out.
func (g *Repo) run(ctx context.Context, out io.Writer, args ...string) error {
	group, err := procgroup.New()
	if errors.Is(err, fs.ErrNotExist) { // an image that holds nothing but the server
		return &Error{Kind: NoProgram, Text: err.Error()}
	}
	if err != nil {
		return err
	}
	defer group.Close()
	cmd := exec.Command("/bin/sh", append([]string{"-c", `ulimit -f "$0" && exec git "$@"`, maxPack}, args...)...)
	cmd.Dir, cmd.Env = g.dir, g.env
	said := &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = out, &limited{w: said, left: maxErrors, drop: true}
	err = group.Run(ctx, cmd, grace)
	if _, failed := errors.AsType[*exec.ExitError](err); failed {
		return g.failure(said.String())
	}
	return err
}

// output runs git and returns what it prints.
func (g *Repo) output(ctx context.Context, args ...string) (string, error) {
	var b bytes.Buffer
	if err := g.run(ctx, &limited{w: &b, left: maxOutput}, args...); err != nil {
		return "", err
	}
	return b.String(), nil
}

// limited takes so many bytes; what follows is dropped or an error.
type limited struct {
	w    io.Writer
	left int
	drop bool
}

// Write implements io.Writer.
func (l *limited) Write(p []byte) (int, error) {
	keep := p[:min(len(p), l.left)]
	l.left -= len(keep)
	if _, err := l.w.Write(keep); err != nil {
		return 0, err
	}
	if len(keep) < len(p) && !l.drop {
		return len(keep), errors.New("git printed too much")
	}
	return len(p), nil
}

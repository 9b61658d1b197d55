package connection

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"penstock/internal/git"
	"penstock/internal/gitevent"
	"penstock/internal/store"
)

// host is what is known of a provider type.
type host struct {
	base   string // "" = there is none for all
	user   string // that goes with a token
	suffix string // of clone URLs
}

var hosts = map[string]host{
	gitevent.GitHub:           {"https://github.com", "x-access-token", ".git"},
	gitevent.GitHubEnterprise: {"", "x-access-token", ".git"},
	gitevent.GitLab:           {"https://gitlab.com", "oauth2", ".git"},
	gitevent.GitLabOwn:        {"", "oauth2", ".git"},
	gitevent.Bitbucket:        {"https://bitbucket.org", "x-token-auth", ".git"},
	gitevent.Gitea:            {"", "oauth2", ".git"},
	gitevent.Git:              {"", "git", ""},
}

// Providers lists the provider types of connections.
func Providers() []string { return slices.Sorted(maps.Keys(hosts)) }

// Bases lists the base URLs that every connection may have: those of the hosts
// that AWS connects to.
func Bases() []string {
	var out []string
	for _, name := range Providers() {
		if b := hosts[name].base; b != "" {
			out = append(out, b)
		}
	}
	return out
}

// maxLength bounds each text of a connection but files, in bytes.
const (
	maxLength = 1000
	maxFile   = 256 << 10
)

// Complete checks what a connection is made of and fills in what its provider
// gives. The error is for who made it.
func Complete(c *store.Connection) error {
	h, ok := hosts[c.Provider]
	if !ok {
		return fmt.Errorf("the provider type must be one of %s, not '%s'", strings.Join(Providers(), ", "), c.Provider)
	}
	if c.BaseURL == "" {
		c.BaseURL = h.base
	}
	if c.User == "" && c.Token != "" {
		c.User = h.user
	}
	c.BaseURL = strings.TrimRight(c.BaseURL, "/")
	if c.Provider == gitevent.Git {
		c.Poll = true
	}
	switch {
	case c.BaseURL == "":
		return fmt.Errorf("a connection of type %s needs a base URL: what stands before the names of repositories", c.Provider)
	case len(c.BaseURL) > maxLength || len(c.User) > maxLength || len(c.Token) > maxFile || len(c.CA) > maxFile || len(c.KnownHosts) > maxFile:
		return fmt.Errorf("a URL and a user may have %d bytes, a token and a file %d", maxLength, maxFile)
	case strings.ContainsAny(c.User, ":\r\n\x00"):
		return fmt.Errorf("the user holds a colon or a line feed")
	}
	u, err := url.Parse(c.BaseURL)
	if err != nil || u.RawQuery != "" || u.Fragment != "" || strings.ContainsAny(c.BaseURL, "\x00\r\n \"'\\%") {
		return fmt.Errorf("the base URL must be a URL without query")
	}
	if u.User != nil && (u.Scheme != "ssh" || strings.Contains(u.User.String(), ":")) {
		return fmt.Errorf("the base URL must not hold credentials; give the token apart")
	}
	switch {
	case u.Scheme == "https", u.Scheme == "http", u.Scheme == "ssh":
		if u.Host == "" {
			return fmt.Errorf("the base URL names no host")
		}
	case u.Scheme == "file" && c.Provider == gitevent.Git:
		if u.Host != "" || !strings.HasPrefix(u.Path, "/") {
			return fmt.Errorf("a file URL must have an absolute path: file:///srv/git")
		}
	default:
		return fmt.Errorf("the base URL must begin with https, http, ssh or, for type %s, file", gitevent.Git)
	}
	if u.Scheme != "ssh" && strings.ContainsAny(c.Token, "\r\n\x00") {
		return fmt.Errorf("the token holds a line feed")
	}
	return nil
}

// Allowed reports whether a base URL lies below one of others: the same scheme
// and host, and a path that begins with whole parts of its path.
func Allowed(base string, below []string) bool {
	return slices.ContainsFunc(below, func(b string) bool {
		b = strings.TrimRight(b, "/")
		rest, ok := strings.CutPrefix(base, b)
		return ok && (rest == "" || rest[0] == '/') && !strings.Contains(rest, "..")
	})
}

// Remote returns how to reach a repository by its full name. The error is for
// who named it.
func Remote(c store.Connection, repository string) (git.Remote, error) {
	if len(repository) > maxLength || repository == "" {
		return git.Remote{}, fmt.Errorf("the name of the repository must have 1 to %d bytes", maxLength)
	}
	for part := range strings.SplitSeq(repository, "/") {
		if part == "" || part == "." || part == ".." || strings.HasPrefix(part, "-") || strings.ContainsFunc(part, odd) {
			return git.Remote{}, fmt.Errorf("'%s' is no name of a repository, such as owner/name", repository)
		}
	}
	r := git.Remote{URL: c.BaseURL + "/" + repository, User: c.User, CA: c.CA, KnownHosts: c.KnownHosts}
	if suffix := hosts[c.Provider].suffix; !strings.HasSuffix(repository, suffix) {
		r.URL += suffix
	}
	if strings.HasPrefix(c.BaseURL, "ssh:") {
		r.Key = c.Token
	} else {
		r.Token = c.Token
	}
	return r, nil
}

// odd characters do not stand in the names of repositories.
func odd(r rune) bool {
	return r <= ' ' || r == 0x7f || strings.ContainsRune(`"'\%?#*:`, r)
}

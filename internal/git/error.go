package git

import "strings"

// Kind tells failures apart that call for different answers.
type Kind int

// The kinds of failures.
const (
	Unreachable  Kind = iota // the host does not answer, or something else that may pass
	NoRepository             // no repository at the URL
	NoRevision               // the repository has no such commit or branch
	Denied                   // the credentials are missing, wrong or not enough
	NoProgram                // there is no git on this host
)

// Error is a failure that git reported.
type Error struct {
	Kind Kind
	Text string // in git's words, without secrets
}

// Error implements error.
func (e *Error) Error() string { return e.Text }

// signs are what git and the hosts say, in lower case, the surest first. Hosts
// answer 404 for repositories that the credentials may not see.
var signs = []struct {
	kind Kind
	text string
}{
	{NoProgram, "exec: git: not found"}, {NoProgram, "git: command not found"}, {NoProgram, "git: not found"},
	{NoRevision, "not our ref"}, {NoRevision, "unadvertised object"}, {NoRevision, "couldn't find remote ref"},
	{NoRevision, "no such remote ref"},
	{Denied, "authentication failed"}, {Denied, "could not read username"}, {Denied, "could not read password"},
	{Denied, "returned error: 401"}, {Denied, "returned error: 403"}, {Denied, "permission denied"},
	{Denied, "access denied"}, {Denied, "host key verification failed"},
	{NoRepository, "not found"}, {NoRepository, "returned error: 404"}, {NoRepository, "does not appear to be a git repository"},
	{NoRepository, "no such file or directory"}, {NoRepository, "repository does not exist"}, {NoRepository, "returned error: 30"},
	{NoRepository, "not valid: is this a git repository"}, {NoRepository, "transport '"}, {NoRepository, "is not a git command"},
}

// failure makes an Error of what git printed.
func (g *Repo) failure(said string) *Error {
	for _, secret := range []string{g.remote.Token, g.remote.Key} {
		if secret != "" {
			said = strings.ReplaceAll(said, secret, "****")
		}
	}
	e := &Error{Text: said}
	lower := strings.ToLower(said)
	for _, s := range signs {
		if strings.Contains(lower, s.text) {
			e.Kind = s.kind
			break
		}
	}
	var lines []string
	for line := range strings.Lines(said) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "warning:") && !strings.HasPrefix(line, "hint:") {
			lines = append(lines, strings.TrimPrefix(line, "fatal: "))
		}
	}
	e.Text = strings.ToValidUTF8(strings.Join(lines, "; "), "�")
	if e.Text == "" {
		e.Text = "git failed and said nothing: the repository may be larger than 4 GiB"
	}
	return e
}

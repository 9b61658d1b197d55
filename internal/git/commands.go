package git

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var commitPattern = regexp.MustCompile(`^(?:[0-9a-f]{40}|[0-9a-f]{64})$`)

// IsCommit reports whether the text is a whole commit id.
func IsCommit(text string) bool { return commitPattern.MatchString(text) }

// Branch and TagRef are prefixes of the names of references.
const (
	Branch = "refs/heads/"
	TagRef = "refs/tags/"
)

// Refs lists references of the remote with the commits that they point to; of
// an annotated tag, the commit behind it. Names narrow the list.
func (g *Repo) Refs(ctx context.Context, names ...string) (map[string]string, error) {
	out, err := g.output(ctx, append([]string{"ls-remote", "-q", "--", "origin"}, names...)...)
	if err != nil {
		return nil, err
	}
	refs := map[string]string{}
	for line := range strings.Lines(out) {
		commit, name, ok := strings.Cut(strings.TrimRight(line, "\n"), "\t")
		if ok && IsCommit(commit) { // peeled tags, NAME^{}, follow their tags
			refs[strings.TrimSuffix(name, "^{}")] = commit
		}
	}
	return refs, nil
}

// How much Fetch brings beside the commits themselves.
const (
	Content = ""          // their trees and files
	Paths   = "blob:none" // their trees
	Nothing = "tree:0"    // nothing, where the host can filter
	All     = -1          // all that came before, as depth
)

// Fetch brings commits of the remote: with their history down to depth, and with
// one of Content, Paths and Nothing.
func (g *Repo) Fetch(ctx context.Context, depth int, filter string, commits ...string) error {
	args := []string{"fetch", "-q", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules"}
	if depth > 0 {
		args = append(args, "--depth="+strconv.Itoa(depth))
	}
	if filter != Content {
		args = append(args, "--filter="+filter)
	}
	for _, c := range commits {
		if !IsCommit(c) {
			return &Error{NoRevision, fmt.Sprintf("%q is not a whole commit id", c)}
		}
	}
	return g.run(ctx, io.Discard, append(append(args, "--", "origin"), commits...)...)
}

// Commit describes a commit.
type Commit struct {
	Author, Email string
	Date          time.Time // of the author, UTC
	Message       string    // without line feeds at its end
}

// Describe reads a commit that was fetched.
func (g *Repo) Describe(ctx context.Context, commit string) (Commit, error) {
	out, err := g.output(ctx, "log", "-1", "--no-show-signature", "--encoding=UTF-8", "--format=%at%x00%an%x00%ae%x00%B", commit, "--")
	if err != nil {
		return Commit{}, err
	}
	parts := strings.SplitN(strings.ToValidUTF8(out, "�"), "\x00", 4)
	if len(parts) < 4 {
		return Commit{}, fmt.Errorf("git describes commit %s in an unknown form", commit)
	}
	seconds, err := strconv.ParseInt(parts[0], 10, 64)
	if err != nil {
		return Commit{}, fmt.Errorf("commit %s has no date: %w", commit, err)
	}
	return Commit{Author: parts[1], Email: parts[2], Date: time.Unix(seconds, 0).UTC(), Message: strings.TrimRight(parts[3], "\n")}, nil
}

// Changed lists the paths that differ between two commits that were fetched;
// with threeDots, those that changed on the side of to since both parted. A
// renamed file counts under both names.
func (g *Repo) Changed(ctx context.Context, from, to string, threeDots bool) ([]string, error) {
	args := []string{"diff", "--name-only", "--no-renames", "-z", "--no-ext-diff"}
	if threeDots {
		args = append(args, from+"..."+to)
	} else {
		args = append(args, from, to)
	}
	out, err := g.output(ctx, append(args, "--")...)
	if err != nil || out == "" {
		return nil, err
	}
	return strings.Split(strings.TrimSuffix(out, "\x00"), "\x00"), nil
}

// Parent returns the first parent of a commit whose history of two was fetched;
// "" when it has none.
func (g *Repo) Parent(ctx context.Context, commit string) (string, error) {
	out, err := g.output(ctx, "log", "-1", "--format=%P", commit, "--")
	parent, _, _ := strings.Cut(strings.TrimSpace(out), " ")
	return parent, err
}

// Tree writes the tree of a commit that was fetched with its Content as a tar
// stream. Attributes of the tree (export-ignore, export-subst) have their
// effect, as in the archives that hosts make.
func (g *Repo) Tree(ctx context.Context, commit string, w io.Writer) error {
	return g.run(ctx, w, "archive", "--format=tar", commit)
}

package archive

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// target is the folder that an archive is unpacked into, and what is left of
// its limits.
type target struct {
	root    *os.Root
	limits  Limits
	packed  int64 // size of the archive
	entries int
	bytes   int64
	links   []link
}

// link is a symbolic link to make when all files are there: so no entry is
// ever written through one.
type link struct{ name, target string }

func (t *target) tooMany() error {
	return fmt.Errorf("%w: more than %d entries", ErrLimit, t.limits.Entries)
}

// enter counts an entry and returns its clean, local name.
func (t *target) enter(name string) (string, error) {
	if t.entries++; t.entries > t.limits.Entries {
		return "", t.tooMany()
	}
	return localName(name)
}

// localName cleans an entry's name. Backslashes count as slashes for the check,
// because other systems take them so.
func localName(name string) (string, error) {
	slashed := strings.ReplaceAll(name, `\`, "/")
	switch {
	case name == "" || strings.ContainsRune(name, 0):
		return "", unsafe(name, "is no file name")
	case strings.HasPrefix(slashed, "/"):
		return "", unsafe(name, "is absolute")
	case len(name) > 1 && name[1] == ':':
		return "", unsafe(name, "has a drive letter")
	}
	for part := range strings.SplitSeq(slashed, "/") {
		if part == ".." {
			return "", unsafe(name, "leaves the folder")
		}
	}
	name = path.Clean(name)
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return "", unsafe(name, "leaves the folder")
	}
	return name, nil
}

func (t *target) makeDir(name string, mode fs.FileMode) error {
	if err := t.root.MkdirAll(name, 0o755); err != nil {
		return err
	}
	if mode.Perm() == 0 {
		mode = 0o755
	}
	return t.root.Chmod(name, mode.Perm()|0o700)
}

func (t *target) makeFile(name string, mode fs.FileMode, in io.Reader) error {
	if err := t.makeRoom(name); err != nil {
		return err
	}
	// O_EXCL: a new file, never something that stood there or a link's end.
	out, err := t.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = t.copy(out, in)
	if mode.Perm() == 0 {
		mode = 0o644
	}
	if err == nil {
		err = out.Chmod(mode.Perm() | 0o600)
	}
	return errors.Join(err, out.Close())
}

// makeRoom makes the parent folders of name and removes a file or link that
// has its place.
func (t *target) makeRoom(name string) error {
	if dir := path.Dir(name); dir != "." {
		if err := t.root.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	info, err := t.root.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.IsDir():
		return unsafe(name, "is a folder and a file")
	}
	return t.root.Remove(name)
}

// copy writes in to out within the limits on size and ratio.
func (t *target) copy(out io.Writer, in io.Reader) error {
	most := t.limits.Bytes
	if t.limits.Ratio > 0 && t.packed < most/t.limits.Ratio {
		most = min(most, max(t.limits.RatioFrom, t.packed*t.limits.Ratio))
	}
	n, err := io.Copy(out, io.LimitReader(in, most-t.bytes+1))
	if t.bytes += n; t.bytes > most {
		return fmt.Errorf("%w: more than %d bytes unpacked from %d", ErrLimit, most, t.packed)
	}
	return err
}

// maxLink bounds a link's target as Linux does.
const maxLink = 4096

func (t *target) readLink(name string, in io.Reader) error {
	to, err := io.ReadAll(io.LimitReader(in, maxLink+1))
	if err != nil {
		return err
	}
	if len(to) > maxLink {
		return unsafe(name, "is a link with an endless target")
	}
	t.links = append(t.links, link{name, string(to)})
	return nil
}

// hardLink links name to a file that the archive brought before.
func (t *target) hardLink(name, to string) error {
	to, err := localName(to)
	if err != nil {
		return err
	}
	if to == name {
		return nil
	}
	info, err := t.root.Lstat(to)
	if err != nil || !info.Mode().IsRegular() {
		return unsafe(name, "is a link to something that is no file of the archive")
	}
	if err := t.makeRoom(name); err != nil {
		return err
	}
	return t.root.Link(to, name)
}

func (t *target) makeLinks() error {
	for _, l := range t.links {
		if err := checkLink(l); err != nil {
			return err
		}
		if err := t.makeRoom(l.name); err != nil {
			return err
		}
		if err := t.realParents(l.name); err != nil {
			return err
		}
		if err := t.root.Symlink(l.target, l.name); err != nil {
			return err
		}
	}
	return nil
}

// checkLink accepts a target that is relative, climbs only at its start, and no
// higher than the link is deep. With parents that are real folders no chain of
// such links leaves the folder.
func checkLink(l link) error {
	slashed := strings.ReplaceAll(l.target, `\`, "/")
	if l.target == "" || strings.HasPrefix(slashed, "/") || strings.ContainsRune(l.target, 0) ||
		len(l.target) > 1 && l.target[1] == ':' {
		return unsafe(l.name, "is a link out of the folder")
	}
	depth, below := strings.Count(l.name, "/"), false
	for part := range strings.SplitSeq(slashed, "/") {
		switch part {
		case "", ".":
		case "..":
			if depth--; below || depth < 0 {
				return unsafe(l.name, "is a link out of the folder")
			}
		default:
			below = true
		}
	}
	return nil
}

// realParents refuses a link that would be made inside another link's target.
func (t *target) realParents(name string) error {
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		info, err := t.root.Lstat(dir)
		if err != nil {
			return err
		}
		if !info.IsDir() {
			return unsafe(name, "lies behind a link")
		}
	}
	return nil
}

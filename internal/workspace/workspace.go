// Package workspace makes folders for the time of one job and removes them
// whatever the job left in them.
package workspace

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// New makes a fresh folder, readable by this user only, below parent ("" is the
// system's folder for temporary files).
func New(parent, prefix string) (dir string, err error) {
	dir, err = os.MkdirTemp(parent, prefix)
	if err != nil {
		return "", err
	}
	// Commands see this path as their working folder: without links in it, so
	// that what they print and what they are told agree.
	return filepath.EvalSymlinks(dir)
}

// Remove removes the folder with all it holds, folders without write permission
// included.
func Remove(dir string) error {
	if os.RemoveAll(dir) == nil {
		return nil
	}
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, _ error) error {
		if d != nil && d.IsDir() {
			_ = os.Chmod(path, 0o700) // before WalkDir reads it
		}
		return nil
	})
	return os.RemoveAll(dir)
}

// Sweep removes what a process that crashed left below parent.
func Sweep(parent, prefix string) error {
	left, err := filepath.Glob(filepath.Join(parent, prefix+"*"))
	for _, dir := range left {
		err = errors.Join(err, Remove(dir))
	}
	return err
}

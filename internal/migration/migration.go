// Package migration knows the files that bring a database's schema up to date:
// NNNN_name.sql, forward only.
package migration

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"sort"
	"strconv"
	"time"
)

// ErrNewer is wrapped by errors about a database that was migrated by a newer
// version of the program. There is no way back.
var ErrNewer = errors.New("the database was written by a newer version")

// Migration is one file.
type Migration struct {
	Version int64
	Name    string // of the file
}

var name = regexp.MustCompile(`^(\d{4})_[a-z0-9_]+\.sql$`)

// List gives the files of the root of fsys, in order. Other files may lie
// beside them, but no two migrations of one number.
func List(fsys fs.FS) ([]Migration, error) {
	names, err := fs.Glob(fsys, "*.sql")
	if err != nil {
		return nil, err
	}
	sort.Strings(names)
	list := make([]Migration, 0, len(names))
	for _, file := range names {
		m := name.FindStringSubmatch(file)
		if m == nil {
			return nil, fmt.Errorf("migration %q is not named NNNN_name.sql", file)
		}
		version, err := strconv.ParseInt(m[1], 10, 64)
		if err != nil {
			return nil, err
		}
		if n := len(list); n > 0 && list[n-1].Version == version {
			return nil, fmt.Errorf("migrations %q and %q have one number", list[n-1].Name, file)
		}
		list = append(list, Migration{version, file})
	}
	return list, nil
}

// Pending compares the files with what the database has seen, which must be
// their beginning, and returns the rest.
func Pending(files, seen []Migration) ([]Migration, error) {
	for i, m := range seen {
		switch {
		case i == len(files) || files[i].Version > m.Version:
			return nil, fmt.Errorf("%w: it has migration %s, which this one does not know", ErrNewer, m.Name)
		case files[i].Version < m.Version:
			return nil, fmt.Errorf("migration %s is older than %s, which the database has already", files[i].Name, m.Name)
		}
	}
	return files[len(seen):], nil
}

// Status is a migration and when the database has seen it.
type Status struct {
	Migration
	Applied time.Time // zero = not yet
}

// Applied compares the files in the folder migrations of files with what a
// database has seen, as Compare does.
func Applied(files fs.FS, seen []Status) ([]Status, error) {
	folder, err := fs.Sub(files, "migrations")
	if err != nil {
		return nil, err
	}
	all, err := List(folder)
	if err != nil {
		return nil, err
	}
	return Compare(all, seen)
}

// Compare tells of each file when the database has seen it. What it has seen
// must be their beginning.
func Compare(files []Migration, seen []Status) ([]Status, error) {
	known := make([]Migration, len(seen))
	list := make([]Status, len(files))
	for i, m := range files {
		list[i].Migration = m
	}
	for i, s := range seen {
		known[i] = s.Migration
		if i < len(list) {
			list[i].Applied = s.Applied
		}
	}
	_, err := Pending(files, known)
	return list, err
}

// Current returns an error unless the database has seen all of the list.
func Current(list []Status) error {
	for _, m := range list {
		if m.Applied.IsZero() {
			return fmt.Errorf("the database has not seen migration %s yet; run `penstock migrate up` before", m.Name)
		}
	}
	return nil
}

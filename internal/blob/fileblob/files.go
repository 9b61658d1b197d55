package fileblob

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
)

const (
	objectsFolder = "objects"
	tempFolder    = "tmp"
	// perFolder is how many files go to one folder.
	perFolder = 4096
)

// files is the folder with the bytes. Files are numbered; number/perFolder is
// the folder, and each start begins a new one, so that the search for files
// without a row looks at few folders.
type files struct {
	root  *os.Root
	first int64 // folder that this process began with

	mu     sync.Mutex
	next   int64
	folder int64           // newest folder made by this process, or -1
	open   map[string]int  // files with readers
	kept   map[string]bool // those of them that are in the trash
	fresh  map[string]bool // files in place whose row is not committed yet
	dying  map[string]bool // files about to be removed
}

func openFiles(dir string) (*files, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	f := &files{root: root, folder: -1, open: map[string]int{}, kept: map[string]bool{}, fresh: map[string]bool{}, dying: map[string]bool{}}
	if err := f.prepare(); err != nil {
		root.Close()
		return nil, err
	}
	return f, nil
}

func (f *files) prepare() error {
	// What a dead process was writing was never promised to anyone.
	if err := f.root.RemoveAll(tempFolder); err != nil {
		return err
	}
	for _, name := range []string{tempFolder, objectsFolder} {
		if err := f.root.Mkdir(name, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	folders, err := f.folders(0)
	if err != nil {
		return err
	}
	for _, n := range folders {
		f.first = max(f.first, n+1)
	}
	f.next = f.first * perFolder
	return f.syncFolder(".")
}

func (f *files) close() { f.root.Close() }

// folders lists the numbers of the object folders from one number on.
func (f *files) folders(from int64) ([]int64, error) {
	names, err := f.list(objectsFolder)
	if err != nil {
		return nil, err
	}
	var numbers []int64
	for _, name := range names {
		if n, err := strconv.ParseInt(name, 16, 64); err == nil && n >= from {
			numbers = append(numbers, n)
		}
	}
	return numbers, nil
}

func (f *files) list(folder string) ([]string, error) {
	d, err := f.root.Open(folder)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.Readdirnames(-1)
}

// reserve gives out a new name and makes its folder.
func (f *files) reserve() (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.next
	f.next++
	if folder := n / perFolder; folder != f.folder {
		if err := f.root.Mkdir(folderName(folder), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return "", err
		}
		if err := f.syncFolder(objectsFolder); err != nil {
			return "", err
		}
		f.folder = folder
	}
	name := fmt.Sprintf("%012x-%s", n, rand.Text()[:8])
	f.fresh[name] = true
	return name, nil
}

// settled says that a reserved name has its row, or never gets one.
func (f *files) settled(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.fresh, name)
}

// discard removes a file that never got a row.
func (f *files) discard(name string) {
	f.root.Remove(path(name))
	f.settled(name)
}

func folderName(n int64) string {
	return filepath.Join(objectsFolder, strconv.FormatInt(n, 16))
}

// path is where the file of that name is.
func path(name string) string {
	var n int64
	if len(name) > 12 {
		n, _ = strconv.ParseInt(name[:12], 16, 64)
	}
	return filepath.Join(folderName(n/perFolder), name)
}

func (f *files) syncFolder(name string) error {
	d, err := f.root.Open(name)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// store writes what fill yields to a new file that is durable when store
// returns. The caller ends with settled or discard.
func (f *files) store(fill func(io.Writer) error) (name string, err error) {
	temp := filepath.Join(tempFolder, rand.Text())
	file, err := f.root.OpenFile(temp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return "", err
	}
	err = fill(file)
	if err == nil {
		err = file.Sync()
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err == nil {
		name, err = f.place(func(to string) error { return f.root.Rename(temp, to) })
	}
	if err != nil {
		f.root.Remove(temp)
		return "", err
	}
	return name, nil
}

// link gives a file a second name, as durable as by store.
func (f *files) link(from string) (name string, err error) {
	return f.place(func(to string) error { return f.root.Link(path(from), to) })
}

func (f *files) place(put func(to string) error) (string, error) {
	name, err := f.reserve()
	if err != nil {
		return "", err
	}
	to := path(name)
	if err = put(to); err == nil {
		err = f.syncFolder(filepath.Dir(to))
	}
	if err != nil {
		f.discard(name)
		return "", err
	}
	return name, nil
}

// acquire keeps files from being removed until release. It is false when one
// of them is on its way out: the row that named it is gone.
func (f *files) acquire(pieces []piece) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range pieces {
		if f.dying[p.file] {
			return false
		}
	}
	for _, p := range pieces {
		f.open[p.file]++
	}
	return true
}

// release ends acquire; it tells whether files can be removed now that could
// not before.
func (f *files) release(pieces []piece) (trash bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range pieces {
		if f.open[p.file]--; f.open[p.file] > 0 {
			continue
		}
		delete(f.open, p.file)
		if f.kept[p.file] {
			delete(f.kept, p.file)
			trash = true
		}
	}
	return trash
}

// condemn marks those of the names that have no reader and returns them.
func (f *files) condemn(names []string) (doomed []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, name := range names {
		if f.open[name] > 0 {
			f.kept[name] = true
			continue
		}
		f.dying[name] = true
		doomed = append(doomed, name)
	}
	return doomed
}

// remove deletes condemned files; one that is gone already is fine.
func (f *files) remove(name string) error {
	if err := f.root.Remove(path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (f *files) forget(names []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, name := range names {
		delete(f.dying, name)
	}
}

func (f *files) isFresh(name string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.fresh[name]
}

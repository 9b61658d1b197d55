// Package archive packs folders into zip files and unpacks zip, tar and
// gzip-compressed tar files from strangers into a folder, and never outside it.
package archive

import (
	"errors"
	"fmt"
)

// Format is the kind of an archive, told by its content.
type Format string

// The formats that Extract reads.
const (
	Zip   Format = "zip"
	Tar   Format = "tar"
	TarGz Format = "tar.gz"
)

// Errors of Extract; what it returns wraps one of them when the archive is to
// blame.
var (
	// ErrFormat says that the content is no archive that can be read.
	ErrFormat = errors.New("not a readable zip, tar or tar.gz archive")
	// ErrUnsafe says that an entry would leave the folder or is of a kind that
	// is not unpacked (devices, pipes).
	ErrUnsafe = errors.New("unsafe archive entry")
	// ErrLimit says that the archive holds more than the Limits allow.
	ErrLimit = errors.New("archive too large")
)

// Limits bound what Extract writes.
type Limits struct {
	Entries int   // files, folders and links together
	Bytes   int64 // sum of the unpacked sizes
	// Ratio bounds unpacked to packed size; 0 is no bound. It applies once
	// RatioFrom bytes are out, so that small, well-packed files pass.
	Ratio, RatioFrom int64
}

// DefaultLimits are the limits that AWS names (100 000 files) and generous ones
// where it names none.
var DefaultLimits = Limits{Entries: 100_000, Bytes: 16 << 30, Ratio: 200, RatioFrom: 64 << 20}

func unsafe(name, why string) error {
	return fmt.Errorf("%w: %q %s", ErrUnsafe, name, why)
}

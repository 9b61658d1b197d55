// Package trouble tells callers in plain words what is wrong with the server
// itself, so that whoever sees a failed call knows where to look. Details stay
// in the server's log.
package trouble

import (
	"errors"
	"syscall"
)

// Error is a failure whose cause lies with the server's surroundings.
type Error struct {
	Text string // a sentence for callers, without details
	Err  error  // for the log
}

// Error is the text for the log.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the error for the log.
func (e *Error) Unwrap() error { return e.Err }

// Text is the sentence for callers about err, and "" if it is not known what is
// wrong: about an *Error its own, about what the file system says one that names
// the disk.
func Text(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Text
	}
	for _, d := range disk {
		if errors.Is(err, d.errno) {
			return d.text
		}
	}
	return ""
}

var disk = []struct {
	errno syscall.Errno
	text  string
}{
	{syscall.ENOSPC, "The disk that holds the server's data is full."},
	{syscall.EDQUOT, "The quota of the server's data is used up."},
	{syscall.EROFS, "The server's data cannot be changed: the file system is read-only."},
	{syscall.EIO, "The disk that holds the server's data fails."},
}

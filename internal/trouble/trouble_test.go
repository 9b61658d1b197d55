package trouble

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"testing"
)

func TestText(t *testing.T) {
	t.Parallel()
	away := &Error{Text: "The database is away.", Err: errors.New("dial tcp: refused")}
	for _, tc := range []struct {
		name string
		err  error
		want string
	}{
		{"nothing", nil, ""},
		{"something else", errors.New("bug"), ""},
		{"a missing file", fs.ErrNotExist, ""},
		{"an own text", fmt.Errorf("update: %w", away), "The database is away."},
		{"a full disk", &fs.PathError{Op: "write", Path: "/data/x", Err: syscall.ENOSPC}, "The disk that holds the server's data is full."},
		{"a read-only disk, wrapped twice", fmt.Errorf("put: %w", &fs.PathError{Op: "open", Path: "/data/x", Err: syscall.EROFS}), "The server's data cannot be changed: the file system is read-only."},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := Text(tc.err); got != tc.want {
				t.Errorf("%q, want %q", got, tc.want)
			}
		})
	}
	if away.Error() != "dial tcp: refused" {
		t.Errorf("the log would say %q", away.Error())
	}
}

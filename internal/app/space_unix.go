//go:build linux || darwin

package app

import "syscall"

// space is how much of the folder's file system is free for this user, and its
// size, in bytes; 0, 0 when the system does not tell.
func space(folder string) (free, size uint64) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(folder, &s); err != nil {
		return 0, 0
	}
	return s.Bavail * uint64(s.Bsize), s.Blocks * uint64(s.Bsize)
}

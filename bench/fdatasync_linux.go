package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// fdatasync makes the data of f durable, and of its metadata what is needed to
// read them.
func fdatasync(f *os.File) error { return unix.Fdatasync(int(f.Fd())) }

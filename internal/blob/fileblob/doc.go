// Package fileblob keeps objects in a folder: bytes in files, and everything
// else in a SQLite index beside them.
//
// A write goes to a temporary file, which is synced, moved to its place and
// its folder synced, before one transaction makes the object visible. So an
// object is whole or absent whenever the process dies; files that a dead
// process left without a row are removed after the next start. Files have
// names of our own: a key never becomes a path.
package fileblob

//go:build !linux

package sqlite

import "os"

// dataSync is for systems that can do with less than SQLite's own sync.
func (w *walFile) dataSync() (rc int32, ok bool) { return 0, false }

// syncData makes what was written to the file durable.
func syncData(f *os.File) error { return f.Sync() }

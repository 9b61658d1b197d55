//go:build !linux

package sqlite

// dataSync is for systems that can do with less than SQLite's own sync.
func (w *walFile) dataSync() (rc int32, ok bool) { return 0, false }

package main

import (
	"errors"
	"os"
	"path/filepath"
	"time"
)

const (
	fsyncBlock = 4 << 10
	fsyncFile  = 4 << 20
)

// fsyncs times writes of 4 KiB, each with its fdatasync, for d. They go round
// in a file that has its length already: the least a disk can be asked.
func fsyncs(dir string, d time.Duration) (times []time.Duration, err error) {
	name := filepath.Join(dir, "fsync.dat")
	if err := os.WriteFile(name, make([]byte, fsyncFile), 0o600); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(name)) }()
	if err := f.Sync(); err != nil {
		return nil, err
	}
	block := make([]byte, fsyncBlock)
	for begin, i := time.Now(), int64(0); time.Since(begin) < d; i++ {
		block[0]++
		t := time.Now()
		if _, err := f.WriteAt(block, i*fsyncBlock%fsyncFile); err != nil {
			return nil, err
		}
		if err := fdatasync(f); err != nil {
			return nil, err
		}
		times = append(times, time.Since(t))
	}
	return times, nil
}

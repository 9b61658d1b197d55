package main

import (
	"os"
	"sync"
)

// groupLog is a file of records. Records that come while a write is under way
// share the next one and its fsync.
type groupLog struct {
	file *os.File
	wake chan struct{} // a record waits
	done chan struct{} // the loop has ended

	mu     sync.Mutex
	open   *group
	closed bool
}

// group is the records of one write.
type group struct {
	buf     []byte
	written chan struct{}
	err     error
}

func openGroupLog(path string) (*groupLog, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	l := &groupLog{file: f, wake: make(chan struct{}, 1), done: make(chan struct{}), open: newGroup(nil)}
	go l.loop()
	return l, nil
}

func newGroup(buf []byte) *group { return &group{buf: buf[:0], written: make(chan struct{})} }

// append writes a record of a name and a body and returns when it is durable.
func (l *groupLog) append(name string, body []byte) error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return os.ErrClosed
	}
	g := l.open
	if len(g.buf) == 0 {
		l.wake <- struct{}{} // never blocks: the loop took the last one before it made this group
	}
	g.buf = append(append(append(append(g.buf, name...), ' '), body...), '\n')
	l.mu.Unlock()
	<-g.written
	return g.err
}

func (l *groupLog) loop() {
	defer close(l.done)
	var spare []byte
	for range l.wake {
		l.mu.Lock()
		g := l.open
		l.open = newGroup(spare)
		l.mu.Unlock()
		if _, g.err = l.file.Write(g.buf); g.err == nil {
			g.err = fdatasync(l.file)
		}
		spare = g.buf
		close(g.written)
	}
}

// close ends the log after all records were written.
func (l *groupLog) close() error {
	l.mu.Lock()
	l.closed = true
	close(l.wake)
	l.mu.Unlock()
	<-l.done
	return l.file.Close()
}

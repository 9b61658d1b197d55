package procgroup

import (
	"errors"
	"io"
	"os"
	"time"
)

// Pipe carries what processes print. File is what a command gets as Stdout and
// Stderr, so that waiting for the command does not wait for its background
// processes.
type Pipe struct {
	File *os.File
	r    *os.File
	done chan error
}

// pipeRest is how long Close waits for processes that left their group with the
// pipe still open.
const pipeRest = time.Second

// NewPipe returns a pipe whose bytes go to w, in order. When w fails the rest is
// read and dropped, so that no process blocks, and Close returns the error.
func NewPipe(w io.Writer) (*Pipe, error) {
	r, f, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p := &Pipe{File: f, r: r, done: make(chan error, 1)}
	go func() {
		_, err := io.Copy(w, r)
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			_, _ = io.Copy(io.Discard, r)
		}
		p.done <- err
	}()
	return p, nil
}

// Close closes File and waits until everything printed has been copied. Call it
// after the group is closed.
func (p *Pipe) Close() error {
	p.File.Close()
	_ = p.r.SetReadDeadline(time.Now().Add(pipeRest))
	err := <-p.done
	p.r.Close()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	return err
}

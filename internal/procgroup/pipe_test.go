package procgroup

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestPipeKeepsOrderAndAll(t *testing.T) {
	t.Parallel()
	var got bytes.Buffer
	p, err := NewPipe(&got)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Repeat("0123456789abcdef", 64<<10)
	if _, err := p.File.WriteString(want); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if got.String() != want {
		t.Errorf("got %d bytes, want %d", got.Len(), len(want))
	}
}

type brokenWriter struct{ err error }

func (b brokenWriter) Write([]byte) (int, error) { return 0, b.err }

func TestPipeDrainsWhenItsWriterFails(t *testing.T) {
	t.Parallel()
	full := errors.New("disk full")
	p, err := NewPipe(brokenWriter{full})
	if err != nil {
		t.Fatal(err)
	}
	// More than a pipe holds: this blocks for ever unless somebody reads.
	if _, err := p.File.Write(make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); !errors.Is(err, full) {
		t.Errorf("Close: %v, want %v", err, full)
	}
}

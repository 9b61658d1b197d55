package transfer

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
)

// maxLine bounds what a line takes in memory.
const maxLine = 256 << 20

// ErrDamaged is wrapped by errors about a stream that is not as it was written.
var ErrDamaged = errors.New("the file is damaged or incomplete")

// ErrNewer is wrapped by errors about a stream that a newer version wrote.
var ErrNewer = errors.New("the file was written by a newer version of penstock")

// Reader reads a stream and checks its digests.
type Reader struct {
	Header Header

	known []Table
	in    *bufio.Reader
	all   hash.Hash
	rows  int64

	table  *Table // nil between tables
	types  []Type // of the stream's columns
	place  []int  // of each in the table
	one    hash.Hash
	n      int64
	seen   []string
	values []any
	whole  Sum

	// Progress, when set, is told after each row how many there were.
	Progress func(rows int64)
}

// NewReader reads the beginning of a stream of the kind, which may hold the
// known tables.
func NewReader(r io.Reader, kind string, known []Table) (*Reader, error) {
	zip, err := gzip.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("this is no export of penstock: %w", err)
	}
	in := &Reader{known: known, in: bufio.NewReaderSize(zip, 64<<10), all: sha256.New(), one: sha256.New()}
	line, err := in.line()
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(line, &in.Header); err != nil || in.Header.Kind == "" {
		return nil, errors.New("this is no export of penstock")
	}
	if in.Header.Kind != kind {
		return nil, fmt.Errorf("this is an export of penstock's %s, not of its %s", in.Header.Kind, kind)
	}
	if in.Header.Format > Format {
		return nil, fmt.Errorf("%w: it has format %d, this one knows up to %d", ErrNewer, in.Header.Format, Format)
	}
	in.all.Write(line)
	return in, nil
}

// line reads a line with its line feed. It is valid until the next one.
func (r *Reader) line() ([]byte, error) {
	line, err := r.in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		long := slices.Clone(line)
		for errors.Is(err, bufio.ErrBufferFull) && len(long) < maxLine {
			line, err = r.in.ReadSlice('\n')
			long = append(long, line...)
		}
		line = long
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return line, nil
}

// Next goes to the next table; nil is the end of the stream, which is then
// known to be whole.
func (r *Reader) Next() (*Table, error) {
	line, err := r.line()
	if err != nil {
		return nil, err
	}
	var head struct {
		tableLine
		Sum
	}
	if err := strict(line, &head); err != nil {
		return nil, err
	}
	if head.tableLine.Table == "" {
		return nil, r.end(head.Sum)
	}
	r.all.Write(line)
	err = r.begin(head.tableLine)
	return r.table, err
}

func strict(line []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return nil
}

func (r *Reader) begin(head tableLine) error {
	i := slices.IndexFunc(r.known, func(t Table) bool { return t.Name == head.Table })
	if i < 0 {
		return fmt.Errorf("%w: it has table %q, which this one does not know", ErrNewer, head.Table)
	}
	if slices.Contains(r.seen, head.Table) || len(head.Columns) != len(head.Types) {
		return fmt.Errorf("%w: table %q", ErrDamaged, head.Table)
	}
	r.seen = append(r.seen, head.Table)
	t := &r.known[i]
	r.place, r.types, r.values = r.place[:0], head.Types, make([]any, len(t.Columns))
	for n, name := range head.Columns {
		at := slices.IndexFunc(t.Columns, func(c Column) bool { return c.Name == name })
		if at < 0 || t.Columns[at].Type != head.Types[n] {
			return fmt.Errorf("%w: it has column %s.%s of type %s, which this one does not know", ErrNewer, head.Table, name, head.Types[n])
		}
		if slices.Contains(r.place, at) {
			return fmt.Errorf("%w: column %s.%s comes twice", ErrDamaged, head.Table, name)
		}
		r.place = append(r.place, at)
	}
	r.table, r.n = t, 0
	r.one.Reset()
	return nil
}

// Row returns the next row of the table, with the columns that the stream lacks
// at their zero value; nil is the end of the table. The slice is used again for
// the next row.
func (r *Reader) Row() ([]any, error) {
	line, err := r.line()
	if err != nil {
		return nil, err
	}
	r.all.Write(line)
	if line[0] != '[' {
		var s Sum
		if err := strict(line, &s); err != nil {
			return nil, err
		}
		if want := (Sum{r.table.Name, r.n, digest(r.one)}); s != want {
			return nil, fmt.Errorf("%w: table %s has %d rows with digest %.12s, not %d with %.12s", ErrDamaged, r.table.Name, r.n, want.SHA256, s.Rows, s.SHA256)
		}
		return nil, nil
	}
	r.one.Write(line)
	r.n++
	r.rows++
	if r.Progress != nil {
		r.Progress(r.rows)
	}
	var cells []json.RawMessage
	if err := json.Unmarshal(line, &cells); err != nil || len(cells) != len(r.place) {
		return nil, fmt.Errorf("%w: row %d of table %s", ErrDamaged, r.n, r.table.Name)
	}
	for i, c := range r.table.Columns {
		r.values[i] = c.Type.zero()
	}
	for i, cell := range cells {
		if r.values[r.place[i]], err = r.types[i].parse(cell); err != nil {
			return nil, fmt.Errorf("%w: row %d of table %s: %w", ErrDamaged, r.n, r.table.Name, err)
		}
	}
	return r.values, nil
}

// end compares the last line, and makes sure that nothing follows.
func (r *Reader) end(s Sum) error {
	if want := (Sum{"", r.rows, digest(r.all)}); s != want {
		return fmt.Errorf("%w: it has %d rows with digest %.12s, not %d with %.12s", ErrDamaged, want.Rows, want.SHA256, s.Rows, s.SHA256)
	}
	if _, err := r.in.ReadByte(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: something follows its end", ErrDamaged)
	}
	r.table, r.whole = nil, s
	return nil
}

// Whole is the number of rows and the digest of a stream that was read to its
// end.
func (r *Reader) Whole() Sum { return r.whole }

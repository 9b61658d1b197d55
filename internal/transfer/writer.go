package transfer

import (
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash"
	"io"
	"time"
)

// Format is the number of the form that this version writes, and the newest
// that it reads. It grows when a reader of before would misunderstand.
const Format = 1

// Header is the first line of a stream.
type Header struct {
	Kind    string    `json:"penstock"` // what the tables are: "state" or "artifacts"
	Format  int       `json:"format"`
	Created time.Time `json:"created"`
	Source  string    `json:"source"`        // the database that they were read from
	Key     string    `json:"key,omitempty"` // something that the master key has sealed
}

type tableLine struct {
	Table   string   `json:"table"`
	Columns []string `json:"columns"`
	Types   []Type   `json:"types"`
}

// Sum is what a stream says about a table, or about all of them (Table "").
type Sum struct {
	Table  string `json:"end"`
	Rows   int64  `json:"rows"`
	SHA256 string `json:"sha256"`
}

// Writer writes a stream.
type Writer struct {
	zip  *gzip.Writer
	out  *bufio.Writer
	all  hash.Hash
	rows int64
	sums []Sum

	table Table
	one   hash.Hash
	n     int64
	buf   []byte

	// Progress, when set, is told after each row how many there were.
	Progress func(rows int64)
}

// NewWriter begins a stream.
func NewWriter(w io.Writer, h Header) (*Writer, error) {
	zip, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if err != nil {
		return nil, err
	}
	out := &Writer{zip: zip, out: bufio.NewWriterSize(zip, 64<<10), all: sha256.New(), one: sha256.New()}
	h.Format = Format
	return out, out.line(h)
}

// NewDigest returns a Writer that keeps nothing but the sums.
func NewDigest() *Writer {
	return &Writer{out: bufio.NewWriter(io.Discard), all: sha256.New(), one: sha256.New()}
}

func (w *Writer) line(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return w.put(append(b, '\n'))
}

func (w *Writer) put(b []byte) error {
	w.all.Write(b)
	_, err := w.out.Write(b)
	return err
}

// Begin begins a table.
func (w *Writer) Begin(t Table) error {
	w.table, w.n = t, 0
	w.one.Reset()
	head := tableLine{Table: t.Name}
	for _, c := range t.Columns {
		head.Columns, head.Types = append(head.Columns, c.Name), append(head.Types, c.Type)
	}
	return w.line(head)
}

// Row writes a row of the table.
func (w *Writer) Row(values []any) (err error) {
	if w.buf, err = w.table.appendRow(w.buf[:0], values); err != nil {
		return err
	}
	if len(w.buf) > maxLine {
		return errors.New("transfer: a row of table " + w.table.Name + " is too long")
	}
	w.one.Write(w.buf)
	w.n++
	w.rows++
	if w.Progress != nil {
		w.Progress(w.rows)
	}
	return w.put(w.buf)
}

// End ends the table.
func (w *Writer) End() error {
	s := Sum{w.table.Name, w.n, digest(w.one)}
	w.sums = append(w.sums, s)
	return w.line(s)
}

// Close ends the stream, and returns the sums of the tables and of the whole.
func (w *Writer) Close() (tables []Sum, whole Sum, err error) {
	whole = Sum{"", w.rows, digest(w.all)}
	err = errors.Join(w.line(whole), w.out.Flush())
	if w.zip != nil {
		err = errors.Join(err, w.zip.Close())
	}
	return w.sums, whole, err
}

func digest(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }

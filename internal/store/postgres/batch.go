package postgres

import (
	"encoding/binary"

	"github.com/jackc/pgx/v5"
)

// row names what a statement over arrays reads or writes.
type row struct {
	table    string
	pipeline int64
	id       string
}

// key is the first column of a row that is read, as the server sends it.
func (r row) key() string {
	if r.id != "" {
		return r.id
	}
	return string(binary.BigEndian.AppendUint64(nil, uint64(r.pipeline)))
}

// batch is what goes to the server in one round trip. Of statements over arrays
// those with the same text become one, as far as no row is touched in another
// order than they came in.
type batch struct {
	list    []*statement
	touched map[row]int // the last statement that touches the row
	floor   int         // none joins a statement before this one
}

// write adds statements that may go in any order, but for what touches the same
// row.
func (b *batch) write(statements []statement) {
	for i := range statements {
		b.add(&statements[i], 0)
	}
}

// ask adds statements that go in the order they have.
func (b *batch) ask(statements []statement) {
	at := 0
	for i := range statements {
		at = b.add(&statements[i], at)
	}
}

// add returns the place of the statement, which is not before the one that is
// given.
func (b *batch) add(s *statement, from int) int {
	last := len(b.list)
	if !s.many || s.tag != nil {
		if s.many {
			s.join(s)
		}
		b.list = append(b.list, s)
		b.floor = len(b.list)
		return last
	}
	touched, again := b.touched[s.row]
	if again {
		from = max(from, touched+1)
	}
	at := last
	for i := max(b.floor, from); i < last; i++ {
		if b.list[i].sql == s.sql {
			at = i
		}
	}
	if at == last {
		b.list = append(b.list, &statement{sql: s.sql, many: true})
	}
	if s.row != (row{}) {
		if b.touched == nil {
			b.touched = map[row]int{}
		}
		b.touched[s.row] = at
	}
	b.list[at].join(s)
	return at
}

// join adds the arguments of another statement with the same text.
func (s *statement) join(other *statement) {
	if s.columns == nil {
		s.columns = make([]column, len(other.args))
	}
	for i, v := range other.args {
		s.columns[i].add(v)
	}
	s.rows++
	switch {
	case other.scan == nil || s == other:
	case s.scan == nil:
		s.scan, s.row = other.scan, other.row
	default:
		if s.scans == nil {
			s.scans = map[string]func(pgx.Rows) error{s.row.key(): s.scan}
			s.scan = func(r pgx.Rows) error {
				if scan := s.scans[string(r.RawValues()[0])]; scan != nil {
					return scan(r)
				}
				return nil
			}
		}
		s.scans[other.row.key()] = other.scan
	}
}

// arguments are those for the server: of a statement over arrays the arrays, and
// then how many rows they make.
func (s *statement) arguments() []any {
	if !s.many {
		return s.args
	}
	args := make([]any, 0, len(s.columns)+1)
	for i := range s.columns {
		args = append(args, &s.columns[i])
	}
	return append(args, int64(s.rows))
}

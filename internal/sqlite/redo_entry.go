package sqlite

import (
	"encoding/binary"
	"errors"
	"math"
)

// entries gathers the statements that a group's calls executed, in the form of
// the redo log: each text once, then its number and the arguments of each run.
type entries struct {
	group int64   // grows with each group, so that statements know theirs
	buf   []byte  // begins with room for the record's header
	texts []*stmt // those that buf defines, in order
}

const (
	entryText byte = iota + 1
	entryRun
)

const (
	argNull byte = iota
	argInt
	argFloat
	argText
	argBlob
)

// reset begins a group.
func (e *entries) reset() {
	e.group++
	if cap(e.buf) > 2*maxRecord {
		e.buf = nil
	}
	if e.buf == nil {
		e.buf = make([]byte, redoHeader, 64<<10)
	}
	e.buf = e.buf[:redoHeader]
	clear(e.texts)
	e.texts = e.texts[:0]
}

// record is the group's record, with its header still to be filled.
func (e *entries) record() []byte { return e.buf }

// mark is how far the entries go.
type mark struct{ bytes, texts int }

func (e *entries) mark() mark { return mark{len(e.buf), len(e.texts)} }

// cut drops what came after the mark.
func (e *entries) cut(m mark) {
	e.buf = e.buf[:m.bytes]
	for _, s := range e.texts[m.texts:] {
		s.group = 0
	}
	clear(e.texts[m.texts:])
	e.texts = e.texts[:m.texts]
}

// add notes a run of the statement.
func (e *entries) add(s *stmt, args []byte) {
	if s.group != e.group {
		s.group, s.number = e.group, len(e.texts)
		e.texts = append(e.texts, s)
		e.buf = append(e.buf, entryText)
		e.buf = binary.AppendUvarint(e.buf, uint64(len(s.sql)))
		e.buf = append(e.buf, s.sql...)
	}
	e.buf = append(e.buf, entryRun)
	e.buf = binary.AppendUvarint(e.buf, uint64(s.number))
	e.buf = append(e.buf, args...)
}

// addRun is add with arguments that are not encoded yet.
func (e *entries) addRun(s *stmt, args []any) {
	e.add(s, nil)
	e.buf = appendArgs(e.buf, args)
}

// appendArgs encodes arguments that bind has accepted.
func appendArgs(b []byte, args []any) []byte {
	b = binary.AppendUvarint(b, uint64(len(args)))
	for _, a := range args {
		switch v := a.(type) {
		case int:
			b = binary.AppendVarint(append(b, argInt), int64(v))
		case int64:
			b = binary.AppendVarint(append(b, argInt), v)
		case bool:
			n := int64(0)
			if v {
				n = 1
			}
			b = binary.AppendVarint(append(b, argInt), n)
		case float64:
			b = binary.LittleEndian.AppendUint64(append(b, argFloat), math.Float64bits(v))
		case string:
			b = binary.AppendUvarint(append(b, argText), uint64(len(v)))
			b = append(b, v...)
		case []byte:
			if v == nil {
				b = append(b, argNull)
				break
			}
			b = binary.AppendUvarint(append(b, argBlob), uint64(len(v)))
			b = append(b, v...)
		default: // nil
			b = append(b, argNull)
		}
	}
	return b
}

var errEntry = errors.New("sqlite: the redo log holds what no version wrote")

// reader takes entries apart. The first thing that is wrong sticks.
type entryReader struct {
	b   []byte
	bad bool
}

func (r *entryReader) byte() byte {
	if len(r.b) == 0 {
		r.bad = true
		return 0
	}
	v := r.b[0]
	r.b = r.b[1:]
	return v
}

func (r *entryReader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad = true
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *entryReader) varint() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.bad = true
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *entryReader) bytes(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.bad = true
		return nil
	}
	v := r.b[:n:n]
	r.b = r.b[n:]
	return v
}

func (r *entryReader) args() []any {
	n := r.uvarint()
	if n > uint64(len(r.b)) {
		r.bad = true
		return nil
	}
	args := make([]any, n)
	for i := range args {
		switch r.byte() {
		case argNull:
		case argInt:
			args[i] = r.varint()
		case argFloat:
			if b := r.bytes(8); b != nil {
				args[i] = math.Float64frombits(binary.LittleEndian.Uint64(b))
			}
		case argText:
			args[i] = string(r.bytes(r.uvarint()))
		case argBlob:
			args[i] = r.bytes(r.uvarint())
		default:
			r.bad = true
		}
	}
	return args
}

// replayEntries runs the statements again.
func replayEntries(c *conn, b []byte) error {
	r := entryReader{b: b}
	var texts []string
	for len(r.b) > 0 && !r.bad {
		switch r.byte() {
		case entryText:
			texts = append(texts, string(r.bytes(r.uvarint())))
		case entryRun:
			n, args := r.uvarint(), r.args()
			if r.bad || n >= uint64(len(texts)) {
				return errEntry
			}
			s, err := c.statement(texts[n])
			if err != nil {
				return err
			}
			if err := s.exec(args); err != nil {
				return err
			}
		default:
			return errEntry
		}
	}
	if r.bad {
		return errEntry
	}
	return nil
}

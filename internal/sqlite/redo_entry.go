package sqlite

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
)

// entries gathers the statements that a group's calls executed, in the form of
// the redo log: each text once, then its number and the arguments of each run.
type entries struct {
	group int64   // grows with each group, so that statements know theirs
	buf   []byte  // the group's record; its header is still to be filled
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

// entryReader takes entries apart. The first thing that is wrong sticks.
type entryReader struct {
	bytes.Buffer
	err error
}

func read[T any](r *entryReader, from func(io.ByteReader) (T, error)) T {
	v, err := from(r)
	if err != nil {
		r.err = errEntry
	}
	return v
}

func (r *entryReader) kind() byte     { return read(r, io.ByteReader.ReadByte) }
func (r *entryReader) number() uint64 { return read(r, binary.ReadUvarint) }

// piece is the next n bytes.
func (r *entryReader) piece(n uint64) []byte {
	if n > uint64(r.Len()) {
		r.err = errEntry
		return nil
	}
	return r.Next(int(n))
}

func (r *entryReader) args() []any {
	n := r.number()
	if n > uint64(r.Len()) {
		r.err = errEntry
		return nil
	}
	args := make([]any, n)
	for i := range args {
		switch r.kind() {
		case argNull:
		case argInt:
			args[i] = read(r, binary.ReadVarint)
		case argFloat:
			if b := r.piece(8); b != nil {
				args[i] = math.Float64frombits(binary.LittleEndian.Uint64(b))
			}
		case argText:
			args[i] = string(r.piece(r.number()))
		case argBlob:
			args[i] = r.piece(r.number())
		default:
			r.err = errEntry
		}
	}
	return args
}

// replayEntries runs the statements again.
func replayEntries(c *conn, b []byte) error {
	r := &entryReader{Buffer: *bytes.NewBuffer(b)}
	var texts []string
	for r.Len() > 0 && r.err == nil {
		switch r.kind() {
		case entryText:
			texts = append(texts, string(r.piece(r.number())))
		case entryRun:
			n, args := r.number(), r.args()
			if r.err != nil || n >= uint64(len(texts)) {
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
	return r.err
}

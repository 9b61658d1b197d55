package postgres

import (
	"context"
	"encoding/binary"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// column is an argument of a statement over arrays: an array in the form in
// which it goes to the server, but for its head.
type column struct {
	element uint32 // type
	n       int
	null    bool
	body    []byte
	small   [48]byte // what body begins in: room for an id
}

// add adds a string, an int64, a bool or a []byte; nil is NULL.
func (c *column) add(v any) {
	if c.n++; c.n == 1 {
		c.body = c.small[:0]
	}
	switch v := v.(type) {
	case string:
		c.element = pgtype.TextOID
		c.body = append(binary.BigEndian.AppendUint32(slices.Grow(c.body, 4+len(v)), uint32(len(v))), v...)
	case int64:
		c.element = pgtype.Int8OID
		c.body = binary.BigEndian.AppendUint64(append(c.body, 0, 0, 0, 8), uint64(v))
	case bool:
		c.element = pgtype.BoolOID
		c.body = append(c.body, 0, 0, 0, 1, 0)
		if v {
			c.body[len(c.body)-1] = 1
		}
	case []byte:
		c.element = pgtype.ByteaOID
		if v == nil {
			c.null = true
			c.body = append(c.body, 0xff, 0xff, 0xff, 0xff)
			return
		}
		c.body = append(binary.BigEndian.AppendUint32(slices.Grow(c.body, 4+len(v)), uint32(len(v))), v...)
	default:
		panic("no column is of this type")
	}
}

// columnPlan implements pgtype.EncodePlan.
type columnPlan struct{}

// Encode appends the array in PostgreSQL's binary form (array_recv).
func (columnPlan) Encode(value any, b []byte) ([]byte, error) {
	c := value.(*column)
	nulls := uint32(0)
	if c.null {
		nulls = 1
	}
	for _, n := range [...]uint32{1, nulls, c.element, uint32(c.n), 1} { // dimensions, NULLs, type, length, first index
		b = binary.BigEndian.AppendUint32(b, n)
	}
	return append(b, c.body...), nil
}

// columnCodec takes columns beside what its codec takes.
type columnCodec struct{ pgtype.Codec }

// PlanEncode implements pgtype.Codec.
func (c columnCodec) PlanEncode(m *pgtype.Map, oid uint32, format int16, value any) pgtype.EncodePlan {
	if _, ok := value.(*column); ok && format == pgtype.BinaryFormatCode {
		return columnPlan{}
	}
	return c.Codec.PlanEncode(m, oid, format, value)
}

// takeColumns prepares a connection for statements over arrays.
func takeColumns(_ context.Context, conn *pgx.Conn) error {
	m := conn.TypeMap()
	for _, oid := range []uint32{pgtype.TextArrayOID, pgtype.Int8ArrayOID, pgtype.BoolArrayOID, pgtype.ByteaArrayOID} {
		t, ok := m.TypeForOID(oid)
		if ok {
			m.RegisterType(&pgtype.Type{Name: t.Name, OID: oid, Codec: columnCodec{t.Codec}})
		}
	}
	return nil
}

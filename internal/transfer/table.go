package transfer

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Type is what a column holds.
type Type string

// The types, and the Go types of their values.
const (
	Int   Type = "int"   // int64
	Bool  Type = "bool"  // bool
	Text  Type = "text"  // string
	Bytes Type = "bytes" // []byte, nil where there is none
)

// Column is one column of a table.
type Column struct {
	Name string
	Type Type
}

// Table is a table as it travels. Its first Key columns are its key, by which
// rows are ordered: numbers by their value, text by its bytes.
type Table struct {
	Name    string
	Key     int
	Columns []Column
}

// Columns puts columns of one type together with others.
func Columns(groups ...[]Column) []Column {
	var all []Column
	for _, g := range groups {
		all = append(all, g...)
	}
	return all
}

// Ints, Bools, Texts and Blobs are columns of one type.
func Ints(names ...string) []Column  { return columns(Int, names) }
func Bools(names ...string) []Column { return columns(Bool, names) }
func Texts(names ...string) []Column { return columns(Text, names) }
func Blobs(names ...string) []Column { return columns(Bytes, names) }

func columns(t Type, names []string) []Column {
	list := make([]Column, len(names))
	for i, n := range names {
		list[i] = Column{n, t}
	}
	return list
}

// zero is the value of a column that a stream does not have.
func (t Type) zero() any {
	switch t {
	case Int:
		return int64(0)
	case Bool:
		return false
	case Text:
		return ""
	default:
		return []byte(nil)
	}
}

// appendRow appends the line of a row.
func (t *Table) appendRow(b []byte, values []any) ([]byte, error) {
	if len(values) != len(t.Columns) {
		return b, fmt.Errorf("transfer: %d values for the %d columns of table %s", len(values), len(t.Columns), t.Name)
	}
	b = append(b, '[')
	for i, value := range values {
		if i > 0 {
			b = append(b, ',')
		}
		var ok bool
		if b, ok = t.Columns[i].Type.append(b, value); !ok {
			return b, fmt.Errorf("transfer: column %s.%s cannot hold a %T like this one", t.Name, t.Columns[i].Name, value)
		}
	}
	return append(b, ']', '\n'), nil
}

func (t Type) append(b []byte, value any) ([]byte, bool) {
	switch v := value.(type) {
	case int64:
		return strconv.AppendInt(b, v, 10), t == Int
	case bool:
		digit := byte('0')
		if v {
			digit = '1'
		}
		return append(b, digit), t == Bool
	case string:
		if !utf8.ValidString(v) {
			return b, false // it would not come back as it is
		}
		quoted, err := json.Marshal(v)
		return append(b, quoted...), err == nil && t == Text
	case []byte:
		if v == nil {
			return append(b, "null"...), t == Bytes
		}
		b = append(b, '"')
		b = base64.StdEncoding.AppendEncode(b, v)
		return append(b, '"'), t == Bytes
	case nil:
		return append(b, "null"...), t == Bytes
	default:
		return b, false
	}
}

// parse undoes append.
func (t Type) parse(raw json.RawMessage) (any, error) {
	switch t {
	case Int:
		return strconv.ParseInt(string(raw), 10, 64)
	case Bool:
		switch string(raw) {
		case "0", "1":
			return raw[0] == '1', nil
		}
		return nil, fmt.Errorf("%.20q is not 0 or 1", raw)
	case Text:
		var s *string
		if err := json.Unmarshal(raw, &s); err != nil || s == nil {
			return nil, fmt.Errorf("%.20q is no text", raw)
		}
		return *s, nil
	default:
		var b []byte
		if err := json.Unmarshal(raw, &b); err != nil {
			return nil, fmt.Errorf("%.20q is no base64", raw)
		}
		return b, nil
	}
}

// Names are the names of the columns.
func (t Table) Names() []string {
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = c.Name
	}
	return names
}

// Select is the statement that reads the table in the order of its key, for a
// database that has it under its own names.
func (t Table) Select() string {
	names := t.Names()
	return words("SELECT", strings.Join(names, ", "), "FROM", t.Name, "ORDER BY", strings.Join(names[:t.Key], ", "))
}

// Insert is the statement that adds a row, with question marks for its values.
func (t Table) Insert() string {
	return words("INSERT INTO", t.Name, "(", strings.Join(t.Names(), ", "), ") VALUES (?", strings.Repeat(", ?", len(t.Columns)-1), ")")
}

func words(parts ...string) string { return strings.Join(parts, " ") }

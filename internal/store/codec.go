package store

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"
)

// Sealer encrypts what must not lie in the database in clear text. Open fails
// for a context other than the one that was sealed with.
type Sealer interface {
	Seal(plaintext []byte, context string) string
	Open(sealed, context string) ([]byte, error)
}

// Documents are kept as JSON without the members that have their zero value.
// They are read by encoding/json, which leaves new members of the types at
// their zero value; they are written by the appenders of the codec files,
// since each transition writes some. A test fails when an appender forgets a
// member.

// object appends the members of a JSON object.
type object []byte

func (o *object) open()  { *o = append(*o, '{') }
func (o *object) close() { *o = append(*o, '}') }

// next separates a value from the one before it.
func (o *object) next() {
	if last := (*o)[len(*o)-1]; last != '{' && last != '[' {
		*o = append(*o, ',')
	}
}

// key begins a member; names need no escapes.
func (o *object) key(name string) {
	o.next()
	*o = append(*o, '"')
	*o = append(*o, name...)
	*o = append(*o, '"', ':')
}

func (o *object) text(name, v string) {
	if v != "" {
		o.key(name)
		*o = appendText(*o, v)
	}
}

func (o *object) number(name string, v int64) {
	if v != 0 {
		o.key(name)
		*o = strconv.AppendInt(*o, v, 10)
	}
}

func (o *object) flag(name string, v bool) {
	if v {
		o.key(name)
		*o = append(*o, "true"...)
	}
}

func (o *object) time(name string, v time.Time) {
	if !v.IsZero() {
		o.key(name)
		*o = append(*o, '"')
		*o = v.UTC().AppendFormat(*o, time.RFC3339Nano)
		*o = append(*o, '"')
	}
}

func (o *object) texts(name string, v []string) {
	if len(v) == 0 {
		return
	}
	o.key(name)
	*o = append(*o, '[')
	for _, s := range v {
		o.next()
		*o = appendText(*o, s)
	}
	*o = append(*o, ']')
}

func (o *object) dict(name string, v map[string]string) {
	if len(v) == 0 {
		return
	}
	o.key(name)
	o.open()
	for k, s := range v {
		o.next()
		*o = appendText(*o, k)
		*o = append(*o, ':')
		*o = appendText(*o, s)
	}
	o.close()
}

// each appends an array of objects; fill appends the members of one.
func each[T any](o *object, name string, items []T, fill func(*object, *T)) {
	if len(items) == 0 {
		return
	}
	o.key(name)
	*o = append(*o, '[')
	for i := range items {
		o.next()
		o.open()
		fill(o, &items[i])
		o.close()
	}
	*o = append(*o, ']')
}

// one appends a member that is an object, with its members even if it is
// empty; nil appends nothing.
func one[T any](o *object, name string, v *T, fill func(*object, *T)) {
	if v == nil {
		return
	}
	o.key(name)
	o.open()
	fill(o, v)
	o.close()
}

// appendText appends s as a JSON string, as it is when nothing in it needs an
// escape.
func appendText(b []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			quoted, err := json.Marshal(s)
			if err != nil {
				panic(err) // no string fails
			}
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

func decode[T any](b []byte) (*T, error) {
	v := new(T)
	if err := json.Unmarshal(b, v); err != nil {
		return nil, fmt.Errorf("store: a stored %T cannot be read: %w", *v, err)
	}
	return v, nil
}

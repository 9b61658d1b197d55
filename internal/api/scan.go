package api

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"penstock/internal/core/fault"
)

// maxDepth bounds the nesting of a document; the deepest input of the API
// nests about a dozen levels.
const maxDepth = 256

// smallBody is the size up to which decoded strings may share the document's
// memory. Strings of a larger one are copied, so that a stored id never keeps
// megabytes alive.
const smallBody = 4 << 10

// decoder walks one JSON document. The first error ends the walk: from then on
// every method answers "no more".
type decoder struct {
	src    string
	pos    int
	depth  int
	first  bool   // no member or element of the current object or array was read
	name   string // of the member that nextMember read
	err    *fault.Error
	strict bool // check constraints
	path   []step
	found  []violation
	// flooded is set when there were so many violations that only the first
	// few were kept.
	flooded bool
}

// reset prepares d to read src.
func (d *decoder) reset(src string, strict bool) {
	clear(d.path[:cap(d.path)])
	clear(d.found[:cap(d.found)])
	*d = decoder{src: src, strict: strict, path: d.path[:0], found: d.found[:0]}
}

// document decodes the whole of d's source into v.
func (d *decoder) document(v Shape) {
	if d.peek() != '{' {
		d.malformed()
		return
	}
	v.decode(d)
	d.end()
}

// end demands that nothing but white space is left.
func (d *decoder) end() {
	if d.err == nil && (d.peek() != 0 || d.pos < len(d.src)) {
		d.malformed()
	}
}

// wellFormed says whether src is one JSON object.
func wellFormed(src string) bool {
	d := decoder{src: src}
	if d.peek() != '{' {
		return false
	}
	d.skip()
	d.end()
	return d.err == nil
}

// malformed ends the walk: the document is not JSON.
func (d *decoder) malformed() {
	if d.err == nil {
		d.err = &fault.Error{Code: codeSerialization}
	}
	d.pos = len(d.src)
}

// peek skips white space and returns the next byte, 0 at the end.
func (d *decoder) peek() byte {
	for d.pos < len(d.src) {
		switch c := d.src[d.pos]; c {
		case ' ', '\t', '\n', '\r':
			d.pos++
		default:
			return c
		}
	}
	return 0
}

// open enters the object or array whose first byte is next.
func (d *decoder) open() bool {
	d.pos++
	d.depth++
	if d.depth > maxDepth {
		d.malformed()
		return false
	}
	d.first = true
	return true
}

// more moves to the next member or element; end is the closing byte.
func (d *decoder) more(end byte) bool {
	c := d.peek()
	if d.err != nil {
		return false
	}
	if c == end {
		d.pos++
		d.depth--
		d.first = false
		return false
	}
	if !d.first {
		if c != ',' {
			d.malformed()
			return false
		}
		d.pos++
	}
	d.first = false
	return true
}

// nextMember reads the name of the next member into d.name.
func (d *decoder) nextMember() bool {
	if !d.more('}') {
		return false
	}
	if d.peek() != '"' {
		d.malformed()
		return false
	}
	d.name = d.str()
	if d.peek() != ':' {
		d.malformed()
		return false
	}
	d.pos++
	return true
}

// nextElement moves to the next element of an array.
func (d *decoder) nextElement() bool { return d.more(']') }

// skip passes over one value of any kind.
func (d *decoder) skip() {
	switch c := d.peek(); c {
	case '{':
		if d.open() {
			for d.more('}') {
				if d.peek() != '"' {
					d.malformed()
					return
				}
				d.rawString()
				if d.peek() != ':' {
					d.malformed()
					return
				}
				d.pos++
				d.skip()
			}
		}
	case '[':
		if d.open() {
			for d.more(']') {
				d.skip()
			}
		}
	case '"':
		d.rawString()
	case 't':
		d.literal("true")
	case 'f':
		d.literal("false")
	case 'n':
		d.literal("null")
	default:
		d.numberText()
	}
}

// literal passes over word.
func (d *decoder) literal(word string) {
	if !strings.HasPrefix(d.src[d.pos:], word) {
		d.malformed()
		return
	}
	d.pos += len(word)
}

// null passes over a null, if that is next.
func (d *decoder) null() bool {
	if d.peek() != 'n' {
		return false
	}
	d.literal("null")
	return true
}

// rawString passes over a string and returns what stands between the quotes,
// and whether it must be unescaped or mended.
func (d *decoder) rawString() (raw string, plain bool) {
	start := d.pos + 1
	plain = true
	ascii := true
	for i := start; i < len(d.src); i++ {
		switch c := d.src[i]; {
		case c == '"':
			d.pos = i + 1
			raw = d.src[start:i]
			return raw, plain && (ascii || utf8.ValidString(raw))
		case c == '\\':
			plain = false
			n := escapeLength(d.src[i:])
			if n == 0 {
				d.malformed()
				return "", true
			}
			i += n - 1
		case c < ' ':
			d.malformed()
			return "", true
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	d.malformed()
	return "", true
}

// escapeLength is the length of the escape sequence that s begins with, 0 when
// it is not one.
func escapeLength(s string) int {
	if len(s) < 2 {
		return 0
	}
	switch s[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if hexRune(s) >= 0 {
			return 6
		}
	}
	return 0
}

// hexRune reads \uXXXX; -1 when s does not begin with that.
func hexRune(s string) rune {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return -1
	}
	var r rune
	for _, c := range []byte(s[2:6]) {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}

// str reads the string that is next. Invalid UTF-8 and lone surrogates become
// U+FFFD.
func (d *decoder) str() string {
	raw, plain := d.rawString()
	switch {
	case !plain:
		return unescape(raw)
	case len(d.src) > smallBody:
		return strings.Clone(raw)
	}
	return raw
}

// unescape resolves the escapes of a string that rawString has accepted.
func unescape(raw string) string {
	b := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); {
		c := raw[i]
		if c != '\\' {
			if c < utf8.RuneSelf {
				b = append(b, c)
				i++
				continue
			}
			r, n := utf8.DecodeRuneInString(raw[i:])
			b = utf8.AppendRune(b, r)
			i += n
			continue
		}
		if raw[i+1] != 'u' {
			b = append(b, escaped[raw[i+1]])
			i += 2
			continue
		}
		r := hexRune(raw[i:])
		i += 6
		if utf16.IsSurrogate(r) {
			low := hexRune(raw[i:])
			r = utf16.DecodeRune(r, low)
			if r != utf8.RuneError {
				i += 6
			}
		}
		b = utf8.AppendRune(b, r)
	}
	return string(b)
}

var escaped = [256]byte{
	'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t',
}

// numberText reads the number that is next; anything else is malformed.
func (d *decoder) numberText() string {
	start, s := d.pos, d.src
	i := start
	if i < len(s) && s[i] == '-' {
		i++
	}
	digits := func() bool {
		from := i
		for i < len(s) && '0' <= s[i] && s[i] <= '9' {
			i++
		}
		return i > from
	}
	whole := i
	ok := digits() && (s[whole] != '0' || i == whole+1)
	if ok && i < len(s) && s[i] == '.' {
		i++
		ok = digits()
	}
	if ok && i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		i++
		if i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		ok = digits()
	}
	if !ok {
		d.malformed()
		return "0"
	}
	d.pos = i
	return s[start:i]
}

package jsonpath

import (
	"fmt"
	"strconv"
	"strings"
)

// Parse reads a path. Without $ in front it is read as behind "$.".
func Parse(text string) (*Path, error) {
	p := &parser{text: strings.TrimSpace(text)}
	if p.text == "" {
		return nil, fmt.Errorf("the path is empty")
	}
	if p.text[0] != '$' && p.text[0] != '@' {
		p.text = "$." + p.text
	}
	p.pos = 1
	path, err := p.path()
	if err != nil {
		return nil, err
	}
	if !p.end() {
		return nil, p.unexpected()
	}
	path.item = false
	return path, nil
}

type parser struct {
	text string
	pos  int
}

func (p *parser) end() bool { return p.pos >= len(p.text) }

func (p *parser) peek() byte {
	if p.end() {
		return 0
	}
	return p.text[p.pos]
}

// take consumes s if it comes next.
func (p *parser) take(s string) bool {
	if !strings.HasPrefix(p.text[p.pos:], s) {
		return false
	}
	p.pos += len(s)
	return true
}

func (p *parser) spaces() {
	for p.peek() == ' ' || p.peek() == '\t' {
		p.pos++
	}
}

func (p *parser) errorf(format string, args ...any) error {
	return fmt.Errorf("%s at character %d of %s", fmt.Sprintf(format, args...), p.pos+1, p.text)
}

func (p *parser) unexpected() error {
	if p.end() {
		return p.errorf("the path ends too early")
	}
	return p.errorf("%q is not expected", p.text[p.pos])
}

// path reads what follows $ or @.
func (p *parser) path() (*Path, error) {
	path := &Path{item: p.text[p.pos-1] == '@'}
	for {
		seg := segment{}
		dot := false
		switch {
		case p.take(".."):
			seg.deep = true
		case p.take("."):
			dot = true
		}
		var err error
		switch {
		case p.peek() == '[':
			err = p.bracket(&seg)
		case dot || seg.deep:
			name := p.name()
			if p.take("()") {
				return path, p.function(path, name, seg.deep)
			}
			if name == "*" {
				seg.kind = everything
			} else if name == "" || strings.Contains(name, "*") {
				return nil, p.unexpected()
			}
			seg.names = []string{name}
		default:
			return path, nil
		}
		if err != nil {
			return nil, err
		}
		path.segments = append(path.segments, seg)
	}
}

// function ends a path.
func (p *parser) function(path *Path, name string, deep bool) error {
	switch {
	case name != "length" && name != "size":
		return p.errorf("there is no function %q: only length() and size()", name)
	case deep || !path.Definite():
		return p.errorf("%s() needs a path that names one place", name)
	}
	path.length = true
	return nil
}

// notInNames are the characters that a name has only in brackets.
const notInNames = " \t\r\n.[](){}'\",=<>!~&|?:$@/"

func (p *parser) name() string {
	start := p.pos
	for !p.end() && strings.IndexByte(notInNames, p.peek()) < 0 {
		p.pos++
	}
	return p.text[start:p.pos]
}

// bracket reads […].
func (p *parser) bracket(seg *segment) error {
	p.pos++
	p.spaces()
	var err error
	switch c := p.peek(); {
	case c == '*':
		p.pos++
		seg.kind = everything
	case c == '?':
		p.pos++
		seg.kind = byFilter
		p.spaces()
		if !p.take("(") {
			return p.unexpected()
		}
		if seg.filter, err = p.either(); err == nil && !p.take(")") {
			err = p.unexpected()
		}
	case c == '\'' || c == '"':
		seg.names, err = list(p, p.quoted)
	default:
		err = p.indexes(seg)
	}
	if err != nil {
		return err
	}
	p.spaces()
	if !p.take("]") {
		return p.unexpected()
	}
	return nil
}

// list reads one or more of what read reads, separated by commas.
func list[T any](p *parser, read func() (T, error)) ([]T, error) {
	var all []T
	for {
		p.spaces()
		one, err := read()
		if err != nil {
			return nil, err
		}
		all = append(all, one)
		p.spaces()
		if !p.take(",") {
			return all, nil
		}
	}
}

func (p *parser) indexes(seg *segment) error {
	var err error
	var from *int
	if p.peek() != ':' {
		if seg.indexes, err = list(p, p.integer); err != nil {
			return err
		}
		from = &seg.indexes[0]
	}
	seg.kind = byIndex
	if len(seg.indexes) > 1 || !p.take(":") {
		return nil
	}
	seg.kind, seg.from = bySlice, from
	p.spaces()
	if p.peek() != ']' {
		to, err := p.integer()
		if err != nil {
			return err
		}
		seg.to = &to
	}
	return nil
}

func (p *parser) integer() (int, error) {
	start := p.pos
	p.take("-")
	for c := p.peek(); c >= '0' && c <= '9'; c = p.peek() {
		p.pos++
	}
	i, err := strconv.ParseInt(p.text[start:p.pos], 10, 32)
	if err != nil {
		p.pos = start
		return 0, p.unexpected()
	}
	return int(i), nil
}

var escapes = map[byte]byte{'n': '\n', 't': '\t', 'r': '\r', 'b': '\b', 'f': '\f'}

// quoted reads a text in single or double quotes.
func (p *parser) quoted() (string, error) {
	quote := p.peek()
	if quote != '\'' && quote != '"' {
		return "", p.unexpected()
	}
	p.pos++
	var b strings.Builder
	for !p.end() {
		c := p.peek()
		p.pos++
		switch {
		case c == quote:
			return b.String(), nil
		case c != '\\':
			b.WriteByte(c)
		case p.peek() == 'u':
			p.pos++
			digits := p.text[p.pos:min(p.pos+4, len(p.text))]
			code, err := strconv.ParseUint(digits, 16, 16)
			if err != nil || len(digits) < 4 {
				return "", p.errorf("four hexadecimal digits are expected")
			}
			p.pos += 4
			b.WriteRune(rune(code))
		case p.end():
		default:
			c := p.peek()
			p.pos++
			if e, ok := escapes[c]; ok {
				c = e
			}
			b.WriteByte(c)
		}
	}
	return "", p.unexpected()
}

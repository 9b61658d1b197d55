package jsonpath

import (
	"encoding/json"
	"regexp"
	"strings"

	"penstock/internal/core/pattern"
)

// either reads conditions joined by ||.
func (p *parser) either() (condition, error) {
	var some anyOf
	for {
		c, err := p.both()
		if err != nil {
			return nil, err
		}
		some = append(some, c)
		if !p.take("||") {
			return some, nil
		}
	}
}

// both reads conditions joined by &&.
func (p *parser) both() (condition, error) {
	var all allOf
	for {
		c, err := p.condition()
		if err != nil {
			return nil, err
		}
		all = append(all, c)
		p.spaces()
		if !p.take("&&") {
			return all, nil
		}
	}
}

func (p *parser) condition() (condition, error) {
	p.spaces()
	switch {
	case p.take("!"):
		c, err := p.condition()
		return not{c}, err
	case p.take("("):
		c, err := p.either()
		if err == nil && !p.take(")") {
			err = p.unexpected()
		}
		return c, err
	}
	left, err := p.operand()
	if err != nil {
		return nil, err
	}
	p.spaces()
	op := p.operator()
	if op == "" {
		if left.path == nil {
			return nil, p.unexpected()
		}
		return exists{left.path}, nil
	}
	p.spaces()
	c := comparison{left: left, op: op}
	if op == "=~" {
		c.right.pattern, err = p.pattern()
	} else {
		c.right, err = p.operand()
	}
	return c, err
}

// operators, longer ones before those they begin with.
var operators = []string{"==", "!=", "<=", ">=", "=~", "<", ">", "nin ", "nin[", "in ", "in[", "contains ", "size ", "empty "}

func (p *parser) operator() string {
	for _, op := range operators {
		if !strings.HasPrefix(p.text[p.pos:], op) {
			continue
		}
		op = strings.TrimRight(op, " [")
		p.pos += len(op)
		return op
	}
	return ""
}

// operand reads a path or a literal.
func (p *parser) operand() (operand, error) {
	switch c := p.peek(); {
	case c == '@' || c == '$':
		p.pos++
		path, err := p.path()
		return operand{path: path}, err
	case c == '[':
		p.pos++
		items, err := list(p, p.literal)
		if err == nil && !p.take("]") {
			err = p.unexpected()
		}
		return operand{literal: items}, err
	}
	v, err := p.literal()
	return operand{literal: v}, err
}

var numberPattern = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?`)

var words = []struct {
	text  string
	value any
}{{"true", true}, {"false", false}, {"null", nil}}

func (p *parser) literal() (any, error) {
	if c := p.peek(); c == '\'' || c == '"' {
		return p.quoted()
	}
	for _, w := range words {
		if p.take(w.text) {
			return w.value, nil
		}
	}
	n := numberPattern.FindString(p.text[p.pos:])
	if n == "" {
		return nil, p.unexpected()
	}
	p.pos += len(n)
	return json.Number(n), nil
}

// pattern reads /…/ with its flags; it has to match a whole text.
func (p *parser) pattern() (*pattern.Pattern, error) {
	if !p.take("/") {
		return nil, p.unexpected()
	}
	start := p.pos
	for !p.end() && p.peek() != '/' {
		if p.peek() == '\\' {
			p.pos++
		}
		p.pos++
	}
	if p.end() {
		p.pos = len(p.text)
		return nil, p.unexpected()
	}
	text := strings.ReplaceAll(p.text[start:p.pos], `\/`, "/")
	p.pos++
	flags := p.pos
	for !p.end() && strings.IndexByte("ims", p.peek()) >= 0 {
		p.pos++
	}
	if set := p.text[flags:p.pos]; set != "" {
		text = "(?" + set + ":" + text + ")"
	}
	re, err := pattern.Compile(text)
	if err != nil {
		return nil, p.errorf("the pattern cannot be used: %v", err)
	}
	return re, nil
}

package jsonpath

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"penstock/internal/core/pattern"
)

// condition is what a filter asks of an item.
type condition interface {
	holds(s *search, item any) bool
}

type (
	allOf  []condition
	anyOf  []condition
	not    struct{ condition }
	exists struct{ path *Path }
	// comparison holds when its operator says so of both sides; one that
	// does not exist makes it false, but for != and nin.
	comparison struct {
		left, right operand
		op          string
	}
	// operand is a path or else a literal.
	operand struct {
		path    *Path
		literal any
		pattern *pattern.Pattern
	}
)

func (c allOf) holds(s *search, item any) bool {
	return !slices.ContainsFunc(c, func(x condition) bool { return !x.holds(s, item) })
}

func (c anyOf) holds(s *search, item any) bool {
	return slices.ContainsFunc(c, func(x condition) bool { return x.holds(s, item) })
}

func (c not) holds(s *search, item any) bool { return !c.condition.holds(s, item) }

func (c exists) holds(s *search, item any) bool {
	found := false
	s.find(c.path, item, func(any) bool {
		found = true
		return false
	})
	return found
}

func (c comparison) holds(s *search, item any) bool {
	left, hasLeft := c.left.value(s, item)
	right, hasRight := c.right.value(s, item)
	if !hasLeft || !hasRight {
		return (c.op == "!=" || c.op == "nin") && hasLeft != hasRight
	}
	switch c.op {
	case "==":
		return s.equal(left, right)
	case "!=":
		return !s.equal(left, right)
	case "in":
		return s.contains(right, left)
	case "nin":
		return !s.contains(right, left)
	case "contains":
		return s.contains(left, right)
	case "=~":
		return s.matches(c.right.pattern, left)
	case "size", "empty":
		return sized(c.op, left, right)
	}
	return ordered(c.op, left, right)
}

func (o operand) value(s *search, item any) (any, bool) {
	if o.path == nil {
		return o.literal, true
	}
	if !o.path.Definite() {
		list := []any{}
		s.find(o.path, item, func(v any) bool {
			list = append(list, v)
			return true
		})
		return list, true
	}
	var value any
	found := false
	s.find(o.path, item, func(v any) bool {
		value, found = v, true
		return false
	})
	return value, found
}

// equal compares as Jayway does: a number equals the text that writes it.
// Objects are never equal.
func (s *search) equal(a, b any) bool {
	if !s.spend(1) {
		return false
	}
	_, n1 := a.(json.Number)
	_, n2 := b.(json.Number)
	if n1 || n2 {
		x, ok1 := number(a)
		y, ok2 := number(b)
		return ok1 && ok2 && x.compare(y) == 0
	}
	switch a := a.(type) {
	case nil:
		return b == nil
	case bool:
		x, ok := b.(bool)
		return ok && a == x
	case string:
		x, ok := b.(string)
		return ok && a == x
	case []any:
		x, ok := b.([]any)
		return ok && slices.EqualFunc(a, x, s.equal)
	}
	return false
}

// contains reports whether a list has an element or a text a part.
func (s *search) contains(all, part any) bool {
	switch all := all.(type) {
	case []any:
		return slices.ContainsFunc(all, func(v any) bool { return s.equal(v, part) })
	case string:
		x, ok := part.(string)
		return ok && s.spend(len(all)/16) && strings.Contains(all, x)
	}
	return false
}

func (s *search) matches(p *pattern.Pattern, v any) bool {
	text, ok := Scalar(v)
	return ok && s.spend(p.Cost(text)) && p.Match(text)
}

// sized is "size", how many characters or elements there are, and "empty",
// whether there are none.
func sized(op string, of, want any) bool {
	n := size(of)
	if text, ok := of.(string); ok {
		n = len(text)
	}
	if _, object := of.(map[string]any); n < 0 || object && op == "size" {
		return false
	}
	if op == "empty" {
		b, ok := want.(bool)
		return ok && b == (n == 0)
	}
	x, ok := want.(json.Number)
	return ok && string(x) == strconv.Itoa(n)
}

func ordered(op string, a, b any) bool {
	var c int
	x, ok1 := number(a)
	y, ok2 := number(b)
	if ok1 && ok2 {
		c = x.compare(y)
	} else {
		left, ok1 := a.(string)
		right, ok2 := b.(string)
		if !ok1 || !ok2 {
			return false
		}
		c = strings.Compare(left, right)
	}
	switch op {
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	}
	return c >= 0
}

// numeral is a number: exact if it is an integer of 64 bits.
type numeral struct {
	integer int64
	exact   bool
	float   float64
}

// longNumber is where a text is no number that anybody compares.
const longNumber = 64

// number reads a number, or a text that writes one.
func number(v any) (numeral, bool) {
	var text string
	switch v := v.(type) {
	case json.Number:
		text = string(v)
	case string:
		text = v
	default:
		return numeral{}, false
	}
	if len(text) > longNumber {
		return numeral{}, false
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f != f {
		return numeral{}, false
	}
	i, err := strconv.ParseInt(text, 10, 64)
	return numeral{integer: i, exact: err == nil, float: f}, true
}

func (n numeral) compare(m numeral) int {
	if n.exact && m.exact {
		return cmp.Compare(n.integer, m.integer)
	}
	return cmp.Compare(n.float, m.float)
}

// Scalar returns a text, number or boolean as text, numbers and booleans as
// JSON writes them, and false for all else.
func Scalar(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return string(v), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

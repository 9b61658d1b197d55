package eventrule

import (
	"errors"
	"fmt"
	"slices"
)

// Number is a number of a JSON document as it is written there.
type Number string

// Pattern says which events a rule is for. It is safe for concurrent use.
type Pattern struct{ root object }

// object is a pattern of a JSON object: all of its fields must match, and of
// each list of alternatives ($or) one.
type object struct {
	fields       []field
	alternatives [][]object
}

// field is a pattern of one member: of the object there, or of the value.
type field struct {
	name   string
	nested *object
	values []matcher // one must match; of an array, one of its elements
}

// MaxPattern is the most characters of a pattern, unless the account has more.
const MaxPattern = 2048

const (
	maxDepth = 100
	anyOf    = "$or"
)

// ParsePattern reads a pattern from a decoded document.
func ParsePattern(doc any) (*Pattern, error) {
	m, ok := doc.(map[string]any)
	if !ok {
		return nil, errors.New("a pattern must be a JSON object")
	}
	root, err := parseObject(m, "", maxDepth)
	return &Pattern{root}, err
}

// parseObject reads the pattern of an object at a path such as "detail.".
func parseObject(m map[string]any, path string, depth int) (object, error) {
	var o object
	if depth == 0 {
		return o, fmt.Errorf("%s lies too deep", path)
	}
	if len(m) == 0 {
		return o, fmt.Errorf("%s: an empty object is not allowed", at(path, ""))
	}
	for _, name := range sortedKeys(m) {
		here := path + name
		switch v := m[name].(type) {
		case map[string]any:
			nested, err := parseObject(v, here+".", depth-1)
			if err != nil {
				return o, err
			}
			o.fields = append(o.fields, field{name: name, nested: &nested})
		case []any:
			if len(v) == 0 {
				return o, fmt.Errorf("%s: an empty array is not allowed", here)
			}
			if alternatives, ok := objects(v); ok && name == anyOf {
				list, err := parseAlternatives(alternatives, path, depth)
				if err != nil {
					return o, err
				}
				o.alternatives = append(o.alternatives, list)
				continue
			}
			values, err := parseMatchers(v)
			if err != nil {
				return o, fmt.Errorf("%s: %w", here, err)
			}
			o.fields = append(o.fields, field{name: name, values: values})
		default:
			return o, fmt.Errorf("%s must be an object or an array", here)
		}
	}
	return o, nil
}

// at names a place for people.
func at(path, name string) string {
	if path+name == "" {
		return "the pattern"
	}
	return path + name
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// objects reports whether a list holds nothing but objects, two or more: only
// then is $or an operator, else it is a name like others.
func objects(list []any) (out []map[string]any, ok bool) {
	for _, v := range list {
		m, is := v.(map[string]any)
		if !is {
			return nil, false
		}
		out = append(out, m)
	}
	return out, len(out) > 1
}

func parseAlternatives(list []map[string]any, path string, depth int) (out []object, err error) {
	for _, m := range list {
		o, err := parseObject(m, path, depth-1)
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, nil
}

// ErrTooMuch says that a pattern asks for more work on an event than is
// reasonable.
var ErrTooMuch = errors.New("eventrule: the pattern needs too much work on this event")

// maxWork bounds the steps of one match. A step is a value that is compared, or
// a member that is looked up.
const maxWork = 200_000

// Matches reports whether the pattern is for the event. The error is
// ErrTooMuch.
func (p *Pattern) Matches(event any) (bool, error) {
	m := match{left: maxWork}
	ok := m.object(&p.root, event)
	if m.left < 0 {
		return false, ErrTooMuch
	}
	return ok, nil
}

// match is one event under one pattern.
type match struct{ left int }

// object reports whether a value, or one element of an array, is an object as
// the pattern wants it. All that it wants must hold for the same element.
func (m *match) object(o *object, v any) bool {
	if m.left--; m.left < 0 {
		return false
	}
	switch v := v.(type) {
	case map[string]any:
		return m.members(o, v)
	case []any:
		for _, e := range v {
			if m.object(o, e) {
				return true
			}
		}
		return false
	}
	return m.members(o, nil)
}

func (m *match) members(o *object, v map[string]any) bool {
	for i := range o.fields {
		f := &o.fields[i]
		value, there := v[f.name]
		if f.nested != nil {
			if !m.object(f.nested, value) {
				return false
			}
			continue
		}
		if !m.any(f.values, value, there) {
			return false
		}
	}
	for _, list := range o.alternatives {
		if !slices.ContainsFunc(list, func(o object) bool { return m.members(&o, v) }) {
			return false
		}
	}
	return true
}

// any reports whether one of the matchers takes the value. What is no leaf, an
// object or an empty array, counts as absent.
func (m *match) any(matchers []matcher, v any, there bool) bool {
	leaves := 0
	if there && m.leaves(matchers, v, &leaves) {
		return true
	}
	return leaves == 0 && slices.ContainsFunc(matchers, func(x matcher) bool {
		_, ok := x.(absent)
		return ok
	})
}

func (m *match) leaves(matchers []matcher, v any, leaves *int) bool {
	switch v := v.(type) {
	case map[string]any:
		return false
	case []any:
		for _, e := range v {
			if m.leaves(matchers, e, leaves) {
				return true
			}
		}
		return false
	}
	*leaves++
	for _, x := range matchers {
		if m.left -= 1 + cost(v); m.left < 0 {
			return false
		}
		if x.takes(v) {
			return true
		}
	}
	return false
}

// cost is what reading a value to its end adds to a step.
func cost(v any) int {
	s, _ := v.(string)
	return len(s) / 256
}

package declfile

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// shaper lays a document over a structure of the API: it finds members that
// there are not and values of the wrong type, and yields what goes over the
// wire.
type shaper struct {
	// template says that names are those of CloudFormation and that scalars
	// of other types are taken as strings, as it does.
	template bool
	problems []Problem
	lines    map[string]int
	opaque   []string // paths of values that only the deployment knows
	wrong    []string // paths of values of the wrong type
}

// spell is the name of a field in the document's language.
func (s *shaper) spell(field string) string {
	if s.template {
		return field
	}
	return wireName(field)
}

// wireName is the name of a field on the wire.
func wireName(field string) string {
	r, n := utf8.DecodeRuneInString(field)
	return string(unicode.ToLower(r)) + field[n:]
}

func (s *shaper) problem(path string, line int, rule, message, hint string) {
	s.problems = append(s.problems, Problem{Path: path, Line: line, Rule: rule, Message: message, Hint: hint})
}

// mistyped notes a value that cannot be used.
func (s *shaper) mistyped(path string, line int, message, hint string) {
	s.wrong = append(s.wrong, path)
	s.problem(path, line, "type", message, hint)
}

// value returns the value for a field of type t, nil for none.
func (s *shaper) value(n *node, t reflect.Type, path string) any {
	if _, known := s.lines[path]; !known {
		s.lines[path] = n.line
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if n.kind == null {
		return nil
	}
	if n.kind == opaque {
		s.opaque = append(s.opaque, path)
		if t.Kind() == reflect.String {
			return n.text
		}
		return nil
	}
	switch t.Kind() {
	case reflect.Struct:
		if s.is(n, object, path) {
			return s.structure(n, t, path)
		}
	case reflect.Slice:
		if s.is(n, list, path) {
			items := []any{}
			for i, item := range n.items {
				items = append(items, s.value(item, t.Elem(), path+"["+strconv.Itoa(i)+"]"))
			}
			return items
		}
	case reflect.Map:
		if s.is(n, object, path) {
			values := map[string]any{}
			seen := map[string]bool{}
			for _, m := range n.members {
				s.once(seen, m, path+"."+m.key, m.key)
				if v := s.value(m.value, t.Elem(), path+"."+m.key); v != nil || m.value.kind == null {
					values[m.key] = v
				}
			}
			return values
		}
	default:
		return s.scalar(n, t, path)
	}
	return nil
}

// is says whether a node is a list or a structure as it has to be.
func (s *shaper) is(n *node, want kind, path string) bool {
	if n.kind == want {
		return true
	}
	s.mistyped(path, n.line, "The value must be "+kindNames[want]+", not "+kindNames[n.kind]+".", "")
	return false
}

func (s *shaper) structure(n *node, t reflect.Type, path string) any {
	values := map[string]any{}
	seen := map[string]bool{}
	for _, m := range n.members {
		at := join(path, m.key)
		i := slices.IndexFunc(reflect.VisibleFields(t), func(f reflect.StructField) bool { return s.spell(f.Name) == m.key })
		if i < 0 {
			s.problem(at, m.line, "unknown member", "There is no member "+m.key+" here.", s.near(m.key, t))
			continue
		}
		name := wireName(t.Field(i).Name)
		s.once(seen, m, join(path, name), name)
		if v := s.value(m.value, t.Field(i).Type, join(path, name)); v != nil {
			values[name] = v
		}
	}
	return values
}

// once notes a member that there was before.
func (s *shaper) once(seen map[string]bool, m member, path, name string) {
	if seen[name] {
		s.problem(path, m.line, "duplicate member", "The member "+m.key+" is there more than once.", "Only the last one would count: remove the others.")
	}
	seen[name] = true
}

// near is a hint at the members that a name may have been meant for.
func (s *shaper) near(name string, t reflect.Type) string {
	var names []string
	for i := range t.NumField() {
		known := s.spell(t.Field(i).Name)
		if strings.EqualFold(known, name) || distance(strings.ToLower(known), strings.ToLower(name)) <= 2 {
			return "Did you mean " + known + "?"
		}
		names = append(names, known)
	}
	return "Members here are " + strings.Join(names, ", ") + "."
}

// distance is the number of changes of a character from a to b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := before
			if a[i] != b[j] {
				change++
			}
			before = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

func (s *shaper) scalar(n *node, t reflect.Type, path string) any {
	want := map[reflect.Kind]kind{reflect.String: text, reflect.Int: number, reflect.Bool: boolean}[t.Kind()]
	if n.kind == list || n.kind == object {
		hint := ""
		if want == text && strings.Contains(path, ".configuration.") {
			hint = "Configuration values are strings; where a list or a structure is wanted, write it as JSON in a string."
		}
		s.mistyped(path, n.line, "The value must be "+kindNames[want]+", not "+kindNames[n.kind]+".", hint)
		return nil
	}
	if n.kind != want && !s.template {
		hint := "Remove the quotes."
		if want == text {
			hint = "Put it in quotes."
		}
		s.problem(path, n.line, "type", "The value must be "+kindNames[want]+", not "+kindNames[n.kind]+".", hint)
	}
	switch want {
	case number:
		i, err := strconv.Atoi(n.text)
		if err != nil {
			if n.kind == number || s.template {
				s.mistyped(path, n.line, "The value must be an integer.", "")
			}
			return nil
		}
		return i
	case boolean:
		return strings.EqualFold(n.text, "true")
	}
	return n.text
}

// hides reports whether a problem may be none, because a value that only the
// deployment knows is where it is or, for rules that look at several values,
// below. A value of the wrong type is told of once.
func (s *shaper) hides(p Problem) bool {
	for _, o := range slices.Concat(s.opaque, s.wrong) {
		if p.Path == o || below(p.Path, o) {
			return true
		}
		if slices.Contains(wide, p.Rule) && below(o, p.Path) {
			return true
		}
		if p.Rule == "V-08" && strings.HasPrefix(o, "artifactStore") {
			return true
		}
	}
	return false
}

// wide are rules whose path is that of a structure while they look at single
// values in it.
var wide = []string{"V-05", "V-07", "V-35", "V-40", "V-41", "V-46", "V-47"}

func below(path, parent string) bool {
	return strings.HasPrefix(path, parent+".") || strings.HasPrefix(path, parent+"[")
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// lineOf is the line of a path, or of what is written nearest around it.
func (s *shaper) lineOf(path string) int {
	for {
		if line, ok := s.lines[path]; ok || path == "" {
			return line
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
}

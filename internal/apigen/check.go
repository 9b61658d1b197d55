package apigen

import (
	"fmt"
	"strings"
)

// constrained says whether values of the shape are limited by themselves.
func (s *shape) constrained() bool {
	return s.Pattern != "" || len(s.Enum) > 0 || s.Max != nil || (s.Min != nil && (s.Type == "integer" || *s.Min > 0))
}

// checked says whether the structure has anything to check after decoding.
func (m *model) checked(s *shape) bool {
	for i, mem := range s.Members {
		if m.checkMember(mem, i, s.requires(mem.Name)) != "" {
			return true
		}
	}
	return false
}

// writeChecks writes one method for each structure of an input, which reports
// the violations of its own members in model order; nested structures report
// theirs while they are decoded.
func writeChecks(w *writer, m *model) {
	for _, name := range m.structures() {
		s := m.Shapes[name]
		if !s.fromInput || !m.checked(s) {
			continue
		}
		w.printf("func (v *%s) check(d *decoder, m members) {\n", name)
		for i, mem := range s.Members {
			w.printf("%s", m.checkMember(mem, i, s.requires(mem.Name)))
		}
		w.printf("}\n\n")
	}
}

func (m *model) checkMember(mem member, i int, required bool) string {
	body := m.checkValue(mem, i, required)
	name := pathName(mem.Name)
	switch {
	case required && body == "":
		return fmt.Sprintf("d.require(m, %d, %q)\n", i, name)
	case required:
		return fmt.Sprintf("if d.require(m, %d, %q) {\n%s}\n", i, name, body)
	case body == "":
		return ""
	default:
		return fmt.Sprintf("if m.has(%d) {\n%s}\n", i, body)
	}
}

// checkValue writes the checks of a member that is there.
func (m *model) checkValue(mem member, i int, required bool) string {
	s := m.Shapes[mem.Shape]
	field, name := "v."+exported(mem.Name), pathName(mem.Name)
	var b strings.Builder
	switch s.Type {
	case "string":
		if s.constrained() {
			fmt.Fprintf(&b, "d.checkText(%d, %q, %s, &%s)\n", i, name, field, limitName(mem.Shape))
		}
	case "integer":
		if s.constrained() {
			if !required {
				field = "*" + field
			}
			fmt.Fprintf(&b, "d.checkInteger(%d, %q, %s, &%s)\n", i, name, field, limitName(mem.Shape))
		}
	case "list": // decodeStructs checks the size of lists of structures
		if m.Shapes[s.Member.Shape].Type == "string" {
			b.WriteString(checkSize(s, field, name, i, required))
			fmt.Fprintf(&b, "d.checkTexts(m, %d, %q, %s, %s)\n", i, name, field, m.limitOf(s.Member.Shape))
		}
	case "map":
		b.WriteString(checkSize(s, field, name, i, required))
		if m.Shapes[s.Value.Shape].Type == "string" {
			fmt.Fprintf(&b, "d.checkTextMap(m, %d, %q, %s, %s, %s)\n", i, name, field, m.limitOf(s.Key.Shape), m.limitOf(s.Value.Shape))
		} else {
			fmt.Fprintf(&b, "checkKeys(d, %d, %q, %s, %s)\n", i, name, field, m.limitOf(s.Key.Shape))
		}
	}
	return b.String()
}

// sizeBounds are the least and the greatest size of a list or map, as Go
// expressions. A minimum binds required members only: an empty list is accepted
// where an absent one is.
func sizeBounds(s *shape, required bool) (least, most string) {
	least, most = "0", "noMaximum"
	if s.Min != nil && required {
		least = fmt.Sprint(*s.Min)
	}
	if s.Max != nil {
		most = fmt.Sprint(*s.Max)
	}
	return least, most
}

// checkSize writes the check of the size of a map or a list of strings.
func checkSize(s *shape, field, name string, i int, required bool) string {
	least, most := sizeBounds(s, required)
	if least == "0" && most == "noMaximum" {
		return ""
	}
	return fmt.Sprintf("d.checkSize(%d, %q, len(%s), %s, %s)\n", i, name, field, least, most)
}

// limitOf is the address of a shape's limits, or nil when it has none.
func (m *model) limitOf(name string) string {
	if !m.Shapes[name].constrained() {
		return "nil"
	}
	return "&" + limitName(name)
}

// writeLimits writes one variable for each limited string and integer.
func writeLimits(w *writer, m *model) {
	w.printf("import \"math\"\n\n")
	for _, name := range m.names(func(s *shape) bool {
		return s.fromInput && s.constrained() && (s.Type == "string" || s.Type == "integer")
	}) {
		s := m.Shapes[name]
		if s.Type == "integer" {
			low, high := "math.MinInt", "math.MaxInt"
			if s.Min != nil {
				low = fmt.Sprint(*s.Min)
			}
			if s.Max != nil {
				high = fmt.Sprint(*s.Max)
			}
			w.printf("var %s = bounds{min: %s, max: %s}\n\n", limitName(name), low, high)
			continue
		}
		w.printf("var %s = limit{", limitName(name))
		if s.Min != nil && *s.Min > 0 {
			w.printf("min: %d, ", *s.Min)
		}
		if s.Max != nil {
			w.printf("max: %d, ", *s.Max)
		}
		if s.Pattern != "" {
			w.printf("pattern: `%s`, match: %s, ", s.Pattern, matcher(w, s.Pattern))
		}
		if len(s.Enum) > 0 {
			w.printf("enum: %#v, ", s.Enum)
		}
		w.printf("}\n\n")
	}
}

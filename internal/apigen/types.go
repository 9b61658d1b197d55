package apigen

import (
	"fmt"
	"strings"
)

// goType is the Go type of a member. Optional numbers, booleans and structures
// are pointers; strings, times, lists and maps have a zero value that says
// "absent".
func (m *model) goType(name string, required bool) string {
	s := m.Shapes[name]
	optional := "*"
	if required {
		optional = ""
	}
	switch s.Type {
	case "string":
		return "string"
	case "integer":
		return optional + "int"
	case "boolean":
		return optional + "bool"
	case "timestamp":
		return "time.Time"
	case "list":
		return "[]" + m.goType(s.Member.Shape, true)
	case "map":
		return "map[string]" + m.goType(s.Value.Shape, true)
	default:
		return optional + name
	}
}

func writeTypes(w *writer, m *model) {
	w.printf("import \"time\"\n\n")
	for _, name := range m.structures() {
		s := m.Shapes[name]
		w.printf("// %s is the structure of that name in the API reference.\ntype %s struct {\n", name, name)
		for _, mem := range s.Members {
			w.printf("%s %s", exported(mem.Name), m.goType(mem.Shape, s.requires(mem.Name)))
			if note := m.note(mem, s.requires(mem.Name)); note != "" {
				w.printf(" // %s", note)
			}
			w.printf("\n")
		}
		w.printf("}\n\n")
	}
}

// note says in a few words what the model demands of a member.
func (m *model) note(mem member, required bool) string {
	s := m.Shapes[mem.Shape]
	var notes []string
	if required {
		notes = append(notes, "required")
	}
	switch {
	case s.Min != nil && s.Max != nil:
		notes = append(notes, fmt.Sprintf("%d to %d", *s.Min, *s.Max))
	case s.Max != nil:
		notes = append(notes, fmt.Sprintf("up to %d", *s.Max))
	case s.Min != nil:
		notes = append(notes, fmt.Sprintf("from %d", *s.Min))
	}
	if s.Pattern != "" {
		notes = append(notes, s.Pattern)
	}
	if len(s.Enum) > 0 {
		notes = append(notes, mem.Shape)
	}
	return strings.Join(notes, "; ")
}

func writeEnums(w *writer, m *model) {
	used := make(map[string]string)
	for _, name := range m.structures() {
		used[name] = "structure"
	}
	for _, name := range m.names(func(s *shape) bool { return len(s.Enum) > 0 }) {
		w.printf("// Values of %s.\nconst (\n", name)
		for _, value := range m.Shapes[name].Enum {
			constant := enumName(name, value)
			if other := used[constant]; other != "" {
				w.fail("%s of %s clashes with a %s", constant, name, other)
			}
			used[constant] = "constant of " + name
			w.printf("%s = %q\n", constant, value)
		}
		w.printf(")\n\n")
	}
}

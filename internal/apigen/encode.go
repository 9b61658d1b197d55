package apigen

import "fmt"

// writeEncoders writes one method a structure. Absent optional members are
// left out, required ones are always written.
func writeEncoders(w *writer, m *model) {
	w.printf("import \"strconv\"\n\n")
	for _, name := range m.structures() {
		s := m.Shapes[name]
		w.printf("func (v *%s) appendJSON(b []byte) []byte {\nb = append(b, '{')\n", name)
		for _, mem := range s.Members {
			required := s.requires(mem.Name)
			value, present := m.encodeMember(mem, required)
			write := fmt.Sprintf("b = append(b, `\"%s\":`...)\nb = %s\nb = append(b, ',')\n", mem.Name, value)
			if required {
				w.printf("%s", write)
			} else {
				w.printf("if %s {\n%s}\n", present, write)
			}
		}
		w.printf("return closeObject(b)\n}\n\n")
	}
}

// encodeMember returns the expression that appends a member's value to b, and
// the one that says whether it is there.
func (m *model) encodeMember(mem member, required bool) (value, present string) {
	s := m.Shapes[mem.Shape]
	field := "v." + exported(mem.Name)
	star := "*"
	if required {
		star = ""
	}
	present = field + " != nil"
	switch s.Type {
	case "string":
		return "appendText(b, " + field + ")", field + ` != ""`
	case "integer":
		return "strconv.AppendInt(b, int64(" + star + field + "), 10)", present
	case "boolean":
		return "strconv.AppendBool(b, " + star + field + ")", present
	case "timestamp":
		return "appendTime(b, " + field + ")", "!" + field + ".IsZero()"
	case "list":
		if m.Shapes[s.Member.Shape].Type == "string" {
			return "appendTexts(b, " + field + ")", present
		}
		return "appendStructs(b, " + field + ")", present
	case "map":
		if m.Shapes[s.Value.Shape].Type == "string" {
			return "appendTextMap(b, " + field + ")", present
		}
		return "appendStructMap(b, " + field + ")", present
	default:
		return field + ".appendJSON(b)", present
	}
}

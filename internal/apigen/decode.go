package apigen

// writeDecoders writes one method a structure. It reads members in whatever
// order they come, skips unknown ones, and ends with the constraint checks.
func writeDecoders(w *writer, m *model) {
	for _, name := range m.structures() {
		s := m.Shapes[name]
		w.printf("func (v *%s) decode(d *decoder) {\n", name)
		if len(s.Members) == 0 {
			w.printf("if !d.structure() {\nreturn\n}\nfor d.nextMember() {\nd.skip()\n}\n}\n\n")
			continue
		}
		w.printf("if !d.structure() {\nreturn\n}\nvar m members\nfor d.nextMember() {\nswitch d.name {\n")
		for i, mem := range s.Members {
			w.printf("case %q:\n", mem.Name)
			m.decodeMember(w, mem, i, s.requires(mem.Name))
		}
		w.printf("default:\nd.skip()\n}\n}\n")
		if s.fromInput && m.checked(s) {
			w.printf("if d.strict {\nv.check(d, m)\n}\n")
		}
		w.printf("}\n\n")
	}
}

func (m *model) decodeMember(w *writer, mem member, i int, required bool) {
	s := m.Shapes[mem.Shape]
	field := exported(mem.Name)
	switch s.Type {
	case "string":
		w.printf("d.text(&v.%s, &m, %d)\n", field, i)
	case "integer", "boolean":
		method := map[string]string{"integer": "integer", "boolean": "boolean"}[s.Type]
		if !required {
			method = "optional" + exported(method)
		}
		w.printf("d.%s(&v.%s, &m, %d)\n", method, field, i)
	case "timestamp":
		w.printf("d.time(&v.%s, &m, %d)\n", field, i)
	case "list":
		if m.Shapes[s.Member.Shape].Type == "string" {
			w.printf("d.texts(&v.%s, &m, %d)\n", field, i)
			return
		}
		least, most := sizeBounds(s, required)
		w.printf("v.%s = nil\nif d.enter(&m, %d, %q) {\nv.%s = decodeStructs[%s](d, %s, %s)\nd.leave()\n}\n",
			field, i, pathName(mem.Name), field, s.Member.Shape, least, most)
	case "map":
		if m.Shapes[s.Value.Shape].Type == "string" {
			w.printf("d.textMap(&v.%s, &m, %d)\n", field, i)
			return
		}
		w.printf("v.%s = nil\nif d.enter(&m, %d, %q) {\nv.%s = decodeStructMap[%s](d)\nd.leave()\n}\n",
			field, i, pathName(mem.Name), field, s.Value.Shape)
	case "structure":
		if required {
			w.printf("v.%s = %s{}\nif d.enter(&m, %d, %q) {\nv.%s.decode(d)\nd.leave()\n}\n",
				field, mem.Shape, i, pathName(mem.Name), field)
			return
		}
		w.printf("v.%s = nil\nif d.enter(&m, %d, %q) {\nv.%s = new(%s)\nv.%s.decode(d)\nd.leave()\n}\n",
			field, i, pathName(mem.Name), field, mem.Shape, field)
	}
}

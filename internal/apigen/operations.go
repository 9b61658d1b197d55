package apigen

import (
	"slices"
	"strings"
)

func writeErrors(w *writer, m *model) {
	w.printf("// The exceptions of the model: error codes on the wire.\nconst (\n")
	for _, name := range m.names(func(s *shape) bool { return s.Exception }) {
		w.printf("%s = %q\n", name, name)
	}
	w.printf(")\n\n")
}

// declared returns the sorted exceptions of an operation.
func (op *operation) declared() []string {
	var names []string
	for _, e := range op.Errors {
		names = append(names, e.Shape)
	}
	slices.Sort(names)
	return names
}

func writeOperations(w *writer, m *model) {
	w.printf("import \"context\"\n\n")
	w.printf("const targetPrefix = %q\n\n", m.Metadata.TargetPrefix+".")
	w.printf("// Service is CodePipeline: one method for each operation. Inputs have passed\n// the constraints of the model. Each method also fails with the common errors.\ntype Service interface {\n")
	for _, name := range m.operations() {
		op := m.Operations[name]
		w.printf("// %s fails with%s.\n", name, sentence(len(name)+len(" fails with"), op.declared()))
		w.printf("%s\n\n", signature(name, op))
	}
	w.printf("}\n\n")
	w.printf("var operations = map[string]*operation{\n")
	for _, name := range m.operations() {
		op := m.Operations[name]
		wrap := "answers"
		if op.Output == nil {
			wrap = "confirms"
		}
		w.printf("%q: %s(%q, Service.%s, %s),\n", name, wrap, name, name, strings.Join(op.declared(), ", "))
	}
	w.printf("}\n")
}

// sentence joins names for a comment whose line is already column wide.
func sentence(column int, names []string) string {
	const width = 70
	var b strings.Builder
	for i, name := range names {
		switch {
		case i == 0:
		case i == len(names)-1:
			b.WriteString(" or")
		default:
			b.WriteByte(',')
		}
		if column+len(name) > width {
			b.WriteString("\n//")
			column = 0
		}
		b.WriteByte(' ')
		b.WriteString(name)
		column += len(name) + 2
	}
	return b.String()
}

// signature is an operation's method without "func".
func signature(name string, op *operation) string {
	if op.Output == nil {
		return name + "(ctx context.Context, in *" + op.Input.Shape + ") error"
	}
	return name + "(ctx context.Context, in *" + op.Input.Shape + ") (*" + op.Output.Shape + ", error)"
}

func writeClient(w *writer, m *model) {
	w.printf("import \"context\"\n\nvar _ Service = (*Client)(nil)\n\n")
	for _, name := range m.operations() {
		op := m.Operations[name]
		w.printf("// %s calls the operation of that name.\nfunc (c *Client) %s {\n", name, signature(name, op))
		if op.Output == nil {
			w.printf("return c.Call(ctx, targetPrefix+%q, in, nil)\n}\n\n", name)
			continue
		}
		w.printf("out := new(%s)\nif err := c.Call(ctx, targetPrefix+%q, in, out); err != nil {\nreturn nil, err\n}\nreturn out, nil\n}\n\n", op.Output.Shape, name)
	}
}

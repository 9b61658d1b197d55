package conformance

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"
)

const failed = "' failed to satisfy constraint: "

// Answer is the message of the ValidationException for a document of the shape,
// "" for a valid one.
func (m *Model) Answer(shape string, doc any) string {
	found := m.violations("", shape, doc, true)
	found = found[:min(len(found), 10)]
	switch len(found) {
	case 0:
		return ""
	case 1:
		return "1 validation error detected: " + found[0]
	}
	return fmt.Sprintf("%d validation errors detected: %s", len(found), strings.Join(found, "; "))
}

// violations lists the violations of a value, the slow and plain way.
func (m *Model) violations(path, shape string, v any, required bool) []string {
	s := m.Shapes[shape]
	at := func(clause string) string { return "Value at '" + path + failed + clause }
	if v == nil {
		if !required {
			return nil
		}
		return []string{"Value null at '" + path + failed + "Member must not be null"}
	}
	var list []string
	size := func(kind string, n, low int) {
		if s.Max != nil && n > *s.Max {
			list = append(list, at(fmt.Sprintf("Member must have %s less than or equal to %d", kind, *s.Max)))
		}
		if s.Min != nil && n < low {
			list = append(list, at(fmt.Sprintf("Member must have %s greater than or equal to %d", kind, low)))
		}
	}
	low := 0
	if s.Min != nil {
		low = *s.Min
	}
	switch s.Type {
	case "string":
		text := v.(string)
		if !s.matches(text) {
			list = append(list, at("Member must satisfy regular expression pattern: "+s.Pattern))
		}
		if len(s.Enum) > 0 && !slices.Contains(s.Enum, text) {
			list = append(list, at("Member must satisfy enum value set: ["+strings.Join(s.Enum, ", ")+"]"))
		}
		size("length", len(utf16.Encode([]rune(text))), low)
	case "integer":
		size("value", min(v.(int), 1<<31-1), low)
	case "list":
		if !required {
			low = 0 // an empty list is as good as none
		}
		elements := v.([]any)
		size("length", len(elements), low)
		if m.Shapes[s.Member.Shape].Type == "string" {
			return append(list, m.elements(at, "Member must satisfy constraint: ", s.Member.Shape, elements)...)
		}
		for i, e := range elements {
			list = append(list, m.violations(fmt.Sprintf("%s.%d.member", path, i+1), s.Member.Shape, e, true)...)
		}
	case "map":
		entries := v.(map[string]any)
		size("length", len(entries), low)
		var keys, values []any
		for k, e := range entries {
			keys, values = append(keys, k), append(values, e)
		}
		list = append(list, m.elements(at, "Map keys must satisfy constraint: ", s.Key.Shape, keys)...)
		if m.Shapes[s.Value.Shape].Type == "string" {
			return append(list, m.elements(at, "Map value must satisfy constraint: ", s.Value.Shape, values)...)
		}
		for k, e := range entries { // at most one of these is wrong
			list = append(list, m.violations(path+"."+k+".member", s.Value.Shape, e, true)...)
		}
	case "structure":
		for _, mem := range s.Members {
			list = append(list, m.violations(below(path, mem.Name), mem.Shape, v.(map[string]any)[mem.Name], s.requires(mem.Name))...)
		}
	}
	return list
}

// below is the path of a member: its first letter is a small one.
func below(path, member string) string {
	return strings.TrimPrefix(path+"."+strings.ToLower(member[:1])+member[1:], ".")
}

// elements lists the one violation for the elements of a list or map.
func (m *Model) elements(at func(string) string, intro, shape string, values []any) []string {
	s := m.Shapes[shape]
	bad, null := false, false
	for _, v := range values {
		bad = bad || len(m.violations("", shape, v, true)) > 0
		null = null || v == nil
	}
	if !bad {
		return nil
	}
	var clauses []string
	if s.Max != nil {
		clauses = append(clauses, fmt.Sprintf("Member must have length less than or equal to %d", *s.Max))
	}
	if s.Min != nil && *s.Min > 0 {
		clauses = append(clauses, fmt.Sprintf("Member must have length greater than or equal to %d", *s.Min))
	}
	if s.Pattern != "" {
		clauses = append(clauses, "Member must satisfy regular expression pattern: "+s.Pattern)
	}
	if len(s.Enum) > 0 {
		clauses = append(clauses, "Member must satisfy enum value set: ["+strings.Join(s.Enum, ", ")+"]")
	}
	if null {
		clauses = append(clauses, "Member must not be null")
	}
	return []string{at(intro + "[" + strings.Join(clauses, ", ") + "]")}
}

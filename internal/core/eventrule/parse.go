package eventrule

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

func parseMatchers(list []any) (out []matcher, err error) {
	for _, v := range list {
		m, err := parseMatcher(v)
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}

// parseMatcher reads an element of a field's array: a value, or an object with
// one operator.
func parseMatcher(v any) (matcher, error) {
	switch v := v.(type) {
	case string, bool, nil, Number:
		return equal{v}, nil
	case map[string]any:
		if len(v) != 1 {
			return nil, errors.New("an operator must stand alone in its object")
		}
		for operator, of := range v {
			m, err := parseOperator(operator, of)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", shown(operator), err)
			}
			return m, nil
		}
	}
	return nil, errors.New("an element must be a value or an object with an operator, not an array")
}

// maxShown is how much of a name an error repeats.
const maxShown = 60

func shown(name string) string {
	if len(name) > maxShown {
		return strings.ToValidUTF8(name[:maxShown], "") + "…"
	}
	return name
}

func parseOperator(operator string, of any) (matcher, error) {
	switch operator {
	case "anything-but":
		return parseAnyOther(of)
	case "numeric":
		return parseNumeric(of)
	case "exists":
		there, ok := of.(bool)
		switch {
		case !ok:
			return nil, errors.New("must be true or false")
		case there:
			return present{}, nil
		}
		return absent{}, nil
	case "cidr":
		s, _ := of.(string)
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, errors.New("must be a range such as 10.0.0.0/24")
		}
		return address{p}, nil
	}
	return parseText(operator, of)
}

// parseText reads an operator on strings.
func parseText(operator string, of any) (matcher, error) {
	s, ok := of.(string)
	if !ok && (operator == "prefix" || operator == "suffix") {
		inner, _ := of.(map[string]any)
		folded, is := inner["equals-ignore-case"].(string)
		if !is || len(inner) != 1 {
			return nil, errors.New("must be a string or an equals-ignore-case of one")
		}
		if operator == "prefix" {
			return prefixFold(folded), nil
		}
		return suffixFold(folded), nil
	}
	switch operator {
	case "prefix", "suffix", "equals-ignore-case", "wildcard":
	default:
		return nil, errors.New("is not an operator: use anything-but, cidr, equals-ignore-case, exists, numeric, prefix, suffix or wildcard")
	}
	if !ok {
		return nil, errors.New("must be a string")
	}
	switch operator {
	case "prefix":
		return hasPrefix(s), nil
	case "suffix":
		return hasSuffix(s), nil
	case "wildcard":
		parts, err := parseWildcard(s)
		return wildcard(parts), err
	}
	return equalFold(s), nil
}

// parseWildcard splits a text at its asterisks; \* and \\ stand for themselves.
func parseWildcard(s string) (parts []string, err error) {
	var part strings.Builder
	star := false // was the character before
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '*' && star:
			return nil, errors.New("two asterisks may not follow each other")
		case s[i] == '*':
			star = true
			parts = append(parts, part.String())
			part.Reset()
			continue
		case s[i] == '\\':
			i++
			if i == len(s) || s[i] != '*' && s[i] != '\\' {
				return nil, errors.New(`a backslash must stand before * or \`)
			}
		}
		star = false
		part.WriteByte(s[i])
	}
	return append(parts, part.String()), nil
}

// parseAnyOther reads what anything-but leaves out: a value, values, or an
// operator on strings with a text or texts.
func parseAnyOther(of any) (matcher, error) {
	if m, ok := of.(map[string]any); ok {
		if len(m) != 1 {
			return nil, errors.New("an operator must stand alone in its object")
		}
		for operator, of := range m {
			if _, nested := of.(map[string]any); nested {
				return nil, errors.New("operators cannot be nested deeper")
			}
			var than []matcher
			for _, v := range asList(of) {
				x, err := parseText(operator, v)
				if err != nil {
					return nil, fmt.Errorf("%s: %w", shown(operator), err)
				}
				than = append(than, x)
			}
			if len(than) == 0 {
				return nil, errors.New("an empty array is not allowed")
			}
			return anyOther{than}, nil
		}
	}
	var than []matcher
	for _, v := range asList(of) {
		switch v := v.(type) {
		case string, Number:
			than = append(than, equal{v})
		default:
			return nil, errors.New("must be a string, a number, an array of them, or an operator on strings")
		}
	}
	if len(than) == 0 {
		return nil, errors.New("an empty array is not allowed")
	}
	return anyOther{than}, nil
}

func asList(v any) []any {
	if list, ok := v.([]any); ok {
		return list
	}
	return []any{v}
}

// maxNumber is how far from zero a number of a range may lie.
const maxNumber = 5e9

// parseNumeric reads ["=", 5] or [">", 0, "<=", 5].
func parseNumeric(of any) (matcher, error) {
	const form = "must be an array such as [\"=\", 5] or [\">\", 0, \"<=\", 5]"
	list, _ := of.([]any)
	var m numeric
	for pair := range slices.Chunk(list, 2) {
		if len(pair) != 2 {
			return nil, errors.New(form)
		}
		operator, _ := pair[0].(string)
		n, _ := pair[1].(Number)
		f, err := strconv.ParseFloat(string(n), 64)
		if err != nil || !slices.Contains([]string{"=", "<", "<=", ">", ">="}, operator) {
			return nil, errors.New(form)
		}
		if f < -maxNumber || f > maxNumber {
			return nil, errors.New("numbers lie between -5e9 and 5e9")
		}
		m.ends = append(m.ends, bound{operator, f})
	}
	lower := func(b bound) bool { return b.operator[0] == '>' }
	switch {
	case len(m.ends) == 1:
	case len(m.ends) == 2 && lower(m.ends[0]) && m.ends[1].operator[0] == '<' && m.ends[0].value < m.ends[1].value:
	default:
		return nil, errors.New(form)
	}
	return m, nil
}

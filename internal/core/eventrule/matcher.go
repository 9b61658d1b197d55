package eventrule

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// matcher takes or leaves a leaf of an event: a string, Number, bool or nil.
type matcher interface{ takes(v any) bool }

type (
	equal    struct{ want any }     // a string, a number as it is written, true, false, null
	text     func(s string) bool    // a string that the function takes
	numeric  struct{ ends []bound } // a number within all ends
	address  struct{ in netip.Prefix }
	present  struct{}
	absent   struct{} // takes no leaf: match.any looks for it
	anyOther struct{ than []matcher }
)

// bound is one end of a range.
type bound struct {
	operator string
	value    float64
}

func (m equal) takes(v any) bool { return v == m.want }
func (present) takes(any) bool   { return true }
func (absent) takes(any) bool    { return false }

func (m text) takes(v any) bool {
	s, ok := v.(string)
	return ok && m(s)
}

func (m anyOther) takes(v any) bool {
	return !slices.ContainsFunc(m.than, func(x matcher) bool { return x.takes(v) })
}

func (m address) takes(v any) bool {
	s, ok := v.(string)
	if !ok || len(s) > maxAddress {
		return false
	}
	a, err := netip.ParseAddr(s)
	return err == nil && m.in.Contains(a)
}

// maxAddress is longer than any IP address.
const maxAddress = 64

func (m numeric) takes(v any) bool {
	n, ok := v.(Number)
	if !ok {
		return false
	}
	f, err := strconv.ParseFloat(string(n), 64)
	return err == nil && !slices.ContainsFunc(m.ends, func(b bound) bool { return !b.holds(f) })
}

func (b bound) holds(f float64) bool {
	switch b.operator {
	case "<":
		return f < b.value
	case "<=":
		return f <= b.value
	case ">":
		return f > b.value
	case ">=":
		return f >= b.value
	}
	return f == b.value
}

func equalFold(want string) text { return func(s string) bool { return strings.EqualFold(s, want) } }
func hasPrefix(want string) text { return func(s string) bool { return strings.HasPrefix(s, want) } }
func hasSuffix(want string) text { return func(s string) bool { return strings.HasSuffix(s, want) } }
func prefixFold(want string) text {
	n := utf8.RuneCountInString(want)
	return func(s string) bool { return strings.EqualFold(firstRunes(s, n), want) }
}

func suffixFold(want string) text {
	n := utf8.RuneCountInString(want)
	return func(s string) bool { return strings.EqualFold(lastRunes(s, n), want) }
}

func firstRunes(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

func lastRunes(s string, n int) string {
	i := len(s)
	for ; n > 0 && i > 0; n-- {
		_, size := utf8.DecodeLastRuneInString(s[:i])
		i -= size
	}
	return s[i:]
}

// wildcard takes a string in which the parts follow each other, the first at
// its begin and the last at its end. The work is linear in both.
func wildcard(parts []string) text {
	return func(s string) bool {
		if len(parts) == 1 {
			return s == parts[0]
		}
		s, ok := strings.CutPrefix(s, parts[0])
		if !ok {
			return false
		}
		last := parts[len(parts)-1]
		s, ok = strings.CutSuffix(s, last)
		if !ok {
			return false
		}
		for _, part := range parts[1 : len(parts)-1] {
			if _, s, ok = strings.Cut(s, part); !ok {
				return false
			}
		}
		return true
	}
}

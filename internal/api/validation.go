package api

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"penstock/internal/core/fault"
)

// maxReported is how many violations one message lists.
const maxReported = 10

// floodedAt is how many violations are held before all but the first few are
// dropped, so that a hostile document costs little memory.
const floodedAt = 512

const noMaximum = math.MaxInt

// limit holds the constraints of a string shape. Lengths are in UTF-16 units,
// as Java counts; 0 is "none".
type limit struct {
	min, max int
	pattern  string
	match    func(string) bool
	enum     []string
}

// bounds holds the constraints of an integer shape.
type bounds struct{ min, max int }

// accepts says whether s keeps within the limits. A nil limit accepts all.
func (l *limit) accepts(s string) bool {
	if l == nil {
		return true
	}
	n := units(s)
	return n >= l.min && (l.max == 0 || n <= l.max) &&
		(l.match == nil || l.match(s)) &&
		(l.enum == nil || slices.Contains(l.enum, s))
}

// units is the length of s in UTF-16 code units.
func units(s string) int {
	n := len(s)
	for i := range len(s) {
		if s[i] >= 0x80 {
			n = 0
			for _, r := range s {
				n++
				if r > 0xFFFF {
					n++
				}
			}
			break
		}
	}
	return n
}

// charset is a set of ASCII characters, one bit each.
type charset struct{ low, high uint64 }

// matches says whether s is one or more characters of the set.
func (c charset) matches(s string) bool {
	for i := range len(s) {
		switch b := s[i]; {
		case b < 64:
			if c.low&(1<<b) == 0 {
				return false
			}
		case b >= 128 || c.high&(1<<(b-64)) == 0:
			return false
		}
	}
	return s != ""
}

// isUUID matches a UUID in lower-case hexadecimal.
func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return false
			}
		} else if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// isAccountID matches twelve digits.
func isAccountID(s string) bool {
	return len(s) == 12 && strings.Trim(s, "0123456789") == ""
}

// isOneLine matches what ".*" matches in Java.
func isOneLine(s string) bool { return !strings.ContainsAny(s, "\n\r\u0085\u2028\u2029") }

// wholeMatch returns a function that matches whole strings, compiled at first
// use.
func wholeMatch(pattern string) func(string) bool {
	re := sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\A(?:` + pattern + `)\z`) })
	return func(s string) bool { return re().MatchString(s) }
}

type stepKind uint8

const (
	memberStep stepKind = iota
	elementStep
	keyStep
)

// step is one part of the path to a value. index orders values that stand
// beside each other: place in the model, in the list, or in the map.
type step struct {
	kind  stepKind
	name  string
	index int
}

// violation is one broken constraint, with its place in the order of reports.
type violation struct {
	order []int
	text  string
}

func (d *decoder) push(s step) { d.path = append(d.path, s) }

// leave ends what push or enter began.
func (d *decoder) leave() { d.path = d.path[:len(d.path)-1] }

// enter begins a member that holds structures; false when it is null. Only
// after true must leave follow.
func (d *decoder) enter(m *members, i int, name string) bool {
	d.push(step{name: name, index: i})
	if m.has(i) {
		d.forget()
	}
	m.drop(i)
	if d.null() {
		d.leave()
		return false
	}
	m.put(i)
	return true
}

// order returns the current path as an order of reports.
func (d *decoder) order() []int {
	order := make([]int, len(d.path))
	for i, s := range d.path {
		order[i] = s.index
	}
	return order
}

// forget drops what was reported below the current path: a later member of the
// same name replaces the value.
func (d *decoder) forget() {
	if len(d.found) == 0 || d.flooded {
		return
	}
	prefix := d.order()
	d.found = slices.DeleteFunc(d.found, func(v violation) bool {
		return len(v.order) >= len(prefix) && slices.Equal(v.order[:len(prefix)], prefix)
	})
}

// report notes a violation at the current path.
func (d *decoder) report(value, clause string) {
	if !d.strict {
		return
	}
	var b strings.Builder
	b.WriteString(value)
	b.WriteString(" at '")
	for i, s := range d.path {
		if i > 0 {
			b.WriteByte('.')
		}
		switch s.kind {
		case memberStep:
			b.WriteString(s.name)
		case elementStep:
			b.WriteString(strconv.Itoa(s.index))
			b.WriteString(".member")
		case keyStep:
			b.WriteString(s.name)
			b.WriteString(".member")
		}
	}
	b.WriteString("' failed to satisfy constraint: ")
	b.WriteString(clause)
	d.found = append(d.found, violation{order: d.order(), text: b.String()})
	if len(d.found) >= floodedAt {
		d.flooded = true
		d.sortFound()
		clear(d.found[maxReported:])
		d.found = d.found[:maxReported]
	}
}

// reportMember notes a violation at a member of the current structure.
func (d *decoder) reportMember(i int, name, value, clause string) {
	d.push(step{name: name, index: i})
	d.report(value, clause)
	d.leave()
}

const notNull = "Member must not be null"

func (d *decoder) reportNull() { d.report("Value null", notNull) }

func (d *decoder) sortFound() {
	slices.SortStableFunc(d.found, func(a, b violation) int { return slices.Compare(a.order, b.order) })
}

// violations returns the ValidationException for all that was reported, nil
// when nothing was.
func (d *decoder) violations() error {
	if len(d.found) == 0 {
		return nil
	}
	d.sortFound()
	found := d.found[:min(len(d.found), maxReported)]
	var b strings.Builder
	if len(found) == 1 {
		b.WriteString("1 validation error detected: ")
	} else {
		fmt.Fprintf(&b, "%d validation errors detected: ", len(found))
	}
	for i, v := range found {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(v.text)
	}
	return &fault.Error{Code: ValidationException, Message: b.String()}
}

// require says whether member i is there, and reports it when it is not.
func (d *decoder) require(m members, i int, name string) bool {
	if m.has(i) {
		return true
	}
	d.reportMember(i, name, "Value null", notNull)
	return false
}

// checkText reports each constraint that s breaks on its own: pattern and enum
// first, then length.
func (d *decoder) checkText(i int, name, s string, l *limit) {
	if l.accepts(s) {
		return
	}
	if l.match != nil && !l.match(s) {
		d.reportMember(i, name, "Value", l.patternClause())
	}
	if l.enum != nil && !slices.Contains(l.enum, s) {
		d.reportMember(i, name, "Value", l.enumClause())
	}
	switch n := units(s); {
	case l.max > 0 && n > l.max:
		d.reportMember(i, name, "Value", maxLength(l.max))
	case n < l.min:
		d.reportMember(i, name, "Value", minLength(l.min))
	}
}

func (d *decoder) checkInteger(i int, name string, n int, b *bounds) {
	switch {
	case n > b.max:
		d.reportMember(i, name, "Value", "Member must have value less than or equal to "+strconv.Itoa(b.max))
	case n < b.min:
		d.reportMember(i, name, "Value", "Member must have value greater than or equal to "+strconv.Itoa(b.min))
	}
}

func (d *decoder) checkSize(i int, name string, n, least, most int) {
	if clause := sizeClause(n, least, most); clause != "" {
		d.reportMember(i, name, "Value", clause)
	}
}

// sizeClause is the bound that a list or map of n elements breaks, "" when it
// breaks none.
func sizeClause(n, least, most int) string {
	switch {
	case n > most:
		return maxLength(most)
	case n < least:
		return minLength(least)
	}
	return ""
}

// checkTexts reports a list of strings once, however many elements are wrong.
func (d *decoder) checkTexts(m members, i int, name string, list []string, l *limit) {
	null := m.nulls&(1<<i) != 0
	if null || slices.ContainsFunc(list, func(s string) bool { return !l.accepts(s) }) {
		d.reportMember(i, name, "Value", "Member must satisfy constraint: "+l.clauses(null))
	}
}

// checkTextMap reports the keys of a map of strings once, and its values once.
func (d *decoder) checkTextMap(m members, i int, name string, texts map[string]string, key, value *limit) {
	checkKeys(d, i, name, texts, key)
	null := m.nulls&(1<<i) != 0
	bad := null
	for _, s := range texts {
		bad = bad || !value.accepts(s)
	}
	if bad {
		d.reportMember(i, name, "Value", "Map value must satisfy constraint: "+value.clauses(null))
	}
}

func checkKeys[T any](d *decoder, i int, name string, m map[string]T, key *limit) {
	for k := range m {
		if !key.accepts(k) {
			d.reportMember(i, name, "Value", "Map keys must satisfy constraint: "+key.clauses(false))
			return
		}
	}
}

func (l *limit) patternClause() string {
	return "Member must satisfy regular expression pattern: " + l.pattern
}

func (l *limit) enumClause() string {
	return "Member must satisfy enum value set: [" + strings.Join(l.enum, ", ") + "]"
}

func maxLength(n int) string {
	return "Member must have length less than or equal to " + strconv.Itoa(n)
}

func minLength(n int) string {
	return "Member must have length greater than or equal to " + strconv.Itoa(n)
}

// clauses lists all constraints of elements, broken or not, as the service
// does for lists and maps.
func (l *limit) clauses(null bool) string {
	var list []string
	if l != nil {
		if l.max > 0 {
			list = append(list, maxLength(l.max))
		}
		if l.min > 0 {
			list = append(list, minLength(l.min))
		}
		if l.pattern != "" {
			list = append(list, l.patternClause())
		}
		if l.enum != nil {
			list = append(list, l.enumClause())
		}
	}
	if null {
		list = append(list, notNull)
	}
	return "[" + strings.Join(list, ", ") + "]"
}

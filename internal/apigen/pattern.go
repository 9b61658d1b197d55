package apigen

import (
	"fmt"
	"regexp/syntax"
	"strings"
)

// Java's "." stops at more line ends than RE2's.
const javaDot = `[^\n\r\x{85}\x{2028}\x{2029}]`

const (
	uuidPattern    = `[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`
	accountPattern = `[0-9]{12}`
)

// matcher returns the Go expression that matches whole strings as Java matches
// pattern. The shapes that hot calls carry get a loop over bytes instead of a
// regular expression.
func matcher(w *writer, pattern string) string {
	switch pattern {
	case uuidPattern:
		return "isUUID"
	case accountPattern:
		return "isAccountID"
	case ".*":
		return "isOneLine"
	}
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		w.fail("pattern %s: %w", pattern, err)
		return ""
	}
	if low, high, ok := asciiClass(re); ok {
		return fmt.Sprintf("charset{%#x, %#x}.matches", low, high)
	}
	return fmt.Sprintf("wholeMatch(`%s`)", translate(pattern))
}

// asciiClass returns the set of characters c when re is [c]+ in ASCII, with or
// without anchors.
func asciiClass(re *syntax.Regexp) (low, high uint64, ok bool) {
	if re.Op == syntax.OpConcat && len(re.Sub) == 3 &&
		re.Sub[0].Op == syntax.OpBeginText && re.Sub[2].Op == syntax.OpEndText {
		re = re.Sub[1]
	}
	if re.Op != syntax.OpPlus || re.Sub[0].Op != syntax.OpCharClass {
		return 0, 0, false
	}
	runes := re.Sub[0].Rune
	for i := 0; i < len(runes); i += 2 {
		for r := runes[i]; r <= runes[i+1]; r++ {
			switch {
			case r < 64:
				low |= 1 << r
			case r < 128:
				high |= 1 << (r - 64)
			default:
				return 0, 0, false
			}
		}
	}
	return low, high, true
}

// translate writes a pattern's bare dots as Java means them.
func translate(pattern string) string {
	var b strings.Builder
	inClass := false
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '\\':
			b.WriteString(pattern[i : i+2])
			i++
		case c == '.' && !inClass:
			b.WriteString(javaDot)
		default:
			if c == '[' {
				inClass = true
			} else if c == ']' {
				inClass = false
			}
			b.WriteByte(c)
		}
	}
	return b.String()
}

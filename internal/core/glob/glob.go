// Package glob matches the patterns of Git triggers: Java's "glob:" language of
// PathMatcher, which AWS documents for the filters of a pipeline's triggers. It
// is pure, and matching takes time linear in the text.
//
//   - any characters but /
//     **      any characters
//     ?       one character but /
//     [a-c]   one character of the class, never /; [!a-c] one that is not; no
//     escapes inside
//     {a,b}   alternatives, not nested
//     \       takes the next character as it is
//
// A pattern matches the whole text, and case counts. **/x does not match a bare
// x: the slash is a character like any other.
package glob

import (
	"errors"
	"regexp"
	"strings"
)

// MaxText bounds a text in bytes; longer ones match nothing. No branch and no
// path on a usual system is longer.
const MaxText = 4096

// Glob is a compiled pattern. It is safe for concurrent use.
type Glob struct{ re *regexp.Regexp }

// Compile reads a pattern; the error says what is wrong with it.
func Compile(pattern string) (*Glob, error) {
	c := compiler{in: []rune(pattern)}
	c.out.WriteString(`\A(?s:`)
	if err := c.all(); err != nil {
		return nil, err
	}
	c.out.WriteString(`)\z`)
	re, err := regexp.Compile(c.out.String())
	if err != nil {
		return nil, errors.New("it is too complex")
	}
	return &Glob{re}, nil
}

// Match reports whether the whole text matches.
func (g *Glob) Match(text string) bool {
	return len(text) <= MaxText && g.re.MatchString(text)
}

// compiler turns a pattern into a regular expression, whose matcher is linear.
type compiler struct {
	in  []rune
	at  int
	out strings.Builder
}

func (c *compiler) next() (rune, bool) {
	if c.at == len(c.in) {
		return 0, false
	}
	c.at++
	return c.in[c.at-1], true
}

func (c *compiler) follows(r rune) bool {
	if c.at < len(c.in) && c.in[c.at] == r {
		c.at++
		return true
	}
	return false
}

func (c *compiler) literal(r rune) { c.out.WriteString(regexp.QuoteMeta(string(r))) }

func (c *compiler) all() error {
	group := false
	for r, ok := c.next(); ok; r, ok = c.next() {
		switch {
		case r == '\\':
			if r, ok = c.next(); !ok {
				return errors.New(`nothing follows the last \`)
			}
			c.literal(r)
		case r == '*' && c.follows('*'):
			c.out.WriteString(".*")
		case r == '*':
			c.out.WriteString("[^/]*")
		case r == '?':
			c.out.WriteString("[^/]")
		case r == '[':
			if err := c.class(); err != nil {
				return err
			}
		case r == '{' && group:
			return errors.New("groups cannot nest")
		case r == '{':
			group = true
			c.out.WriteString("(?:")
		case r == '}' && group:
			group = false
			c.out.WriteString(")")
		case r == ',' && group:
			c.out.WriteString("|")
		default:
			c.literal(r)
		}
	}
	if group {
		return errors.New("a } is missing")
	}
	return nil
}

// class reads what follows a [.
func (c *compiler) class() error {
	begin := "["
	if c.follows('!') {
		begin = "[^/"
	}
	c.out.WriteString(begin)
	last, open, empty := rune(0), false, true // open: last may begin a range
	for {
		r, ok := c.next()
		switch {
		case !ok:
			return errors.New("a ] is missing")
		case r == ']' && empty:
			return errors.New("a class is empty")
		case r == ']':
			c.out.WriteString("]")
			return nil
		case r == '/':
			return errors.New("a class holds a /")
		case r == '-' && !empty && !open:
			return errors.New("a range has no beginning")
		case r == '-' && open && c.at < len(c.in) && c.in[c.at] != ']':
			to, _ := c.next()
			if to < last || to == '/' {
				return errors.New("a range ends before it begins, or with a /")
			}
			c.span(last, to)
			open = false
		default:
			c.member(r)
			last, open = r, true
		}
		empty = false
	}
}

// span adds a range, without the slash.
func (c *compiler) span(from, to rune) {
	if from < '/' && '/' < to {
		c.span(from, '/'-1)
		from = '/' + 1
	}
	c.member(from)
	c.out.WriteString("-")
	c.member(to)
}

// member adds a character of a class.
func (c *compiler) member(r rune) {
	if strings.ContainsRune(`\[]^-&~`, r) {
		c.out.WriteByte('\\')
	}
	c.out.WriteRune(r)
}

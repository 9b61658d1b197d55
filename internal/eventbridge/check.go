package eventbridge

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"penstock/internal/core/fault"
)

// checker collects what a request breaks of the constraints of EventBridge's
// API model, in the words of AWS.
type checker struct{ clauses []string }

// maxClauses is how many violations a message lists.
const maxClauses = 10

func (c *checker) err() error {
	n := len(c.clauses)
	if n == 0 {
		return nil
	}
	plural := "s"
	if n == 1 {
		plural = ""
	}
	return fault.New("ValidationException", "%d validation error%s detected: %s", n, plural, strings.Join(c.clauses[:min(n, maxClauses)], "; "))
}

func (c *checker) broken(path, format string, args ...any) {
	c.clauses = append(c.clauses, "Value at '"+path+"' failed to satisfy constraint: Member must "+fmt.Sprintf(format, args...))
}

var namePattern = regexp.MustCompile(`^[.\-_A-Za-z0-9]+$`)

// length checks the length of a text that may be absent.
func (c *checker) length(path, value string, most int) {
	if utf8.RuneCountInString(value) > most {
		c.broken(path, "have length less than or equal to %d", most)
	}
}

// text checks a text that must be there.
func (c *checker) text(path, value string, most int) {
	if value == "" {
		c.clauses = append(c.clauses, "Value null at '"+path+"' failed to satisfy constraint: Member must not be null")
	}
	c.length(path, value, most)
}

// name checks the name of a rule or the id of a target.
func (c *checker) name(path, value string) {
	c.text(path, value, 64)
	if value != "" && !namePattern.MatchString(value) {
		c.broken(path, `satisfy regular expression pattern: [\.\-_A-Za-z0-9]+`)
	}
}

func (c *checker) size(path string, n, least, most int) {
	if n < least {
		c.broken(path, "have length greater than or equal to %d", least)
	}
	if n > most {
		c.broken(path, "have length less than or equal to %d", most)
	}
}

// page checks the limit of a list.
func (c *checker) page(limit *int, token string) {
	if limit != nil && (*limit < 1 || *limit > maxPage) {
		c.broken("limit", "have value between 1 and %d", maxPage)
	}
	c.length("nextToken", token, 2048)
}

func (c *checker) tags(tags []Tag) {
	for i, t := range tags {
		c.text(fmt.Sprintf("tags.%d.member.key", i+1), t.Key, 128)
		c.length(fmt.Sprintf("tags.%d.member.value", i+1), t.Value, 256)
	}
}

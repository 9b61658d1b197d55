package rule

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"penstock/internal/core/pattern"
)

// variableCheck compares a variable with a value. MATCHES holds when the
// regular expression matches the variable as a whole, as Java's matches does;
// the expressions are those of Go's regexp, which knows no lookaround and no
// backreferences.
func variableCheck(variable, operator, value string) (passed bool, why string, err error) {
	if err := checkOperator(operator); err != nil {
		return false, "", err
	}
	switch operator {
	case "EQ":
		passed = variable == value
	case "NE":
		passed = variable != value
	case "CONTAINS":
		passed = strings.Contains(variable, value)
	case "MATCHES":
		p, err := pattern.Compile(value)
		if err != nil {
			return false, "", fmt.Errorf("the value '%s' is not a regular expression that can be evaluated: %v", shorten(value), err)
		}
		if p.Cost(variable) > maxCost {
			return false, "", fmt.Errorf("the value '%s' takes too long to compare with a text of %d bytes", shorten(value), len(variable))
		}
		passed = p.Match(variable)
	}
	answer := "is false"
	if passed {
		answer = "is true"
	}
	return passed, fmt.Sprintf("'%s' %s '%s' %s", shorten(variable), operator, shorten(value), answer), nil
}

func checkOperator(operator string) error {
	switch operator {
	case "EQ", "NE", "CONTAINS", "MATCHES":
		return nil
	}
	return fmt.Errorf("the operator '%s' is not one of EQ, NE, CONTAINS and MATCHES", shorten(operator))
}

// maxCost bounds one comparison, in steps: it is made while the pipeline, and
// with SQLite everybody who writes, waits for it. It is some 100 ms.
const maxCost = 4_000_000

// maxShown is how much of a value is shown to people, in bytes.
const maxShown = 200

func shorten(s string) string {
	if len(s) <= maxShown {
		return s
	}
	end := maxShown
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}

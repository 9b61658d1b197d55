package apigen

import (
	"strings"
)

// exported is the Go name of a member: nextToken and NextToken → NextToken.
func exported(name string) string { return strings.ToUpper(name[:1]) + name[1:] }

// pathName is how messages spell a member: first letter in lower case.
func pathName(name string) string { return strings.ToLower(name[:1]) + name[1:] }

// enumName is the constant of an enum value, as the AWS SDK for Go names it:
// BEFORE_ENTRY → BeforeEntry, InProgress → InProgress.
func enumName(shape, value string) string {
	var b strings.Builder
	b.WriteString(shape)
	for word := range strings.SplitSeq(value, "_") {
		if strings.ToUpper(word) == word {
			word = word[:1] + strings.ToLower(word[1:])
		}
		b.WriteString(exported(word))
	}
	return b.String()
}

// limitName is the variable that holds the constraints of a shape.
func limitName(shape string) string { return "limit" + exported(shape) }

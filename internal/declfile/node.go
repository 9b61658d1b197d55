package declfile

import (
	"errors"
	"fmt"
	"strings"
)

// kind is what a node of a document is.
type kind uint8

const (
	null kind = iota
	text
	number
	boolean
	list
	object
	// opaque stands for a value that only the deployment of a template knows.
	opaque
)

var kindNames = [...]string{"null", "a string", "a number", "a boolean", "a list", "a structure", "a value of the deployment"}

// node is a part of a document, in whichever language it was written.
type node struct {
	kind    kind
	text    string // of scalars, as written
	items   []*node
	members []member
	line    int // from 1
}

type member struct {
	key   string
	line  int
	value *node
}

// get returns the member of that name, nil when there is none.
func (n *node) get(key string) *node {
	if n == nil || n.kind != object {
		return nil
	}
	for i := len(n.members) - 1; i >= 0; i-- {
		if n.members[i].key == key {
			return n.members[i].value
		}
	}
	return nil
}

// Bounds of a document, beyond which nobody wrote it by hand.
const (
	maxFile  = 8 << 20
	maxNodes = 500_000
	maxDepth = 100
)

var errTooLarge = errors.New("the document is too large or too deep")

// parse reads the documents of a file: JSON by its looks, else YAML.
func parse(data []byte) ([]*node, error) {
	if len(data) > maxFile {
		return nil, errTooLarge
	}
	start := strings.TrimLeft(strings.TrimPrefix(string(data), "\ufeff"), " \t\r\n")
	if start == "" {
		return nil, errors.New("the file is empty")
	}
	// YAML may begin with a brace too, but then with a name without quotes.
	inside := strings.TrimLeft(start[1:], " \t\r\n")
	if start[0] == '[' || start[0] == '{' && (inside == "" || inside[0] == '"' || inside[0] == '}') {
		doc, err := parseJSON(data)
		return []*node{doc}, err
	}
	return parseYAML(data)
}

// syntax is an error at a line.
func syntax(line int, format string, args ...any) error {
	return fmt.Errorf("line %d: %s", line, fmt.Sprintf(format, args...))
}

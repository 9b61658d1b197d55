package declfile

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// parseYAML reads the documents of a YAML file. Tags such as !Ref become what
// they are short for: a structure with one member, Ref or Fn::Name.
func parseYAML(data []byte) ([]*node, error) {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var docs []*node
	for {
		var y yaml.Node
		err := dec.Decode(&y)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
		}
		r := yamlReader{}
		n, err := r.node(&y, 0)
		if err != nil {
			return nil, err
		}
		docs = append(docs, n)
	}
	if len(docs) == 0 {
		return nil, errors.New("the file is empty")
	}
	return docs, nil
}

type yamlReader struct{ nodes int }

func (r *yamlReader) node(y *yaml.Node, depth int) (*node, error) {
	// Aliases can make much of little.
	if r.nodes++; r.nodes > maxNodes || depth > maxDepth {
		return nil, errTooLarge
	}
	switch y.Kind {
	case yaml.DocumentNode:
		return r.node(y.Content[0], depth+1)
	case yaml.AliasNode:
		return r.node(y.Alias, depth+1)
	}
	n, err := r.plain(y, depth)
	if err != nil || !strings.HasPrefix(y.Tag, "!") || strings.HasPrefix(y.Tag, "!!") || y.Tag == "!" {
		return n, err
	}
	name := strings.TrimPrefix(y.Tag, "!")
	if name != "Ref" && name != "Condition" {
		name = "Fn::" + name
	}
	return &node{kind: object, line: n.line, members: []member{{name, n.line, n}}}, nil
}

func (r *yamlReader) plain(y *yaml.Node, depth int) (*node, error) {
	n := &node{line: y.Line, text: y.Value}
	switch y.Kind {
	case yaml.ScalarNode:
		switch y.ShortTag() {
		case "!!null":
			n.kind = null
		case "!!int", "!!float":
			n.kind = number
		case "!!bool":
			n.kind = boolean
		default:
			n.kind = text
		}
	case yaml.SequenceNode:
		n.kind = list
		for _, item := range y.Content {
			child, err := r.node(item, depth+1)
			if err != nil {
				return nil, err
			}
			n.items = append(n.items, child)
		}
	case yaml.MappingNode:
		n.kind = object
		var merged []member
		for i := 0; i+1 < len(y.Content); i += 2 {
			key := y.Content[i]
			value, err := r.node(y.Content[i+1], depth+1)
			if err != nil {
				return nil, err
			}
			switch {
			case key.ShortTag() == "!!merge":
				sources := []*node{value}
				if value.kind == list {
					sources = value.items
				}
				for _, s := range sources {
					merged = append(merged, s.members...)
				}
			case key.Kind != yaml.ScalarNode:
				return nil, syntax(key.Line, "the name of a member is not a string")
			default:
				n.members = append(n.members, member{key.Value, key.Line, value})
			}
		}
		for _, m := range merged { // a member's own value goes before, and so do earlier sources
			if n.get(m.key) == nil {
				n.members = append(n.members, m)
			}
		}
	}
	return n, nil
}

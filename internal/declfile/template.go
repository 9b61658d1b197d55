package declfile

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// pipelineResource is the type of the resources that are read of a template.
const pipelineResource = "AWS::CodePipeline::Pipeline"

// template is a CloudFormation template.
type template struct {
	doc    *node
	region string
}

// pipelines returns the properties of the template's pipelines by logical id, in
// the order of the template.
func (t template) pipelines() []member {
	var out []member
	resources := t.doc.get("Resources")
	if resources == nil {
		return nil
	}
	for _, m := range resources.members {
		if kind := m.value.get("Type"); kind == nil || kind.text != pipelineResource {
			continue
		}
		properties := m.value.get("Properties")
		if properties == nil {
			properties = &node{kind: object, line: m.line}
		}
		out = append(out, member{m.key, m.line, t.resolve(properties, 0)})
	}
	return out
}

// resolve replaces intrinsic functions by their values where the template alone
// tells them, else by an opaque value. nil is no value (AWS::NoValue).
func (t template) resolve(n *node, depth int) *node {
	if depth > maxDepth {
		return unknown(n)
	}
	if name, arg, ok := intrinsic(n); ok {
		return t.call(n, name, arg, depth)
	}
	c := *n
	c.items, c.members = nil, nil
	for _, item := range n.items {
		if v := t.resolve(item, depth+1); v != nil {
			c.items = append(c.items, v)
		}
	}
	for _, m := range n.members {
		if v := t.resolve(m.value, depth+1); v != nil {
			c.members = append(c.members, member{m.key, m.line, v})
		}
	}
	return &c
}

// intrinsic splits a call of an intrinsic function.
func intrinsic(n *node) (name string, arg *node, ok bool) {
	if n.kind != object || len(n.members) != 1 {
		return "", nil, false
	}
	m := n.members[0]
	return m.key, m.value, m.key == "Ref" || m.key == "Condition" || strings.HasPrefix(m.key, "Fn::")
}

func (t template) call(n *node, name string, arg *node, depth int) *node {
	switch name {
	case "Ref":
		if arg.text == "AWS::NoValue" {
			return nil
		}
		if value, ok := t.ref(arg.text); ok {
			return &node{kind: text, text: value, line: n.line}
		}
	case "Fn::Sub":
		if value, ok := t.sub(arg, depth); ok {
			return &node{kind: text, text: value, line: n.line}
		}
	case "Fn::Join":
		if value, ok := t.join(arg, depth); ok {
			return &node{kind: text, text: value, line: n.line}
		}
	case "Fn::If": // whichever branch has a value; the condition is not known here
		if arg.kind == list && len(arg.items) == 3 {
			for _, branch := range arg.items[1:] {
				if v := t.resolve(branch, depth+1); v != nil {
					return v
				}
			}
			return nil
		}
	}
	return unknown(n)
}

// ref is what a pseudo parameter or a parameter with a default stands for.
func (t template) ref(name string) (string, bool) {
	switch name {
	case "AWS::Region":
		return t.region, true
	case "AWS::Partition":
		return "aws", true
	case "AWS::AccountId":
		return "000000000000", true
	case "AWS::URLSuffix":
		return "amazonaws.com", true
	}
	value := t.doc.get("Parameters").get(name).get("Default")
	if value == nil || value.kind == list || value.kind == object || value.kind == null {
		return "", false
	}
	return value.text, true
}

// sub is the text of Fn::Sub when all that stands in ${…} is known.
func (t template) sub(arg *node, depth int) (string, bool) {
	var own *node
	if arg.kind == list && len(arg.items) == 2 {
		arg, own = arg.items[0], arg.items[1]
	}
	if arg.kind == list || arg.kind == object {
		return "", false
	}
	var b strings.Builder
	rest := arg.text
	for {
		before, after, found := strings.Cut(rest, "${")
		b.WriteString(before)
		if !found {
			return b.String(), true
		}
		name, tail, closed := strings.Cut(after, "}")
		if !closed {
			return "", false
		}
		rest = tail
		if literal, ok := strings.CutPrefix(name, "!"); ok {
			b.WriteString("${" + literal + "}")
			continue
		}
		value, ok := "", false
		if v := own.get(name); v != nil {
			if v = t.resolve(v, depth+1); v != nil && scalar(v) {
				value, ok = v.text, true
			}
		} else {
			value, ok = t.ref(name)
		}
		if !ok {
			return "", false
		}
		b.WriteString(value)
	}
}

func (t template) join(arg *node, depth int) (string, bool) {
	if arg.kind != list || len(arg.items) != 2 || arg.items[1].kind != list {
		return "", false
	}
	var parts []string
	for _, item := range arg.items[1].items {
		v := t.resolve(item, depth+1)
		if v == nil || !scalar(v) {
			return "", false
		}
		parts = append(parts, v.text)
	}
	return strings.Join(parts, arg.items[0].text), true
}

func scalar(n *node) bool { return n.kind == text || n.kind == number || n.kind == boolean }

// unknown stands for a value that the deployment gives. Equal expressions give
// equal texts, so that names still match.
func unknown(n *node) *node {
	sum := sha256.Sum256([]byte(render(n, 0)))
	return &node{kind: opaque, text: "cfn-" + hex.EncodeToString(sum[:4]), line: n.line}
}

func render(n *node, depth int) string {
	if depth > maxDepth {
		return ""
	}
	var b strings.Builder
	b.WriteString(kindNames[n.kind] + "\x00" + n.text + "\x00(")
	for _, item := range n.items {
		b.WriteString(render(item, depth+1))
	}
	for _, m := range n.members {
		b.WriteString(m.key + "\x00" + render(m.value, depth+1))
	}
	return b.String() + ")"
}

// regional turns the list ArtifactStores of a template into the API's map.
func (s *shaper) regional(n *node) *node {
	if n.kind != list {
		return n
	}
	out := &node{kind: object, line: n.line}
	for i, item := range n.items {
		region, store := item.get("Region"), item.get("ArtifactStore")
		if region == nil || store == nil {
			s.mistyped("artifactStores["+itoa(i)+"]", item.line, "An element of ArtifactStores needs Region and ArtifactStore.", "")
			continue
		}
		if region.kind == opaque {
			s.opaque = append(s.opaque, "artifactStores")
		}
		out.members = append(out.members, member{region.text, item.line, store})
	}
	return out
}

package pipeline

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"penstock/internal/core/variable"
)

// text is a value that may hold variable references.
type text struct {
	at    position
	path  string
	owner string // StageName=[S], ActionName=[A] or with RuleName
	kind  string // Action or Rule
	key   string
	value string
	// source and secret are those of the action, and of the value.
	source, secret bool
}

// line names a reference in the text as the service does below its messages.
// What stands in a secret value is not shown.
func (t *text) line(ref variable.Ref) string {
	shown := ref.Text
	if t.secret {
		shown = Masked
	}
	return fmt.Sprintf("%s, %sConfigurationKey=[%s], VariableReferenceText=[%s]", t.owner, t.kind, t.key, shown)
}

// texts lists all configuration values, commands and environment variables. A
// declaration may hold hundreds of thousands of references: they are looked for
// when a rule asks.
func (c *check) texts() []text {
	var list []text
	for at, a := range c.actions() {
		info, _ := c.env.Type(a.Type)
		add := func(path, key, value string, secret bool) {
			list = append(list, text{at, path, fmt.Sprintf("StageName=[%s], ActionName=[%s]", c.stage(at).Name, a.Name), "Action", key, value, a.Type.Category == categorySource, secret})
		}
		for _, key := range slices.Sorted(maps.Keys(a.Configuration)) {
			p, _ := info.property(key)
			add(at.configuration(key), key, a.Configuration[key], p.Secret)
		}
		for i, command := range a.Commands {
			add(at.path()+element(".commands", i), "commands", command, false)
		}
		for i, e := range a.Environment {
			add(at.path()+element(".environmentVariables", i), "environmentVariables", e.Value, false)
		}
	}
	for at, r := range c.rules() {
		add := func(path, key, value string) {
			list = append(list, text{at, path, fmt.Sprintf("StageName=[%s], RuleName=[%s]", c.stage(at).Name, r.Name), "Rule", key, value, false, false})
		}
		for _, key := range slices.Sorted(maps.Keys(r.Configuration)) {
			add(at.configuration(key), key, r.Configuration[key])
		}
		for i, command := range r.Commands {
			add(at.path()+element(".commands", i), "commands", command)
		}
	}
	return slices.DeleteFunc(list, func(t text) bool { return !variable.Contains(t.value) })
}

// maxOffenders bounds how long a refusal grows.
const maxOffenders = 100

// offenders reports the references that offend, as one violation at the place
// of the first: refuse makes it of their lines, each after a newline.
func (c *check) offenders(rule string, offends func(*text, variable.Ref) bool, refuse func(lines string) error) {
	var b strings.Builder
	n, path := 0, ""
	for i := range c.referring {
		t := &c.referring[i]
		for ref := range variable.References(t.value) {
			if n == maxOffenders {
				break
			}
			if offends(t, ref) {
				b.WriteString("\n" + t.line(ref))
				if n == 0 {
					path = t.path
				}
				n++
			}
		}
	}
	if n > 0 {
		c.report(rule, path, refuse(b.String()))
	}
}

// pipelineNamespace reports whether references to variable.Pipeline mean the
// pipeline's variables: always, unless it has none and an action took the name.
func (c *check) pipelineNamespace() bool {
	if len(c.d.Variables) > 0 {
		return true
	}
	_, taken := c.namespaces[variable.Pipeline]
	return !taken
}

func pipelineVariableReferences(c *check) {
	if !c.pipelineNamespace() {
		return
	}
	if len(c.d.Variables) > 0 {
		c.offenders("V-15", func(t *text, ref variable.Ref) bool { return t.source && ref.Namespace == variable.Pipeline }, func(lines string) error {
			return structureFault("Variables at the pipeline level cannot be used in source actions.%s", lines)
		})
	}
	c.offenders("V-16", func(t *text, ref variable.Ref) bool {
		return ref.Namespace == variable.Pipeline &&
			!slices.ContainsFunc(c.d.Variables, func(v Variable) bool { return v.Name == ref.Key })
	}, func(lines string) error {
		return structureFault("The referenced variables haven't been declared.%s", lines)
	})
}

func pipelineVariableNamespace(c *check) {
	if len(c.d.Variables) == 0 {
		return
	}
	for at, a := range c.actions() {
		if a.Namespace == variable.Pipeline {
			c.report("V-17", at.path()+".namespace", structureFault("The namespace '%s' is reserved for the variables of the pipeline and cannot be used for an action.\nStageName=[%s], ActionName=[%s], Namespace=[%s]",
				variable.Pipeline, c.stage(at).Name, a.Name, a.Namespace))
		}
	}
}

func namespacesUnique(c *check) {
	count := map[string]int{}
	for _, a := range c.actions() {
		count[a.Namespace]++
	}
	var b strings.Builder
	path := ""
	for at, a := range c.actions() {
		if a.Namespace != "" && count[a.Namespace] > 1 {
			if path == "" {
				path = at.path() + ".namespace"
			}
			fmt.Fprintf(&b, "\nStageName=[%s], ActionName=[%s], Namespace=[%s]", c.stage(at).Name, a.Name, a.Namespace)
		}
	}
	if b.Len() > 0 {
		c.report("V-48", path, actionFault("Namespaces must be unique across the pipeline definition. The following occur more than once in the pipeline.%s", b.String()))
	}
}

func namespacesExist(c *check) {
	c.offenders("V-49", func(t *text, ref variable.Ref) bool {
		switch {
		case ref.Namespace == variable.Builtin:
			return false
		case ref.Namespace == variable.Pipeline && c.pipelineNamespace():
			return false
		}
		_, ok := c.namespaces[ref.Namespace]
		return !ok
	}, func(lines string) error {
		return actionFault("Valid format for a pipeline execution variable reference is a namespace and a key separated by a period (.). "+
			"The following pipeline execution variables are referencing a namespace that does not exist.%s", lines)
	})
}

func referencesEarlier(c *check) {
	c.offenders("V-50", func(t *text, ref variable.Ref) bool {
		if ref.Namespace == variable.Builtin {
			return false
		}
		at, declared := c.namespaces[ref.Namespace]
		return declared && !at.before(t.at)
	}, func(lines string) error {
		return actionFault("A pipeline execution variable can only be referenced after the action that produces it has run. "+
			"The following pipeline execution variables are referencing an action that runs at the same time or later.%s", lines)
	})
}

func namespacesFree(c *check) {
	for at, a := range c.actions() {
		if a.Namespace == variable.Builtin {
			c.report("V-51", at.path()+".namespace", actionFault("The namespace '%s' is reserved and cannot be used for an action.\nStageName=[%s], ActionName=[%s], Namespace=[%s]",
				a.Namespace, c.stage(at).Name, a.Name, a.Namespace))
		}
		if _, taken := c.artifacts[a.Namespace]; taken {
			c.report("V-51", at.path()+".namespace", actionFault("A namespace cannot have the name of an artifact of the pipeline.\nStageName=[%s], ActionName=[%s], Namespace=[%s]",
				c.stage(at).Name, a.Name, a.Namespace))
		}
	}
}

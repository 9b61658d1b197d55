package pipeline

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"penstock/internal/core/variable"
)

// use is one variable reference in an action or a rule.
type use struct {
	ref    variable.Ref
	at     position
	source bool
	// line names the place as the service does below its texts.
	line string
	path string
}

// uses lists the references of all configuration values, commands and
// environment variables. What stands in a secret value is not shown.
func uses(c *check) []use {
	var list []use
	add := func(at position, path string, source bool, where, key, value string, secret bool) {
		for _, ref := range variable.References(value) {
			text := ref.Text
			if secret {
				text = Masked
			}
			line := fmt.Sprintf("%s=[%s], VariableReferenceText=[%s]", where, key, text)
			list = append(list, use{ref, at, source, line, path})
		}
	}
	for at, a := range c.actions() {
		source := a.Type.Category == categorySource
		where := fmt.Sprintf("StageName=[%s], ActionName=[%s], ActionConfigurationKey", c.stage(at).Name, a.Name)
		info, _ := c.env.Type(a.Type)
		for _, key := range slices.Sorted(maps.Keys(a.Configuration)) {
			p, _ := info.property(key)
			add(at, at.configuration(key), source, where, key, a.Configuration[key], p.Secret)
		}
		for i, command := range a.Commands {
			add(at, at.path()+element(".commands", i), source, where, "commands", command, false)
		}
		for i, e := range a.Environment {
			add(at, at.path()+element(".environmentVariables", i), source, where, "environmentVariables", e.Value, false)
		}
	}
	for at, r := range c.rules() {
		where := fmt.Sprintf("StageName=[%s], RuleName=[%s], RuleConfigurationKey", c.stage(at).Name, r.Name)
		for _, key := range slices.Sorted(maps.Keys(r.Configuration)) {
			add(at, at.configuration(key), false, where, key, r.Configuration[key], false)
		}
		for i, command := range r.Commands {
			add(at, at.path()+element(".commands", i), false, where, "commands", command, false)
		}
	}
	return list
}

// maxOffenders bounds how long a refusal grows.
const maxOffenders = 100

// offenders reports the uses that offend, as one violation at the place of the
// first: refuse makes it of their lines, each after a newline.
func (c *check) offenders(rule string, offends func(use) bool, refuse func(lines string) error) {
	var b strings.Builder
	n, path := 0, ""
	for _, u := range c.uses {
		if n < maxOffenders && offends(u) {
			b.WriteString("\n" + u.line)
			if n == 0 {
				path = u.path
			}
			n++
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
		c.offenders("V-15", func(u use) bool { return u.source && u.ref.Namespace == variable.Pipeline }, func(lines string) error {
			return structureFault("Variables at the pipeline level cannot be used in source actions.%s", lines)
		})
	}
	c.offenders("V-16", func(u use) bool {
		return u.ref.Namespace == variable.Pipeline &&
			!slices.ContainsFunc(c.d.Variables, func(v Variable) bool { return v.Name == u.ref.Key })
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
	c.offenders("V-49", func(u use) bool {
		switch {
		case u.ref.Namespace == variable.Builtin:
			return false
		case u.ref.Namespace == variable.Pipeline && c.pipelineNamespace():
			return false
		}
		_, ok := c.namespaces[u.ref.Namespace]
		return !ok
	}, func(lines string) error {
		return actionFault("Valid format for a pipeline execution variable reference is a namespace and a key separated by a period (.). "+
			"The following pipeline execution variables are referencing a namespace that does not exist.%s", lines)
	})
}

func referencesEarlier(c *check) {
	c.offenders("V-50", func(u use) bool {
		if u.ref.Namespace == variable.Builtin {
			return false
		}
		at, declared := c.namespaces[u.ref.Namespace]
		return declared && !at.before(u.at)
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

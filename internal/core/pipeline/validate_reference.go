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
}

// uses lists the references of all configuration values, commands and
// environment variables. What stands in a secret value is not shown.
func uses(c *check) []use {
	var list []use
	add := func(at position, source bool, where, key, value string, secret bool) {
		for _, ref := range variable.References(value) {
			text := ref.Text
			if secret {
				text = Masked
			}
			line := fmt.Sprintf("%s=[%s], VariableReferenceText=[%s]", where, key, text)
			list = append(list, use{ref, at, source, line})
		}
	}
	for at, a := range c.actions() {
		source := a.Type.Category == categorySource
		where := fmt.Sprintf("StageName=[%s], ActionName=[%s], ActionConfigurationKey", c.stage(at).Name, a.Name)
		info, _ := c.env.Type(a.Type)
		for _, key := range slices.Sorted(maps.Keys(a.Configuration)) {
			p, _ := info.property(key)
			add(at, source, where, key, a.Configuration[key], p.Secret)
		}
		for _, command := range a.Commands {
			add(at, source, where, "commands", command, false)
		}
		for _, e := range a.Environment {
			add(at, source, where, "environmentVariables", e.Value, false)
		}
	}
	for at, r := range c.rules() {
		where := fmt.Sprintf("StageName=[%s], RuleName=[%s], RuleConfigurationKey", c.stage(at).Name, r.Name)
		for _, key := range slices.Sorted(maps.Keys(r.Configuration)) {
			add(at, false, where, key, r.Configuration[key], false)
		}
		for _, command := range r.Commands {
			add(at, false, where, "commands", command, false)
		}
	}
	return list
}

// maxOffenders bounds how long a refusal grows.
const maxOffenders = 100

// offenders returns the lines of the uses that offend, each after a newline.
func (c *check) offenders(offends func(use) bool) string {
	var b strings.Builder
	n := 0
	for _, u := range c.uses {
		if n < maxOffenders && offends(u) {
			b.WriteString("\n" + u.line)
			n++
		}
	}
	return b.String()
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

func pipelineVariableReferences(c *check) error {
	if !c.pipelineNamespace() {
		return nil
	}
	if len(c.d.Variables) > 0 {
		inSource := c.offenders(func(u use) bool { return u.source && u.ref.Namespace == variable.Pipeline })
		if inSource != "" {
			return structureFault("Variables at the pipeline level cannot be used in source actions.%s", inSource)
		}
	}
	undeclared := c.offenders(func(u use) bool {
		return u.ref.Namespace == variable.Pipeline &&
			!slices.ContainsFunc(c.d.Variables, func(v Variable) bool { return v.Name == u.ref.Key })
	})
	if undeclared != "" {
		return structureFault("The referenced variables haven't been declared.%s", undeclared)
	}
	return nil
}

func pipelineVariableNamespace(c *check) error {
	if len(c.d.Variables) == 0 {
		return nil
	}
	for at, a := range c.actions() {
		if a.Namespace == variable.Pipeline {
			return structureFault("The namespace '%s' is reserved for the variables of the pipeline and cannot be used for an action.\nStageName=[%s], ActionName=[%s], Namespace=[%s]",
				variable.Pipeline, c.stage(at).Name, a.Name, a.Namespace)
		}
	}
	return nil
}

func namespacesUnique(c *check) error {
	count := map[string]int{}
	for _, a := range c.actions() {
		count[a.Namespace]++
	}
	var b strings.Builder
	for at, a := range c.actions() {
		if a.Namespace != "" && count[a.Namespace] > 1 {
			fmt.Fprintf(&b, "\nStageName=[%s], ActionName=[%s], Namespace=[%s]", c.stage(at).Name, a.Name, a.Namespace)
		}
	}
	if b.Len() > 0 {
		return actionFault("Namespaces must be unique across the pipeline definition. The following occur more than once in the pipeline.%s", b.String())
	}
	return nil
}

func namespacesExist(c *check) error {
	missing := c.offenders(func(u use) bool {
		switch {
		case u.ref.Namespace == variable.Builtin:
			return false
		case u.ref.Namespace == variable.Pipeline && c.pipelineNamespace():
			return false
		}
		_, ok := c.namespaces[u.ref.Namespace]
		return !ok
	})
	if missing != "" {
		return actionFault("Valid format for a pipeline execution variable reference is a namespace and a key separated by a period (.). "+
			"The following pipeline execution variables are referencing a namespace that does not exist.%s", missing)
	}
	return nil
}

func referencesEarlier(c *check) error {
	late := c.offenders(func(u use) bool {
		if u.ref.Namespace == variable.Builtin {
			return false
		}
		at, declared := c.namespaces[u.ref.Namespace]
		return declared && !at.before(u.at)
	})
	if late != "" {
		return actionFault("A pipeline execution variable can only be referenced after the action that produces it has run. "+
			"The following pipeline execution variables are referencing an action that runs at the same time or later.%s", late)
	}
	return nil
}

func namespacesFree(c *check) error {
	for at, a := range c.actions() {
		if a.Namespace == variable.Builtin {
			return actionFault("The namespace '%s' is reserved and cannot be used for an action.\nStageName=[%s], ActionName=[%s], Namespace=[%s]",
				a.Namespace, c.stage(at).Name, a.Name, a.Namespace)
		}
		if _, taken := c.artifacts[a.Namespace]; taken {
			return actionFault("A namespace cannot have the name of an artifact of the pipeline.\nStageName=[%s], ActionName=[%s], Namespace=[%s]",
				c.stage(at).Name, a.Name, a.Namespace)
		}
	}
	return nil
}

package pipeline

import (
	"maps"
	"slices"

	"penstock/internal/core/fault"
)

// Masked stands for a secret value wherever it is shown. Sent back by
// UpdatePipeline it keeps the stored value.
const Masked = "****"

// Secrets returns a copy of next, as it arrived from a caller, in the form to
// store: each action's Secrets lists its secret keys, and each secret value is
// sealed. A value sent as Masked is taken over from prev, which is the stored
// declaration with sealed values or nil when the pipeline is new; it is not
// sealed a second time. Neither prev nor next is changed, so the call may be
// repeated when a commit loses a race.
//
// The stored value is taken over from the action of the same stage name,
// action name and type. For types that are not built in, all other
// configuration values must also be as they were (another secret counts as
// changed unless it is Masked too), so that a changed URL cannot carry an old
// secret away. All else is refused with InvalidActionDeclarationException
// before anything is sealed.
func Secrets(prev, next *Declaration, env Env, seal func(string) (string, error)) (*Declaration, error) {
	d := next.Clone()
	kept := map[*Action]map[string]string{}
	for i := range d.Stages {
		for j := range d.Stages[i].Actions {
			a := &d.Stages[i].Actions[j]
			info, ok := env.Type(a.Type)
			if !ok {
				return nil, unavailable(a, env.Region)
			}
			a.Secrets = secretKeys(a.Configuration, info)
			for _, key := range a.Secrets {
				if a.Configuration[key] != Masked {
					continue
				}
				value, err := keep(storedAction(prev, d.Stages[i].Name, a), a, key, info)
				if err != nil {
					return nil, err
				}
				if kept[a] == nil {
					kept[a] = map[string]string{}
				}
				kept[a][key] = value
			}
		}
	}
	err := eachSecret(d, func(a *Action, key, value string) (string, error) {
		if stored, ok := kept[a][key]; ok {
			return stored, nil
		}
		return seal(value)
	})
	if err != nil {
		return nil, err
	}
	return d, nil
}

// Hidden returns a stored declaration with what its types hide now among the
// secrets of its actions: a registered type may have come to hide a property
// after the declaration was stored. d is not changed.
func Hidden(d *Declaration, env Env) *Declaration {
	c := d.Clone()
	for i := range c.Stages {
		for j := range c.Stages[i].Actions {
			a := &c.Stages[i].Actions[j]
			info, _ := env.Type(a.Type)
			for _, key := range secretKeys(a.Configuration, info) {
				if !slices.Contains(a.Secrets, key) {
					a.Secrets = append(a.Secrets, key)
				}
			}
		}
	}
	return c
}

// MapSecrets applies f to each secret value of d, in place; to unseal them for
// a job, work on a Clone. It stops at f's first error, with d partly mapped.
func MapSecrets(d *Declaration, f func(string) (string, error)) error {
	return eachSecret(d, func(_ *Action, _, value string) (string, error) { return f(value) })
}

// Mask returns a deep copy of d with Masked in place of each secret value.
func Mask(d *Declaration) *Declaration {
	c := d.Clone()
	for i := range c.Stages {
		for j := range c.Stages[i].Actions {
			maskIn(c.Stages[i].Actions[j].Configuration, c.Stages[i].Actions[j].Secrets)
		}
	}
	return c
}

// MaskConfiguration returns a copy of an action's configuration, as declared
// or resolved, with Masked in place of the values of the given keys.
func MaskConfiguration(configuration map[string]string, secrets []string) map[string]string {
	c := maps.Clone(configuration)
	maskIn(c, secrets)
	return c
}

func maskIn(configuration map[string]string, secrets []string) {
	for _, key := range secrets {
		if _, ok := configuration[key]; ok {
			configuration[key] = Masked
		}
	}
}

func eachSecret(d *Declaration, f func(a *Action, key, value string) (string, error)) error {
	for i := range d.Stages {
		for j := range d.Stages[i].Actions {
			a := &d.Stages[i].Actions[j]
			for _, key := range a.Secrets {
				value, ok := a.Configuration[key]
				if !ok {
					continue
				}
				mapped, err := f(a, key, value)
				if err != nil {
					return err
				}
				a.Configuration[key] = mapped
			}
		}
	}
	return nil
}

// secretKeys lists the secret properties that a configuration sets, in the
// type's order; nil when there are none.
func secretKeys(configuration map[string]string, info TypeInfo) []string {
	var keys []string
	for _, p := range info.Properties {
		if _, set := configuration[p.Name]; set && p.Secret {
			keys = append(keys, p.Name)
		}
	}
	return keys
}

func storedAction(prev *Declaration, stage string, a *Action) *Action {
	if prev == nil {
		return nil
	}
	s := prev.Stage(stage)
	if s == nil {
		return nil
	}
	stored := s.Action(a.Name)
	if stored == nil || stored.Type != a.Type {
		return nil
	}
	return stored
}

// keep returns the stored value of a secret that was sent as Masked.
func keep(stored, a *Action, key string, info TypeInfo) (string, error) {
	if stored == nil || !slices.Contains(stored.Secrets, key) {
		return "", fault.New(invalidAction, "Action configuration for the new action %q contains an invalid configuration for the secret property %q. "+
			"%q may be used in secret properties only when updating an existing action.", a.Name, key, Masked)
	}
	if !info.BuiltIn && !unchangedBeside(stored, a) {
		return "", fault.New(invalidAction, "Action configuration for the action %q was changed, so the value of the secret property %q must be sent again. "+
			"%q keeps a stored secret only while all other configuration values of the action stay as they are.", a.Name, key, Masked)
	}
	return stored.Configuration[key], nil
}

// unchangedBeside reports whether both actions have the same configuration,
// where a Masked secret equals any stored one.
func unchangedBeside(stored, a *Action) bool {
	return maps.Equal(MaskConfiguration(stored.Configuration, stored.Secrets), a.Configuration)
}

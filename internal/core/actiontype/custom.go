package actiontype

import (
	"slices"

	"penstock/internal/core/fault"
)

// customCategories are the categories a custom type may have.
var customCategories = []string{"Source", "Build", "Deploy", "Test", "Invoke"}

// ValidateCustom checks what CreateCustomActionType demands beyond the
// constraints of the API model. The error is a *fault.Error with
// ValidationException.
func ValidateCustom(t Type) error {
	if !slices.Contains(customCategories, t.ID.Category) {
		return fault.New(validation, "A custom action type cannot have the category '%s'", t.ID.Category)
	}
	if t.MinInputs > t.MaxInputs {
		return fault.New(validation, "The minimum count of input artifacts (%d) is more than the maximum count (%d)", t.MinInputs, t.MaxInputs)
	}
	if t.MinOutputs > t.MaxOutputs {
		return fault.New(validation, "The minimum count of output artifacts (%d) is more than the maximum count (%d)", t.MinOutputs, t.MaxOutputs)
	}
	if err := validateProperties(t.Properties); err != nil {
		return err
	}
	for _, setting := range []struct{ name, template string }{
		{"entityUrlTemplate", t.Settings.EntityURLTemplate},
		{"executionUrlTemplate", t.Settings.ExecutionURLTemplate},
		{"revisionUrlTemplate", t.Settings.RevisionURLTemplate},
	} {
		if err := validateTemplate(setting.name, setting.template, t.Properties); err != nil {
			return err
		}
	}
	return nil
}

func validateProperties(properties []Property) error {
	names := map[string]bool{}
	queryable := ""
	for _, p := range properties {
		if names[p.Name] {
			return fault.New(validation, "Configuration property '%s' is declared more than once", p.Name)
		}
		names[p.Name] = true
		if !p.Queryable {
			continue
		}
		if queryable != "" {
			return fault.New(validation, "Only one configuration property can be queryable, but '%s' and '%s' are", queryable, p.Name)
		}
		queryable = p.Name
		if !p.Required || p.Secret {
			return fault.New(validation, "Configuration property '%s' is queryable, so it must be required and cannot be secret", p.Name)
		}
	}
	return nil
}

func validateTemplate(setting, template string, properties []Property) error {
	for part := range parts(template) {
		if part.kind != configValue {
			continue
		}
		i := slices.IndexFunc(properties, func(p Property) bool { return p.Name == part.text })
		if i < 0 {
			return fault.New(validation, "%s refers to the configuration property '%s' which is not declared", setting, part.text)
		}
		if p := properties[i]; !p.Required || p.Secret {
			return fault.New(validation, "%s refers to the configuration property '%s' which must be required and cannot be secret", setting, part.text)
		}
	}
	return nil
}

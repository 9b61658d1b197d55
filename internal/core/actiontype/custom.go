package actiontype

import (
	"slices"

	"penstock/internal/core/fault"
)

// addedCategories are the categories a type may have that does not come with
// the service.
var addedCategories = []string{"Source", "Build", "Deploy", "Test", "Invoke"}

// ValidateCustom checks what CreateCustomActionType demands beyond the
// constraints of the API model. The error is a *fault.Error with
// ValidationException.
func ValidateCustom(t Type) error {
	return validate(t)
}

// validate checks the rules that both forms of action types share.
func validate(t Type) error {
	if !slices.Contains(addedCategories, t.ID.Category) {
		return fault.New(validation, "A %s action type cannot have the category '%s'", t.kind(), t.ID.Category)
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

// kind is what texts call an added type.
func (t Type) kind() string {
	if t.Executor != nil {
		return "registered"
	}
	return "custom"
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
		i := indexProperty(properties, part.text)
		if i < 0 {
			return fault.New(validation, "%s refers to the configuration property '%s' which is not declared", setting, part.text)
		}
		if p := properties[i]; !p.Required || p.Secret {
			return fault.New(validation, "%s refers to the configuration property '%s' which must be required and cannot be secret", setting, part.text)
		}
	}
	return nil
}

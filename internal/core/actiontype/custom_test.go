package actiontype_test

import (
	"testing"

	"penstock/internal/core/actiontype"
	"penstock/internal/core/fault"
	"penstock/internal/core/pipeline"
)

// jenkins is the type that Jenkins' plugin works for.
func jenkins() actiontype.Type {
	return actiontype.Type{
		ID: pipeline.ActionType{Category: "Test", Owner: "Custom", Provider: "Jenkins", Version: "1"},
		Settings: actiontype.Settings{
			EntityURLTemplate:    "{Config:Server}/job/{Config:Project}",
			ExecutionURLTemplate: "{Config:Server}/job/{Config:Project}/{ExternalExecutionId}",
		},
		Properties: []actiontype.Property{
			{Name: "Server", Required: true},
			{Name: "Project", Required: true, Key: true, Queryable: true},
			{Name: "Token", Required: true, Secret: true},
			{Name: "Note"},
		},
		MaxInputs: 5, MaxOutputs: 5,
		Timeout: actiontype.CustomTimeout,
	}
}

func TestValidateCustom(t *testing.T) {
	t.Parallel()
	category := func(c string) func(*actiontype.Type) { return func(t *actiontype.Type) { t.ID.Category = c } }
	entity := func(url string) func(*actiontype.Type) {
		return func(t *actiontype.Type) { t.Settings.EntityURLTemplate = url }
	}
	property := func(i int, change func(*actiontype.Property)) func(*actiontype.Type) {
		return func(t *actiontype.Type) { change(&t.Properties[i]) }
	}
	for _, c := range []struct {
		name string
		edit func(*actiontype.Type)
		text string // "" = accepted
	}{
		{"as it is", func(*actiontype.Type) {}, ""},
		{"source", category("Source"), ""},
		{"build", category("Build"), ""},
		{"deploy", category("Deploy"), ""},
		{"invoke", category("Invoke"), ""},
		{"approval", category("Approval"), "A custom action type cannot have the category 'Approval'"},
		{"compute", category("Compute"), "A custom action type cannot have the category 'Compute'"},
		{"input counts", func(t *actiontype.Type) { t.MinInputs, t.MaxInputs = 3, 2 }, "The minimum count of input artifacts (3) is more than the maximum count (2)"},
		{"output counts", func(t *actiontype.Type) { t.MinOutputs, t.MaxOutputs = 1, 0 }, "The minimum count of output artifacts (1) is more than the maximum count (0)"},
		{"equal counts", func(t *actiontype.Type) { t.MinInputs, t.MaxInputs = 2, 2 }, ""},
		{"no properties", func(t *actiontype.Type) { t.Properties, t.Settings = nil, actiontype.Settings{} }, ""},
		{"duplicate property", property(3, func(p *actiontype.Property) { p.Name = "Server" }), "Configuration property 'Server' is declared more than once"},
		{"two queryable", property(0, func(p *actiontype.Property) { p.Queryable = true }), "Only one configuration property can be queryable, but 'Server' and 'Project' are"},
		{"queryable, not required", property(1, func(p *actiontype.Property) { p.Required = false }), "Configuration property 'Project' is queryable, so it must be required and cannot be secret"},
		{"queryable and secret", property(1, func(p *actiontype.Property) { p.Secret = true }), "Configuration property 'Project' is queryable, so it must be required and cannot be secret"},
		{"URL names nobody", entity("https://x/{Config:Lost}"), "entityUrlTemplate refers to the configuration property 'Lost' which is not declared"},
		{"URL names an optional one", entity("https://x/{Config:Note}"), "entityUrlTemplate refers to the configuration property 'Note' which must be required and cannot be secret"},
		{"URL names a secret", entity("https://x/{Config:Token}"), "entityUrlTemplate refers to the configuration property 'Token' which must be required and cannot be secret"},
		{"execution URL", func(t *actiontype.Type) { t.Settings.ExecutionURLTemplate = "{Config:Note}" },
			"executionUrlTemplate refers to the configuration property 'Note' which must be required and cannot be secret"},
		{"revision URL", func(t *actiontype.Type) { t.Settings.RevisionURLTemplate = "{Config:}" },
			"revisionUrlTemplate refers to the configuration property '' which is not declared"},
		{"other braces", entity("https://x/{y}/{Config:Server"), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			typ := jenkins()
			c.edit(&typ)
			err := actiontype.ValidateCustom(typ)
			if c.text == "" {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			got, _ := err.(*fault.Error)
			if got == nil || got.Code != "ValidationException" || got.Message != c.text {
				t.Errorf("error = %v, want ValidationException: %s", err, c.text)
			}
		})
	}
}

func TestSame(t *testing.T) {
	t.Parallel()
	if !actiontype.Same(jenkins(), jenkins()) {
		t.Error("identical definitions differ")
	}
	for name, edit := range map[string]func(*actiontype.Type){
		"version":          func(t *actiontype.Type) { t.ID.Version = "2" },
		"setting":          func(t *actiontype.Type) { t.Settings.ThirdPartyConfigurationURL = "https://x" },
		"description":      func(t *actiontype.Type) { t.Properties[0].Description = "where" },
		"property type":    func(t *actiontype.Type) { t.Properties[0].Type = "String" },
		"property dropped": func(t *actiontype.Type) { t.Properties = t.Properties[:3] },
		"minimum inputs":   func(t *actiontype.Type) { t.MinInputs = 1 },
		"maximum inputs":   func(t *actiontype.Type) { t.MaxInputs = 1 },
		"minimum outputs":  func(t *actiontype.Type) { t.MinOutputs = 1 },
		"maximum outputs":  func(t *actiontype.Type) { t.MaxOutputs = 1 },
	} {
		typ := jenkins()
		edit(&typ)
		if actiontype.Same(jenkins(), typ) {
			t.Errorf("a different %s is not seen", name)
		}
	}
}

func TestTexts(t *testing.T) {
	t.Parallel()
	id := pipeline.ActionType{Category: "Build", Owner: "Custom", Provider: "X", Version: "1"}
	const name = "ActionType (Category: 'Build', Owner: 'Custom', Provider: 'X', Version: '1')"
	for _, c := range []struct {
		err        error
		code, text string
	}{
		{actiontype.NotAvailable(id), "ActionTypeNotFoundException", name + " is not available"},
		{actiontype.AlreadyExists(id), "ValidationException", name + " already exists"},
		{actiontype.VersionUsed(id), "ValidationException", name + " was deleted and had a different definition. Use a version that was never used before"},
	} {
		got, _ := c.err.(*fault.Error)
		if got == nil || got.Code != c.code || got.Message != c.text {
			t.Errorf("error = %v, want %s: %s", c.err, c.code, c.text)
		}
	}
}

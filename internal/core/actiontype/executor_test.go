package actiontype_test

import (
	"strings"
	"testing"

	"penstock/internal/core/actiontype"
	"penstock/internal/core/fault"
	"penstock/internal/core/pipeline"
)

const (
	home     = "111111111111"
	customer = "222222222222"
	other    = "333333333333"
)

// acme is a registered type.
func acme() actiontype.Type {
	return actiontype.Type{
		ID:       pipeline.ActionType{Category: "Test", Owner: "ThirdParty", Provider: "Acme", Version: "1"},
		Executor: &actiontype.Executor{Type: actiontype.JobWorker},
		Properties: []actiontype.Property{
			{Name: "Suite", Required: true}, {Name: "Note"}, {Name: "Token", Required: true, Secret: true},
		},
		MaxInputs: 10, MaxOutputs: 10,
	}
}

func TestPolledBy(t *testing.T) {
	t.Parallel()
	const principal = "worker.acme.example"
	for _, c := range []struct {
		name      string
		executor  *actiontype.Executor
		account   string
		principal string
		want      bool
	}{
		{"no executor", nil, home, "", false},
		{"Lambda", &actiontype.Executor{Type: actiontype.Lambda, PollingAccounts: []string{home}}, home, "", false},
		{"nobody named, at home", &actiontype.Executor{Type: actiontype.JobWorker}, home, "", true},
		{"nobody named, elsewhere", &actiontype.Executor{Type: actiontype.JobWorker}, other, principal, false},
		{"named", &actiontype.Executor{Type: actiontype.JobWorker, PollingAccounts: []string{customer, other}}, other, "", true},
		{"others named, at home", &actiontype.Executor{Type: actiontype.JobWorker, PollingAccounts: []string{other}}, home, "", false},
		{"service", &actiontype.Executor{Type: actiontype.JobWorker, PollingServicePrincipals: []string{principal}}, other, principal, true},
		{"another service", &actiontype.Executor{Type: actiontype.JobWorker, PollingServicePrincipals: []string{principal}}, other, "x", false},
		{"no service", &actiontype.Executor{Type: actiontype.JobWorker, PollingServicePrincipals: []string{principal}}, home, "", false},
		{"no service, and an empty name", &actiontype.Executor{Type: actiontype.JobWorker, PollingServicePrincipals: []string{""}}, home, "", false},
		{"account of two lists", &actiontype.Executor{Type: actiontype.JobWorker, PollingServicePrincipals: []string{principal}, PollingAccounts: []string{other}}, other, "", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := (actiontype.Type{Executor: c.executor}).PolledBy(home, c.account, c.principal); got != c.want {
				t.Errorf("PolledBy = %t", got)
			}
		})
	}
}

func TestUsableBy(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		allowed []string
		want    string // of home, customer and other
	}{
		{"private", nil, "home"},
		{"for one", []string{customer}, "customer"},
		{"for two", []string{home, customer}, "home customer"},
		{"public", []string{"*"}, "home customer other"},
		{"public and named", []string{other, "*"}, "home customer other"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var may []string
			for name, account := range map[string]string{"home": home, "customer": customer, "other": other} {
				if (actiontype.Type{AllowedAccounts: c.allowed}).UsableBy(home, account) != strings.Contains(c.want, name) {
					may = append(may, name)
				}
			}
			if len(may) > 0 {
				t.Errorf("wrong about %v", may)
			}
		})
	}
}

func TestValidateExecutor(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		edit func(*actiontype.Type)
		text string // "" = accepted
	}{
		{"as it is", func(*actiontype.Type) {}, ""},
		{"of AWS", func(t *actiontype.Type) { t.ID.Owner = "AWS" }, ""},
		{"ten artifacts", func(t *actiontype.Type) { t.MinInputs, t.MinOutputs = 10, 10 }, ""},
		{"owner Custom", func(t *actiontype.Type) { t.ID.Owner = "Custom" }, "The owner of an action type with an executor is AWS or ThirdParty, not 'Custom'"},
		{"category", func(t *actiontype.Type) { t.ID.Category = "Approval" }, "A registered action type cannot have the category 'Approval'"},
		{"built in", func(t *actiontype.Type) {
			t.ID = pipeline.ActionType{Category: "Build", Owner: "AWS", Provider: "CodeBuild", Version: "1"}
		}, "ActionType (Category: 'Build', Owner: 'AWS', Provider: 'CodeBuild', Version: '1') comes with the service"},
		{"counts", func(t *actiontype.Type) { t.MinInputs = 11 }, "The minimum count of input artifacts (11) is more than the maximum count (10)"},
		{"a property twice", func(t *actiontype.Type) { t.Properties[1].Name = "Suite" }, "Configuration property 'Suite' is declared more than once"},
		{"optional to poll by", func(t *actiontype.Type) { t.Properties[1].Queryable = true }, "Configuration property 'Note' is queryable, so it must be required and cannot be secret"},
		{"link of a property", func(t *actiontype.Type) { t.Settings.EntityURLTemplate = "{Config:Suite}" }, ""},
		{"link of none", func(t *actiontype.Type) { t.Settings.EntityURLTemplate = "{Config:X}" }, "entityUrlTemplate refers to the configuration property 'X' which is not declared"},
		{"link of a secret", func(t *actiontype.Type) { t.Settings.ExecutionURLTemplate = "{Config:Token}" },
			"executionUrlTemplate refers to the configuration property 'Token' which must be required and cannot be secret"},
		{"link of an optional property", func(t *actiontype.Type) { t.Settings.RevisionURLTemplate = "{Config:Note}" },
			"revisionUrlTemplate refers to the configuration property 'Note' which must be required and cannot be secret"},
	} {
		t.Run(c.name, func(t *testing.T) {
			typ := acme()
			c.edit(&typ)
			checkRefusal(t, actiontype.ValidateExecutor(typ), c.text)
		})
	}
}

func TestValidateUpdate(t *testing.T) {
	t.Parallel()
	const id = "ActionType (Category: 'Test', Owner: 'ThirdParty', Provider: 'Acme', Version: '1') is public: "
	for _, c := range []struct {
		name string
		edit func(*actiontype.Type)
		text string // of the refusal for a public type; "" = accepted
	}{
		{"nothing", func(*actiontype.Type) {}, ""},
		{"a property less", func(t *actiontype.Type) { t.Properties = t.Properties[1:] }, id + "its property 'Suite' cannot be removed"},
		{"a property renamed", func(t *actiontype.Type) { t.Properties[1].Name = "Notes" }, id + "its property 'Note' cannot be removed"},
		{"optional becomes required", func(t *actiontype.Type) { t.Properties[1].Required = true }, id + "its optional property 'Note' cannot become required"},
		{"required becomes optional", func(t *actiontype.Type) { t.Properties[0].Required = false }, ""},
		{"a new optional one", func(t *actiontype.Type) { t.Properties = append(t.Properties, actiontype.Property{Name: "New"}) }, ""},
		{"a new required one", func(t *actiontype.Type) {
			t.Properties = append(t.Properties, actiontype.Property{Name: "New", Required: true})
		}, id + "its new property 'New' must be optional"},
		{"another order", func(t *actiontype.Type) { t.Properties[0], t.Properties[2] = t.Properties[2], t.Properties[0] }, ""},
		{"another executor, links and counts", func(t *actiontype.Type) {
			t.Executor, t.MaxInputs, t.Settings.EntityURLTemplate = &actiontype.Executor{Type: actiontype.Lambda}, 1, "https://x"
		}, ""},
		{"private from now on", func(t *actiontype.Type) { t.AllowedAccounts = nil }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			public, private := acme(), acme()
			public.AllowedAccounts, private.AllowedAccounts = []string{"*"}, []string{customer}
			next := acme()
			next.AllowedAccounts = []string{"*"}
			c.edit(&next)
			checkRefusal(t, actiontype.ValidateUpdate(public, next), c.text)
			checkRefusal(t, actiontype.ValidateUpdate(private, next), "")
		})
	}
}

// checkRefusal holds err to a ValidationException with the text, or to nil for "".
func checkRefusal(t *testing.T, err error, text string) {
	t.Helper()
	switch {
	case text == "" && err != nil:
		t.Errorf("refused: %v", err)
	case text != "" && (fault.Code(err) != "ValidationException" || !strings.HasSuffix(err.Error(), text)):
		t.Errorf("got %v, want %s", err, text)
	}
}

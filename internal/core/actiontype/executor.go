package actiontype

import (
	"slices"

	"penstock/internal/core/fault"
	"penstock/internal/core/pipeline"
)

// Types of executors (ExecutorType).
const (
	JobWorker = "JobWorker"
	Lambda    = "Lambda"
)

// Everyone in AllowedAccounts makes a type public.
const Everyone = "*"

// Executor says who does the work of a registered action type
// (ActionTypeExecutor).
type Executor struct {
	Type string // JobWorker or Lambda
	// LambdaFunctionARN is the function of a Lambda executor, which nobody
	// polls for.
	LambdaFunctionARN string
	// PollingAccounts and PollingServicePrincipals may poll for the jobs of a
	// JobWorker executor. Where both are empty the account may that has
	// registered the type.
	PollingAccounts, PollingServicePrincipals []string
	// PolicyStatementsTemplate is the policy that a customer is to grant. It is
	// kept and shown, and has no effect.
	PolicyStatementsTemplate string
}

// PolledBy reports whether a caller may poll for the jobs of the type, which
// the account home has registered. The service principal is "" for callers
// that are none.
func (t Type) PolledBy(home, account, servicePrincipal string) bool {
	x := t.Executor
	if x == nil || x.Type != JobWorker {
		return false
	}
	if len(x.PollingAccounts)+len(x.PollingServicePrincipals) == 0 {
		return account == home
	}
	return slices.Contains(x.PollingAccounts, account) ||
		servicePrincipal != "" && slices.Contains(x.PollingServicePrincipals, servicePrincipal)
}

// UsableBy reports whether pipelines of the account may use the type, which the
// account home has registered or created. Only registered types can be used
// elsewhere.
func (t Type) UsableBy(home, account string) bool {
	if len(t.AllowedAccounts) == 0 {
		return account == home
	}
	return t.Public() || slices.Contains(t.AllowedAccounts, account)
}

// Public reports whether every account may use the type.
func (t Type) Public() bool { return slices.Contains(t.AllowedAccounts, Everyone) }

// ValidateExecutor checks what a registered action type must be beyond the
// constraints of the API model (ActionTypeDeclaration). The error is a
// *fault.Error with ValidationException.
func ValidateExecutor(t Type) error {
	if t.ID.Owner != OwnerAWS && t.ID.Owner != OwnerThirdParty {
		return fault.New(validation, "The owner of an action type with an executor is AWS or ThirdParty, not '%s'", t.ID.Owner)
	}
	if _, taken := LookupBuiltin("", t.ID); taken {
		return fault.New(validation, "%s comes with the service", text(t.ID))
	}
	return validate(t)
}

// ValidateUpdate checks what UpdateActionType may change of a type: of a public
// one, on which pipelines of strangers rest, nothing that would break them. The
// error is a *fault.Error with ValidationException.
func ValidateUpdate(old, updated Type) error {
	if !old.Public() {
		return nil
	}
	for _, p := range old.Properties {
		i := indexProperty(updated.Properties, p.Name)
		if i < 0 {
			return fault.New(validation, "%s is public: its property '%s' cannot be removed", text(old.ID), p.Name)
		}
		if updated.Properties[i].Required && !p.Required {
			return fault.New(validation, "%s is public: its optional property '%s' cannot become required", text(old.ID), p.Name)
		}
	}
	for _, p := range updated.Properties {
		if p.Required && indexProperty(old.Properties, p.Name) < 0 {
			return fault.New(validation, "%s is public: its new property '%s' must be optional", text(old.ID), p.Name)
		}
	}
	return nil
}

func indexProperty(list []Property, name string) int {
	return slices.IndexFunc(list, func(p Property) bool { return p.Name == name })
}

// Taken is the refusal to register an id that another account holds in
// the region: ValidationException.
func Taken(id pipeline.ActionType) error {
	return fault.New(validation, "%s is registered by another account", text(id))
}

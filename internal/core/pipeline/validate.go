package pipeline

import (
	"iter"

	"penstock/internal/core/fault"
)

// Codes of the refusals of CreatePipeline and UpdatePipeline, by the level at
// which the rule stands.
const (
	invalidStructure = "InvalidStructureException"
	invalidBlocker   = "InvalidBlockerDeclarationException"
	invalidStage     = "InvalidStageDeclarationException"
	invalidAction    = "InvalidActionDeclarationException"
)

// Categories and owners that rules name.
const (
	categorySource   = "Source"
	categoryApproval = "Approval"
	ownerAWS         = "AWS"
)

// rules are the structure rules in the order in which they are checked. The
// numbers are those of the project's reference of the service ("Structure
// rules"); rules that need an account, a role or the stored pipeline are not
// here.
var rules = []func(*check){
	stageCount,                 // V-03, V-04
	sourceStage,                // V-05, V-06, V-07
	artifactStores,             // V-08, V-09, V-10
	actionCount,                // V-12
	blockers,                   // V-13
	pipelineVariables,          // V-14
	pipelineVariableReferences, // V-15, V-16
	pipelineVariableNamespace,  // V-17
	triggerSources,             // V-18
	triggerFilters,
	triggerSize,
	modeNeedsV2,         // V-20
	variablesNeedV2,     // V-21
	triggersNeedV2,      // V-22
	conditionsNeedV2,    // V-23, V-24
	typesNeedV2,         // V-25
	stageNames,          // V-30
	stageSizes,          // V-31, V-32
	failureGates,        // V-33
	rollbackInParallel,  // V-34
	conditionResults,    // V-35
	retryConfigurations, // V-36
	ruleTypes,           // no number: what V-40 to V-45, V-52 and V-53 are for actions
	ruleValues,
	availableTypes,      // V-40
	actionNames,         // V-41
	requiredKeys,        // V-42
	unknownKeys,         // V-43
	tooFewInputs,        // V-44
	otherCounts,         // V-45
	inputsProduced,      // V-46
	outputsUnique,       // V-47
	namespacesUnique,    // V-48
	namespacesExist,     // V-49
	referencesEarlier,   // V-50
	namespacesFree,      // V-51
	commandsPresent,     // V-52
	commandsOnlyCompute, // V-53
	approvalTopics,      // V-55, V-56, V-57
	timeoutOnlyApproval, // V-58
	crossRegionOwners,   // V-59
	queryableValues,     // V-60
	typedValues,
}

// Validate checks a normalised declaration against the structure rules of
// CreatePipeline and UpdatePipeline, in their documented order, and returns the
// first violation as a *fault.Error. It relies on the constraints of the API
// model being checked before, and leaves Masked secrets (V-54) to Secrets.
func Validate(d *Declaration, env Env) error {
	c := newCheck(d, env)
	for _, rule := range rules {
		if rule(c); len(c.found) > 0 {
			return c.found[0].err
		}
	}
	return nil
}

// Warnings lists what is accepted but worth a line in the server's log. Values
// of queryable properties longer than 20 characters are: the documentation of
// the service forbids them, and pipelines have them.
func Warnings(d *Declaration, env Env) []string {
	return longQueryable(newCheck(d, env))
}

// check is one declaration under validation.
type check struct {
	d          *Declaration
	env        Env
	artifacts  map[string]position // where each artifact is produced first
	namespaces map[string]position // where each namespace is declared first
	referring  []text              // every value with references, in order
	found      []violation
}

func newCheck(d *Declaration, env Env) *check {
	env.Type = remembered(env.Type)
	c := &check{d: d, env: env, artifacts: map[string]position{}, namespaces: map[string]position{}}
	declare := func(names map[string]position, name string, at position) {
		if first, ok := names[name]; !ok || at.before(first) {
			names[name] = at
		}
	}
	for at, a := range c.actions() {
		for _, o := range a.Outputs {
			declare(c.artifacts, o.Name, at)
		}
		if a.Namespace != "" {
			declare(c.namespaces, a.Namespace, at)
		}
	}
	c.referring = c.texts()
	return c
}

// remembered asks find once for each type, since it may read a store.
func remembered(find func(ActionType) (TypeInfo, bool)) func(ActionType) (TypeInfo, bool) {
	type found struct {
		info TypeInfo
		ok   bool
	}
	known := map[ActionType]found{}
	return func(id ActionType) (TypeInfo, bool) {
		f, asked := known[id]
		if !asked {
			f.info, f.ok = find(id)
			known[id] = f
		}
		return f.info, f.ok
	}
}

// position is where something of a declaration runs, and where it is written.
type position struct {
	stage, order int
	place        string // of the conditions that a rule stands in; "" for actions
	condition    int
	index        int // of the action or rule
}

// before reports whether what runs at p has ended when q starts.
func (p position) before(q position) bool {
	return p.stage < q.stage || p.stage == q.stage && p.order < q.order
}

// actions yields every action with its position.
func (c *check) actions() iter.Seq2[position, *Action] {
	return func(yield func(position, *Action) bool) {
		for i := range c.d.Stages {
			s := &c.d.Stages[i]
			for j := range s.Actions {
				if !yield(position{stage: i, order: s.Actions[j].RunOrder, index: j}, &s.Actions[j]) {
					return
				}
			}
		}
	}
}

// placed is an action with its position.
type placed struct {
	*Action
	at position
}

// typed yields every action whose type is available, with the type.
func (c *check) typed() iter.Seq2[placed, TypeInfo] {
	return func(yield func(placed, TypeInfo) bool) {
		for at, a := range c.actions() {
			if info, ok := c.env.Type(a.Type); ok && !yield(placed{a, at}, info) {
				return
			}
		}
	}
}

// rules yields every rule of every condition, with the position from which it
// sees artifacts and variables: those of earlier stages, and after success also
// those of its own stage.
func (c *check) rules() iter.Seq2[position, *Rule] {
	return func(yield func(position, *Rule) bool) {
		for i := range c.d.Stages {
			for p := range c.d.Stages[i].places() {
				at := position{stage: i, place: p.name}
				if p.whole {
					at.order = maxRunOrder + 1
				}
				for j := range p.conditions {
					for k := range p.conditions[j].Rules {
						at.condition, at.index = j, k
						if !yield(at, &p.conditions[j].Rules[k]) {
							return
						}
					}
				}
			}
		}
	}
}

// maxRunOrder is the highest run order of the API model.
const maxRunOrder = 999

// stage returns the stage at a position.
func (c *check) stage(at position) *Stage { return &c.d.Stages[at.stage] }

// region returns the region an action runs in.
func (c *check) region(a *Action) string {
	if a.Region == "" {
		return c.env.Region
	}
	return a.Region
}

func structureFault(format string, args ...any) error {
	return fault.New(invalidStructure, format, args...)
}

func stageFault(format string, args ...any) error {
	return fault.New(invalidStage, format, args...)
}

func actionFault(format string, args ...any) error {
	return fault.New(invalidAction, format, args...)
}

package service

import (
	"slices"
	"unicode/utf8"

	"penstock/internal/api"
	"penstock/internal/core/engine"
	"penstock/internal/core/pipeline"
)

// conditionStates shows the conditions that a stage declares, with what became
// of them in its latest execution; run is nil when there is none to show
// (engine.md section 4.7).
func conditionStates(out *api.StageState, decl *pipeline.Stage, run *engine.StageRun) {
	out.BeforeEntryConditionState = conditionState(decl.BeforeEntry, run, engine.BeforeEntry)
	out.OnSuccessConditionState = conditionState(decl.OnSuccess, run, engine.OnSuccess)
	if decl.OnFailure != nil {
		out.OnFailureConditionState = conditionState(decl.OnFailure.Conditions, run, engine.OnFailure)
	}
}

// conditionState mirrors the one condition that there can be at a place.
func conditionState(declared []pipeline.Condition, run *engine.StageRun, place engine.Place) *api.StageConditionState {
	if len(declared) == 0 {
		return nil
	}
	var now *engine.Condition
	if run != nil {
		now = run.Condition(place)
	}
	out := &api.StageConditionState{}
	state := api.ConditionState{RuleStates: []api.RuleState{}}
	if now != nil {
		summary := upTo(now.Summary, maxSummary)
		out.LatestExecution = &api.StageConditionsExecution{Status: string(now.Status), Summary: summary}
		state.LatestExecution = &api.ConditionExecution{Status: string(now.Status), Summary: summary, LastStatusChange: now.Updated}
	}
	var rules []engine.Action
	if now != nil {
		rules = slices.Clone(now.Rules)
	}
	for _, r := range declared[0].Rules {
		rule := api.RuleState{RuleName: r.Name}
		// Each run is shown once: rules of one name run in their order.
		if i := slices.IndexFunc(rules, func(a engine.Action) bool { return a.Name == r.Name }); i >= 0 {
			rule.LatestExecution = ruleTo(&rules[i])
			rules = slices.Delete(rules, i, i+1)
		}
		state.RuleStates = append(state.RuleStates, rule)
	}
	out.ConditionStates = []api.ConditionState{state}
	return out
}

func ruleTo(r *engine.Action) *api.RuleExecution {
	return &api.RuleExecution{
		RuleExecutionId: r.ID, Status: string(r.Status), Summary: upTo(r.Reported.Summary, maxSummary), LastStatusChange: r.Updated,
		LastUpdatedBy: r.Reported.UpdatedBy, ExternalExecutionId: r.Reported.ExternalID, ErrorDetails: errorTo(r.Reported),
	}
}

// maxSummary is the longest summary that the model allows.
const maxSummary = 2048

// upTo cuts s to n bytes, at the end of a character.
func upTo(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

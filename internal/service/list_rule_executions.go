package service

import (
	"context"

	"penstock/internal/api"
	"penstock/internal/core/engine"
	"penstock/internal/store"
)

// ListRuleExecutions lists evaluations of rules, newest first, of the whole
// pipeline or of one execution; the filters are those of ListActionExecutions.
func (s *Service) ListRuleExecutions(ctx context.Context, in *api.ListRuleExecutionsInput) (*api.ListRuleExecutionsOutput, error) {
	f := historyFilter{}
	if in.Filter != nil {
		f = filterFrom(in.Filter.PipelineExecutionId, in.Filter.LatestInPipelineExecution)
	}
	out := &api.ListRuleExecutionsOutput{RuleExecutionDetails: []api.RuleExecutionDetail{}}
	next, err := s.history(ctx, historyPage{"ListRuleExecutions", in.PipelineName, in.MaxResults, in.NextToken}, f,
		store.Reader.Rules, newestRules, func(_ store.Reader, _ store.Pipeline, rec *engine.ActionRecord) {
			out.RuleExecutionDetails = append(out.RuleExecutionDetails, ruleDetail(rec))
		})
	if err != nil {
		return nil, err
	}
	out.NextToken = next
	return out, nil
}

// newestRules are the ids of the newest evaluation of each rule.
func newestRules(e *engine.Execution) map[string]bool {
	ids := map[string]bool{}
	for _, run := range e.Runs {
		for _, c := range run.Conditions {
			for _, rule := range c.Rules {
				ids[rule.ID] = true
			}
		}
	}
	return ids
}

func ruleDetail(rec *engine.ActionRecord) api.RuleExecutionDetail {
	id := api.RuleTypeId{Category: rec.Type.Category, Owner: rec.Type.Owner, Provider: rec.Type.Provider, Version: rec.Type.Version}
	out := api.RuleExecutionDetail{
		PipelineExecutionId: rec.Execution, RuleExecutionId: rec.ID, PipelineVersion: &rec.Version,
		StageName: rec.Stage, RuleName: rec.Action, StartTime: rec.Started, LastUpdateTime: rec.Updated,
		UpdatedBy: rec.Result.UpdatedBy, Status: string(rec.Status),
		Input: &api.RuleExecutionInput{
			RuleTypeId: &id, Configuration: notNil(rec.Declared), ResolvedConfiguration: notNil(rec.Resolved),
			RoleArn: rec.RoleARN, Region: rec.Region, InputArtifacts: artifactDetails(rec.Inputs),
		},
		Output: &api.RuleExecutionOutput{},
	}
	if rec.Status != engine.InProgress {
		out.Output.ExecutionResult = &api.RuleExecutionResult{
			ExternalExecutionId: rec.Result.ExternalID, ExternalExecutionSummary: rec.Result.Summary, ErrorDetails: errorTo(rec.Result),
		}
	}
	return out
}

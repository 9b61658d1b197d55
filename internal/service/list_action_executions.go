package service

import (
	"context"

	"penstock/internal/api"
	"penstock/internal/core/engine"
	"penstock/internal/store"
)

// ListActionExecutions lists attempts at actions, newest first, of the whole
// pipeline or of one execution (engine.md section 6.5).
func (s *Service) ListActionExecutions(ctx context.Context, in *api.ListActionExecutionsInput) (*api.ListActionExecutionsOutput, error) {
	f := historyFilter{}
	if in.Filter != nil {
		f = filterFrom(in.Filter.PipelineExecutionId, in.Filter.LatestInPipelineExecution)
	}
	out := &api.ListActionExecutionsOutput{ActionExecutionDetails: []api.ActionExecutionDetail{}}
	next, err := s.history(ctx, historyPage{"ListActionExecutions", in.PipelineName, in.MaxResults, in.NextToken}, f,
		store.Reader.Actions, newestAttempts, func(r store.Reader, p store.Pipeline, rec *engine.ActionRecord) {
			out.ActionExecutionDetails = append(out.ActionExecutionDetails, s.detail(r, p, rec))
		})
	if err != nil {
		return nil, err
	}
	out.NextToken = next
	return out, nil
}

// newestAttempts are the ids of the newest started attempt of each action.
func newestAttempts(e *engine.Execution) map[string]bool {
	ids := map[string]bool{}
	for _, run := range e.Runs {
		for _, a := range run.Actions {
			ids[a.ID] = true
		}
	}
	return ids
}

func (s *Service) detail(r store.Reader, p store.Pipeline, rec *engine.ActionRecord) api.ActionExecutionDetail {
	id := api.ActionTypeId(rec.Type)
	out := api.ActionExecutionDetail{
		PipelineExecutionId: rec.Execution, ActionExecutionId: rec.ID, PipelineVersion: &rec.Version,
		StageName: rec.Stage, ActionName: rec.Action, StartTime: rec.Started, LastUpdateTime: rec.Updated,
		UpdatedBy: rec.Result.UpdatedBy, Status: string(rec.Status),
		Input: &api.ActionExecutionInput{
			ActionTypeId: &id, Configuration: notNil(rec.Declared), ResolvedConfiguration: notNil(rec.Resolved),
			RoleArn: rec.RoleARN, Region: rec.Region, InputArtifacts: artifactDetails(rec.Inputs), Namespace: rec.Namespace,
		},
		Output: &api.ActionExecutionOutput{OutputArtifacts: []api.ArtifactDetail{}, OutputVariables: notNil(rec.Result.Variables)},
	}
	if rec.HasOutputs {
		out.Output.OutputArtifacts = artifactDetails(rec.Outputs)
	}
	res := rec.Result
	switch {
	case rec.Status != engine.InProgress:
		t, _ := definition(r, p.Account, p.Region, rec.Type)
		out.Output.ExecutionResult = &api.ActionExecutionResult{
			ExternalExecutionId: res.ExternalID, ExternalExecutionSummary: res.Summary,
			ExternalExecutionUrl: executionURL(*rec, t), ErrorDetails: errorTo(res),
		}
	case rec.Approval && rec.Parallel: // the only place to read the token
		out.Output.ExecutionResult = &api.ActionExecutionResult{ExternalExecutionId: rec.ID}
	}
	return out
}

func artifactDetails(in []engine.Artifact) []api.ArtifactDetail {
	out := []api.ArtifactDetail{}
	for _, a := range in {
		out = append(out, api.ArtifactDetail{Name: a.Name, S3location: &api.S3Location{Bucket: a.Bucket, Key: a.Key}})
	}
	return out
}

func notNil(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

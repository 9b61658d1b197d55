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
	who := caller(ctx)
	f := historyFilter{}
	if in.Filter != nil {
		f = filterFrom(in.Filter.PipelineExecutionId, in.Filter.LatestInPipelineExecution)
	}
	key := f.key(in.PipelineName)
	size := pageSize(in.MaxResults, 100)
	out := &api.ListActionExecutionsOutput{ActionExecutionDetails: []api.ActionExecutionDetail{}}
	err := s.view(ctx, in.PipelineName, func(r store.Reader, p store.Pipeline) error {
		last, err := s.pages.last(in.NextToken, "ListActionExecutions", who, key)
		if err != nil {
			return err
		}
		newest, none, err := f.resolve(r, p, newestAttempts)
		if err != nil || none {
			return err
		}
		list, more, err := attempts(r.Actions, p.ID, f.one(), last, size, newest)
		if err != nil {
			return err
		}
		if more {
			out.NextToken = s.pages.next("ListActionExecutions", who, key, list[len(list)-1].ID)
		}
		for i := range list {
			out.ActionExecutionDetails = append(out.ActionExecutionDetails, s.detail(r, p, &list[i]))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
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

// attempts reads a page of a history, those in keep only unless it is nil, and
// reports whether there are more.
func attempts(read func(pipelineID int64, execution, below string, limit int) ([]engine.ActionRecord, error), pipelineID int64, execution, below string, size int, keep map[string]bool) (page []engine.ActionRecord, more bool, err error) {
	for {
		batch, err := read(pipelineID, execution, below, size+1)
		if err != nil {
			return nil, false, err
		}
		for _, rec := range batch {
			if keep != nil && !keep[rec.ID] {
				continue
			}
			if len(page) == size {
				return page, true, nil
			}
			page = append(page, rec)
		}
		if len(batch) <= size {
			return page, false, nil
		}
		below = batch[len(batch)-1].ID
	}
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

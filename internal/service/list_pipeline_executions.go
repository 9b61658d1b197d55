package service

import (
	"context"

	"penstock/internal/api"
	"penstock/internal/core/engine"
	"penstock/internal/core/pipeline"
	"penstock/internal/store"
)

// ListPipelineExecutions lists executions, newest first (engine.md section
// 6.4).
func (s *Service) ListPipelineExecutions(ctx context.Context, in *api.ListPipelineExecutionsInput) (*api.ListPipelineExecutionsOutput, error) {
	who := caller(ctx)
	passed := ""
	if in.Filter != nil && in.Filter.SucceededInStage != nil {
		passed = in.Filter.SucceededInStage.StageName
	}
	filter := in.PipelineName + "\x00" + passed
	size := pageSize(in.MaxResults, 100)
	out := &api.ListPipelineExecutionsOutput{PipelineExecutionSummaries: []api.PipelineExecutionSummary{}}
	err := s.view(ctx, in.PipelineName, func(r store.Reader, p store.Pipeline) error {
		last, err := s.pages.last(in.NextToken, "ListPipelineExecutions", who, filter)
		if err != nil {
			return err
		}
		var list []*engine.Execution
		if passed != "" {
			list, err = r.ExecutionsPassed(p.ID, passed, p.Version, last, size+1)
		} else {
			list, err = r.Executions(p.ID, last, size+1)
		}
		if err != nil {
			return err
		}
		if len(list) > size {
			list = list[:size]
			out.NextToken = s.pages.next("ListPipelineExecutions", who, filter, list[size-1].ID)
		}
		declared := map[int]*pipeline.Declaration{} // each is read once
		for _, e := range list {
			d := declared[e.Version]
			if d == nil && len(e.Revisions) > 0 {
				if d, err = r.Declaration(p.ID, e.Version); err != nil {
					return err
				}
				declared[e.Version] = d
			}
			out.PipelineExecutionSummaries = append(out.PipelineExecutionSummaries, summary(r, p, d, e))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// summary shows an execution; d is its declaration, which one without
// revisions does not need.
func summary(r store.Reader, p store.Pipeline, d *pipeline.Declaration, e *engine.Execution) api.PipelineExecutionSummary {
	out := api.PipelineExecutionSummary{
		PipelineExecutionId: e.ID, Status: string(e.Status), StatusSummary: e.Summary,
		StartTime: e.Started, LastUpdateTime: e.Updated, SourceRevisions: []api.SourceRevision{},
		Trigger:       &api.ExecutionTrigger{TriggerType: e.Trigger.Type, TriggerDetail: e.Trigger.Detail},
		ExecutionMode: e.Mode, ExecutionType: rollbackType(e), RollbackMetadata: rollbackTo(e),
	}
	if e.Stop != nil && e.Stop.Reason != "" {
		out.StopTrigger = &api.StopExecutionTrigger{Reason: e.Stop.Reason}
	}
	for _, rev := range e.Revisions {
		out.SourceRevisions = append(out.SourceRevisions, api.SourceRevision{
			ActionName: rev.Action, RevisionId: rev.ID, RevisionSummary: rev.Summary,
			RevisionUrl: revisionURL(r, p.Account, p.Region, d, rev),
		})
	}
	return out
}

package service

import (
	"context"
	"errors"

	"penstock/internal/api"
	"penstock/internal/core/actiontype"
	"penstock/internal/core/engine"
	"penstock/internal/core/fault"
	"penstock/internal/core/pipeline"
	"penstock/internal/store"
)

// GetPipelineExecution shows one execution (engine.md section 6.3).
func (s *Service) GetPipelineExecution(ctx context.Context, in *api.GetPipelineExecutionInput) (*api.GetPipelineExecutionOutput, error) {
	who := caller(ctx)
	out := &api.PipelineExecution{ArtifactRevisions: []api.ArtifactRevision{}}
	err := s.view(ctx, in.PipelineName, func(r store.Reader, p store.Pipeline) error {
		e, err := findExecution(r, p, in.PipelineExecutionId)
		if err != nil {
			return err
		}
		out.PipelineName, out.PipelineVersion, out.PipelineExecutionId = p.Name, &e.Version, e.ID
		out.Status, out.StatusSummary, out.ExecutionMode = string(e.Status), e.Summary, e.Mode
		out.ExecutionType, out.RollbackMetadata = rollbackType(e), rollbackTo(e)
		out.Trigger = &api.ExecutionTrigger{TriggerType: e.Trigger.Type, TriggerDetail: e.Trigger.Detail}
		for _, v := range e.Variables {
			out.Variables = append(out.Variables, api.ResolvedPipelineVariable{Name: v.Name, ResolvedValue: v.Value})
		}
		d, err := r.Declaration(p.ID, e.Version)
		if err != nil {
			return err
		}
		for _, rev := range e.Revisions {
			url := revisionURL(r, who.Account, who.Region, d, rev)
			for _, name := range rev.Artifacts {
				out.ArtifactRevisions = append(out.ArtifactRevisions, api.ArtifactRevision{
					Name: name, RevisionId: rev.ID, RevisionChangeIdentifier: rev.ChangeID, RevisionSummary: rev.Summary,
					Created: rev.Created, RevisionUrl: url,
				})
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.GetPipelineExecutionOutput{PipelineExecution: out}, nil
}

func findExecution(r store.Reader, p store.Pipeline, id string) (*engine.Execution, error) {
	e, err := r.Execution(p.ID, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, fault.New("PipelineExecutionNotFoundException", "Pipeline '%s' does not have an execution with ID '%s'", p.Name, id)
	}
	return e, err
}

// revisionURL renders the link to what a source action read.
func revisionURL(r store.Reader, account, region string, d *pipeline.Declaration, rev engine.SourceRevision) string {
	if len(d.Stages) == 0 {
		return ""
	}
	a := d.Stages[0].Action(rev.Action)
	if a == nil {
		return ""
	}
	t, _ := definition(r, account, region, a.Type)
	return actiontype.RenderURL(t.Settings.RevisionURLTemplate, a.Configuration, "", rev.ID)
}

func rollbackTo(e *engine.Execution) *api.PipelineRollbackMetadata {
	if e.RollbackTarget == "" {
		return nil
	}
	return &api.PipelineRollbackMetadata{RollbackTargetPipelineExecutionId: e.RollbackTarget}
}

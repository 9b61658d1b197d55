package service

import (
	"context"

	"penstock/internal/api"
	"penstock/internal/store"
)

// ListPipelines lists the caller's pipelines by name.
func (s *Service) ListPipelines(ctx context.Context, in *api.ListPipelinesInput) (*api.ListPipelinesOutput, error) {
	who := caller(ctx)
	last, err := s.pages.last(in.NextToken, "ListPipelines", who, "")
	if err != nil {
		return nil, err
	}
	size := pageSize(in.MaxResults, 100)
	out := &api.ListPipelinesOutput{Pipelines: []api.PipelineSummary{}}
	err = s.store.View(ctx, func(r store.Reader) error {
		list, err := r.Pipelines(who.Account, who.Region, last, size+1)
		if err != nil {
			return err
		}
		if len(list) > size {
			list = list[:size]
			out.NextToken = s.pages.next("ListPipelines", who, "", list[size-1].Name)
		}
		for _, p := range list {
			out.Pipelines = append(out.Pipelines, api.PipelineSummary{
				Name: p.Name, Version: &p.Version, PipelineType: p.Type, ExecutionMode: p.Mode, Created: p.Created, Updated: p.Updated,
			})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

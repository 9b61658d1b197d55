package service

import (
	"context"

	"penstock/internal/api"
	"penstock/internal/store"
)

// ListWebhooks lists the caller's webhooks by name, with their URLs, tags and
// what went wrong with them last.
func (s *Service) ListWebhooks(ctx context.Context, in *api.ListWebhooksInput) (*api.ListWebhooksOutput, error) {
	who := caller(ctx)
	last, err := s.pages.last(in.NextToken, "ListWebhooks", who, "")
	if err != nil {
		return nil, err
	}
	size := pageSize(in.MaxResults, 100)
	out := &api.ListWebhooksOutput{Webhooks: []api.ListWebhookItem{}}
	err = s.store.View(ctx, func(r store.Reader) error {
		list, err := r.Webhooks(who.Account, who.Region, last, size+1)
		if err != nil {
			return err
		}
		if len(list) > size {
			list = list[:size]
			out.NextToken = s.pages.next("ListWebhooks", who, "", list[size-1].Name)
		}
		for _, w := range list {
			tags, err := r.Tags(w.ARN())
			if err != nil {
				return err
			}
			out.Webhooks = append(out.Webhooks, s.webhookTo(w, tags))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

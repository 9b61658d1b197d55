package service

import (
	"context"

	"penstock/internal/api"
	"penstock/internal/store"
)

// DeleteWebhook removes a webhook with its URL and tags, but not the hook at
// the source host: deregister it first. A name that does not exist is no error.
func (s *Service) DeleteWebhook(ctx context.Context, in *api.DeleteWebhookInput) (*api.DeleteWebhookOutput, error) {
	who := caller(ctx)
	return &api.DeleteWebhookOutput{}, s.store.Update(ctx, func(tx store.Tx) error {
		if err := tx.SetTags(webhookARN(who, in.Name), nil); err != nil {
			return err
		}
		return tx.DeleteWebhook(who.Account, who.Region, in.Name)
	})
}

package service

import (
	"context"
	"maps"

	"penstock/internal/api"
	"penstock/internal/auth"
	"penstock/internal/core/fault"
	"penstock/internal/core/pipeline"
	"penstock/internal/store"
	"penstock/internal/webhook"
)

// PutWebhook makes a webhook, or changes the one of the name and keeps its URL
// (jobs.md section 17). A secret sent back as **** stays what it was.
func (s *Service) PutWebhook(ctx context.Context, in *api.PutWebhookInput) (*api.PutWebhookOutput, error) {
	who := caller(ctx)
	sent := webhookFrom(who, &in.Webhook)
	if err := webhook.CheckAuthentication(sent.Authentication, sent.Secret, sent.AllowedIPRange); err != nil {
		return nil, err
	}
	if err := webhook.CheckFilters(sent.Filters); err != nil {
		return nil, err
	}
	more, err := tagsFrom(sent.ARN(), in.Tags)
	if err != nil {
		return nil, err
	}
	fresh := webhook.NewToken()
	out := &api.PutWebhookOutput{}
	err = s.store.Update(ctx, func(tx store.Tx) error {
		w := sent
		if err := checkTarget(tx, who, &w); err != nil {
			return err
		}
		old, exists, err := storedWebhook(tx, who, w.Name)
		if err != nil {
			return err
		}
		w.Token = fresh
		if exists {
			w.Token, w.LastTriggered = old.Token, old.LastTriggered
		} else if err := s.roomForWebhook(tx, who); err != nil {
			return err
		}
		if w.Secret == pipeline.Masked {
			if old.Secret == "" {
				return fault.New("InvalidWebhookAuthenticationParametersException",
					"The SecretToken %q keeps the secret that a webhook has, but webhook '%s' has none", pipeline.Masked, w.Name)
			}
			w.Secret = old.Secret
		}
		tags, err := addTags(tx, w.ARN(), more)
		if err != nil {
			return err
		}
		item := s.webhookTo(w, tags)
		out.Webhook = &item
		return tx.PutWebhook(w)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// checkTarget checks a webhook against the pipeline that it is for.
func checkTarget(r store.Reader, who auth.Principal, w *store.Webhook) error {
	p, err := find(r, who, w.TargetPipeline)
	if err != nil {
		return err
	}
	d, err := r.Declaration(p.ID, p.Version)
	if err != nil {
		return err
	}
	target := webhook.Target(d, w.TargetAction)
	if target == nil {
		return fault.New("ValidationException", "Webhook Action with name %s was not found in the first stage of the pipeline", w.TargetAction)
	}
	return webhook.CheckPlaceholders(w.Filters, target)
}

func (s *Service) roomForWebhook(r store.Reader, who auth.Principal) error {
	n, err := r.CountWebhooks(who.Account, who.Region)
	if err == nil && n >= s.opt.Webhooks.Max {
		err = fault.New("LimitExceededException", "The account has reached its limit of %d webhooks in region %s", s.opt.Webhooks.Max, who.Region)
	}
	return err
}

// addTags adds tags to those of a resource, replacing those of the same key,
// and returns them all.
func addTags(tx store.Tx, arn string, more map[string]string) (map[string]string, error) {
	tags, err := tx.Tags(arn)
	if err != nil || len(more) == 0 {
		return tags, err
	}
	tags = maps.Clone(tags)
	maps.Copy(tags, more)
	if len(tags) > maxTags {
		return nil, fault.New("TooManyTagsException", "Tag limit exceeded for resource [%s].", arn)
	}
	return tags, tx.SetTags(arn, tags)
}

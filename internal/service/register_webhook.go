package service

import (
	"context"
	"errors"

	"penstock/internal/api"
	"penstock/internal/auth"
	"penstock/internal/core/actiontype"
	"penstock/internal/core/fault"
	"penstock/internal/core/pipeline"
	"penstock/internal/sourcehost"
	"penstock/internal/store"
	"penstock/internal/webhook"
)

// Error codes that a webhook shows in ListWebhooks after a failed call of the
// source host.
const (
	registrationFailed   = "RegistrationFailed"
	deregistrationFailed = "DeregistrationFailed"
)

// RegisterWebhookWithThirdParty makes the hook at the source host that delivers
// to the webhook's URL. One that is there already is brought up to date.
func (s *Service) RegisterWebhookWithThirdParty(ctx context.Context, in *api.RegisterWebhookWithThirdPartyInput) (*api.RegisterWebhookWithThirdPartyOutput, error) {
	who := caller(ctx)
	w, k, err := s.hookOf(ctx, who, in.WebhookName)
	if err != nil {
		return nil, err
	}
	return &api.RegisterWebhookWithThirdPartyOutput{}, s.outcome(ctx, w, registrationFailed, "registered", s.opt.Webhooks.Host.Register(ctx, k))
}

// DeregisterWebhookWithThirdParty removes the hook at the source host; none
// there is success.
func (s *Service) DeregisterWebhookWithThirdParty(ctx context.Context, in *api.DeregisterWebhookWithThirdPartyInput) (*api.DeregisterWebhookWithThirdPartyOutput, error) {
	who := caller(ctx)
	w, k, err := s.hookOf(ctx, who, in.WebhookName)
	if err != nil {
		return nil, err
	}
	return &api.DeregisterWebhookWithThirdPartyOutput{}, s.outcome(ctx, w, deregistrationFailed, "deregistered", s.opt.Webhooks.Host.Deregister(ctx, k))
}

// hookOf returns a webhook and its hook at the source host, which the target
// action's configuration leads to.
func (s *Service) hookOf(ctx context.Context, who auth.Principal, name string) (w store.Webhook, k sourcehost.Hook, err error) {
	if name == "" { // the model does not require it
		return w, k, fault.New("ValidationException", "1 validation error detected: Value null at 'webhookName' failed to satisfy constraint: Member must not be null")
	}
	err = s.store.View(ctx, func(r store.Reader) error {
		found := false
		if w, found, err = storedWebhook(r, who, name); err != nil {
			return err
		}
		if !found {
			return noWebhook(who, name)
		}
		target, err := targetOf(r, w)
		if err != nil {
			return err
		}
		if !actiontype.IsGitHub(target.Type) {
			return fault.New("ValidationException", "The webhook '%s' cannot be registered: its target action '%s' is not of provider GitHub and owner ThirdParty", w.Name, target.Name)
		}
		k = sourcehost.Hook{
			Owner: target.Configuration["Owner"], Repo: target.Configuration["Repo"], Token: target.Configuration["OAuthToken"],
			URL: webhook.URL(s.opt.Webhooks.BaseURL(), w.Token), Secret: w.Secret,
		}
		return nil
	})
	return w, k, err
}

// targetOf finds the action that a webhook is for; the error is
// ValidationException, as a call that names a webhook declares no other.
func targetOf(r store.Reader, w store.Webhook) (*pipeline.Action, error) {
	gone := fault.New("ValidationException", "The target of webhook '%s', action '%s' in the first stage of pipeline '%s', does not exist any more", w.Name, w.TargetAction, w.TargetPipeline)
	p, err := r.Pipeline(w.Account, w.Region, w.TargetPipeline)
	if errors.Is(err, store.ErrNotFound) {
		return nil, gone
	}
	if err != nil {
		return nil, err
	}
	d, err := r.Declaration(p.ID, p.Version)
	if err != nil {
		return nil, err
	}
	target := webhook.Target(d, w.TargetAction)
	if target == nil {
		return nil, gone
	}
	return target, nil
}

// outcome keeps what a call of the source host led to, for ListWebhooks, and
// returns the error that the caller gets.
func (s *Service) outcome(ctx context.Context, called store.Webhook, code, done string, failed error) error {
	var answer *fault.Error
	if failed != nil {
		answer = fault.New("ValidationException", "Webhook could not be %s with GitHub. Error cause: %v", done, failed)
	}
	err := s.store.Update(context.WithoutCancel(ctx), func(tx store.Tx) error {
		w, err := tx.WebhookOf(called.Token)
		if errors.Is(err, store.ErrNotFound) {
			return nil // deleted meanwhile
		}
		if err != nil {
			return err
		}
		w.ErrorCode, w.ErrorMessage = "", ""
		if answer != nil {
			w.ErrorCode, w.ErrorMessage = code, answer.Message
		}
		return tx.PutWebhook(w)
	})
	if err == nil && answer != nil {
		return answer
	}
	return err
}

package service

import (
	"context"
	"errors"
	"maps"
	"slices"

	"penstock/internal/api"
	"penstock/internal/auth"
	"penstock/internal/core/fault"
	"penstock/internal/core/pipeline"
	"penstock/internal/sourcehost"
	"penstock/internal/store"
	"penstock/internal/webhook"
)

// WebhookOptions are what the operations of webhooks need.
type WebhookOptions struct {
	// BaseURL is where senders reach this server.
	BaseURL func() string
	// RevealSecrets shows secret tokens instead of ****.
	RevealSecrets bool
	// Max is the quota of an account in a region.
	Max int
	// Host is where hooks are registered.
	Host HookHost
}

// HookHost registers hooks with the host of a repository.
type HookHost interface {
	// Register makes the hook, or updates the one that has its URL.
	Register(ctx context.Context, k sourcehost.Hook) error
	// Deregister removes the hook that has the URL, if there is one.
	Deregister(ctx context.Context, k sourcehost.Hook) error
}

func webhookARN(who auth.Principal, name string) string {
	return store.Webhook{Account: who.Account, Region: who.Region, Name: name}.ARN()
}

func noWebhook(who auth.Principal, name string) error {
	return fault.New("WebhookNotFoundException", "The account with id '%s' does not include a webhook with the name '%s'", who.Account, name)
}

// webhookFrom is a definition in the store's form, without what the server
// adds.
func webhookFrom(who auth.Principal, in *api.WebhookDefinition) store.Webhook {
	w := store.Webhook{
		Account: who.Account, Region: who.Region, Name: in.Name,
		TargetPipeline: in.TargetPipeline, TargetAction: in.TargetAction, Filters: []store.WebhookFilter{},
		Authentication: in.Authentication, AllowedIPRange: in.AuthenticationConfiguration.AllowedIPRange,
		Secret: in.AuthenticationConfiguration.SecretToken,
	}
	for _, f := range in.Filters {
		w.Filters = append(w.Filters, store.WebhookFilter{JSONPath: f.JsonPath, MatchEquals: f.MatchEquals})
	}
	return w
}

// webhookTo is a webhook as PutWebhook and ListWebhooks show it.
func (s *Service) webhookTo(w store.Webhook, tags map[string]string) api.ListWebhookItem {
	out := api.ListWebhookItem{
		Definition: api.WebhookDefinition{
			Name: w.Name, TargetPipeline: w.TargetPipeline, TargetAction: w.TargetAction,
			Filters: []api.WebhookFilterRule{}, Authentication: w.Authentication,
			AuthenticationConfiguration: api.WebhookAuthConfiguration{AllowedIPRange: w.AllowedIPRange, SecretToken: w.Secret},
		},
		Url: webhook.URL(s.opt.Webhooks.BaseURL(), w.Token), ErrorCode: w.ErrorCode, ErrorMessage: w.ErrorMessage,
		LastTriggered: w.LastTriggered, Arn: w.ARN(), Tags: []api.Tag{},
	}
	if w.Secret != "" && !s.opt.Webhooks.RevealSecrets {
		out.Definition.AuthenticationConfiguration.SecretToken = pipeline.Masked
	}
	for _, f := range w.Filters {
		out.Definition.Filters = append(out.Definition.Filters, api.WebhookFilterRule{JsonPath: f.JSONPath, MatchEquals: f.MatchEquals})
	}
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		out.Tags = append(out.Tags, api.Tag{Key: k, Value: tags[k]})
	}
	return out
}

// storedWebhook returns the caller's webhook of the name and whether there is
// one.
func storedWebhook(r store.Reader, who auth.Principal, name string) (store.Webhook, bool, error) {
	w, err := r.Webhook(who.Account, who.Region, name)
	if errors.Is(err, store.ErrNotFound) {
		return w, false, nil
	}
	return w, err == nil, err
}

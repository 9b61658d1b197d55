// Package service implements the operations of CodePipeline, one file each:
// authorise, translate, one call of the store. It holds no rule of the engine
// and no SQL.
package service

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"penstock/internal/api"
	"penstock/internal/auth"
	"penstock/internal/blob"
	"penstock/internal/core/actiontype"
	"penstock/internal/core/engine"
	"penstock/internal/core/fault"
	"penstock/internal/core/pipeline"
	"penstock/internal/store"
)

// Service is CodePipeline on a store.
type Service struct {
	store *store.Store
	opt   Options
	pages pageTokens

	answers pollAnswers
}

var _ api.Service = (*Service)(nil)

// Options are what the operations need beside the store.
type Options struct {
	Logger *slog.Logger
	// Credentials makes the artifact credentials of jobs.
	Credentials blob.CredentialSource
	// EnsureBucket makes an artifact bucket that does not exist yet.
	EnsureBucket func(ctx context.Context, account, region, bucket string) error
	// SourcesChanged is told of a pipeline whose polling sources may have
	// to be looked at now.
	SourcesChanged func(pipelineID int64)
	// PageKey signs the tokens of paged lists.
	PageKey []byte
	// MaxPipelines, MaxPolling (pipelines with sources that poll) and
	// MaxActionTypes (custom ones and registered ones each) are the quotas of an
	// account in a region.
	MaxPipelines, MaxPolling, MaxActionTypes int
	// CreateActionTypes lets UpdateActionType make types that are not there.
	CreateActionTypes bool
	Webhooks          WebhookOptions
}

// New returns a Service.
func New(s *store.Store, opt Options) *Service {
	return &Service{store: s, opt: opt, pages: pageTokens{key: opt.PageKey, now: s.Now}}
}

// caller is who signed the request; the handler lets none through without.
func caller(ctx context.Context) auth.Principal {
	p, ok := auth.PrincipalFrom(ctx)
	if !ok {
		panic("service: no principal in the context")
	}
	return p
}

// find returns the caller's pipeline of the name, or
// PipelineNotFoundException.
func find(r store.Reader, who auth.Principal, name string) (store.Pipeline, error) {
	p, err := r.Pipeline(who.Account, who.Region, name)
	if errors.Is(err, store.ErrNotFound) {
		err = fault.New("PipelineNotFoundException", "The account with AWS account ID '%s' does not include a pipeline named '%s'", who.Account, name)
	}
	return p, err
}

// step lets the engine decide about an event of the caller's pipeline.
func (s *Service) step(ctx context.Context, name string, ev engine.Event) (execution string, err error) {
	who := caller(ctx)
	err = s.store.Update(ctx, func(tx store.Tx) error {
		p, err := find(tx, who, name)
		if err != nil {
			return err
		}
		execution, err = s.store.Step(tx, p.ID, ev)
		return err
	})
	return execution, err
}

// view reads the caller's pipeline of the name.
func (s *Service) view(ctx context.Context, name string, fn func(r store.Reader, p store.Pipeline) error) error {
	who := caller(ctx)
	return s.store.View(ctx, func(r store.Reader) error {
		p, err := find(r, who, name)
		if err != nil {
			return err
		}
		return fn(r, p)
	})
}

// definition finds an action type, built in or added, that the account may use.
func definition(r store.Reader, account, region string, id pipeline.ActionType) (actiontype.Type, bool) {
	if t, ok := actiontype.LookupBuiltin(region, id); ok {
		return t, true
	}
	t, err := store.UsableType(r, account, region, id)
	if err != nil {
		return actiontype.Type{}, false
	}
	return t.Type, true
}

// validationEnv is what a declaration of the caller is checked against.
func validationEnv(r store.Reader, who auth.Principal) pipeline.Env {
	return actiontype.Env(who.Region, time.LoadLocation, func(id pipeline.ActionType) (actiontype.Type, bool) {
		t, err := store.UsableType(r, who.Account, who.Region, id)
		if err != nil {
			return actiontype.Type{}, false
		}
		return t.Type, true
	})
}

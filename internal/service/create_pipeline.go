package service

import (
	"context"
	"errors"
	"strings"

	"penstock/internal/api"
	"penstock/internal/auth"
	"penstock/internal/core/engine"
	"penstock/internal/core/fault"
	"penstock/internal/core/pipeline"
	"penstock/internal/store"
)

// CreatePipeline stores a declaration as version 1 and starts the first
// execution; polling sources start it themselves when they see a revision.
func (s *Service) CreatePipeline(ctx context.Context, in *api.CreatePipelineInput) (*api.CreatePipelineOutput, error) {
	who := caller(ctx)
	tags, err := tagsFrom(pipelineARN(who, in.Pipeline.Name), in.Tags)
	if err != nil {
		return nil, err
	}
	sent := declarationFrom(&in.Pipeline)
	if err := s.makeBuckets(ctx, who, sent); err != nil {
		return nil, err
	}
	var d *pipeline.Declaration
	var id int64
	err = s.store.Update(ctx, func(tx store.Tx) error {
		if _, err := tx.Pipeline(who.Account, who.Region, sent.Name); !errors.Is(err, store.ErrNotFound) {
			if err != nil {
				return err
			}
			return fault.New("PipelineNameInUseException", "A pipeline with the name '%s' already exists in account '%s'", sent.Name, who.Account)
		}
		n, err := tx.CountPipelines(who.Account, who.Region)
		if err != nil {
			return err
		}
		if n >= s.opt.MaxPipelines {
			return fault.New("LimitExceededException", "The account has reached its limit of %d pipelines in region %s", s.opt.MaxPipelines, who.Region)
		}
		if d, err = accept(tx, who, nil, sent); err != nil {
			return err
		}
		d.Version = 1
		now := s.store.Now()
		id, err = tx.InsertPipeline(store.Pipeline{
			Pipeline: engine.Pipeline{Account: who.Account, Region: who.Region, Name: d.Name},
			Version:  1, Mode: d.Mode, Type: d.Type, Created: now, Updated: now,
		}, d)
		if err != nil {
			return err
		}
		if err := tx.SetTags(pipelineARN(who, d.Name), tags); err != nil {
			return err
		}
		if polls, err := s.watch(tx, id, who, d); err != nil || polls {
			return err
		}
		_, err = s.store.Step(tx, id, engine.Start{Trigger: engine.Trigger{Type: "CreatePipeline", Detail: who.ARN}})
		return err
	})
	if err != nil {
		return nil, err
	}
	s.declared(ctx, id, d)
	return &api.CreatePipelineOutput{Pipeline: declarationTo(d), Tags: in.Tags}, nil
}

// accept checks a declaration as Create- and UpdatePipeline do and returns it
// in the form to store. old is the version in force, nil for a new pipeline.
func accept(r store.Reader, who auth.Principal, old, sent *pipeline.Declaration) (*pipeline.Declaration, error) {
	next, err := normalized(r, who, sent)
	if err != nil {
		return nil, err
	}
	clear := func(v string) (string, error) { return v, nil } // the store seals
	env := validationEnv(r, who)
	if old != nil {
		old = pipeline.Hidden(old, env)
	}
	return pipeline.Secrets(old, next, env, clear)
}

// normalized returns a checked copy of a declaration with its defaults; the
// transaction that asks for it may run again.
func normalized(r store.Reader, who auth.Principal, sent *pipeline.Declaration) (*pipeline.Declaration, error) {
	d := sent.Clone()
	pipeline.Normalize(d)
	if err := pipeline.Validate(d, validationEnv(r, who)); err != nil {
		return nil, err
	}
	return d, nil
}

// makeBuckets makes the artifact buckets that a declaration names, before an
// execution may need them. A declaration that will be refused makes none.
func (s *Service) makeBuckets(ctx context.Context, who auth.Principal, sent *pipeline.Declaration) error {
	err := s.store.View(ctx, func(r store.Reader) error {
		_, err := normalized(r, who, sent)
		return err
	})
	if err != nil {
		return err
	}
	if st := sent.ArtifactStore; st != nil {
		return s.opt.EnsureBucket(ctx, who.Account, who.Region, st.Bucket)
	}
	for region, st := range sent.ArtifactStores {
		if err := s.opt.EnsureBucket(ctx, who.Account, region, st.Bucket); err != nil {
			return err
		}
	}
	return nil
}

// declared does what follows a committed declaration: its polling sources are
// looked at, and what is allowed but unwise goes to the log.
func (s *Service) declared(ctx context.Context, id int64, d *pipeline.Declaration) {
	s.opt.SourcesChanged(id)
	who := caller(ctx)
	err := s.store.View(ctx, func(r store.Reader) error {
		for _, text := range pipeline.Warnings(d, validationEnv(r, who)) {
			s.opt.Logger.Warn(text, "pipeline", d.Name, "account", who.Account)
		}
		return nil
	})
	if err != nil {
		s.opt.Logger.Error("a declaration could not be looked over", "pipeline", d.Name, "error", err)
	}
}

func pipelineARN(who auth.Principal, name string) string {
	return strings.Join([]string{"arn:aws:codepipeline", who.Region, who.Account, name}, ":")
}

package store

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
	_ "time/tzdata" // rules name time zones, and few containers have the database

	"penstock/internal/core/actiontype"
	"penstock/internal/core/engine"
	"penstock/internal/core/job"
	"penstock/internal/core/pipeline"
)

// Store is the state of Penstock on some database.
type Store struct {
	Driver
	opt Options
}

// Options are what decisions need beside the database.
type Options struct {
	Now    func() time.Time // the clock; time.Now unless a test says otherwise
	NewID  func() string    // fresh time-ordered UUIDs
	NewKey func() string    // seven random letters and digits
	// Native reports whether this server runs the built-in type itself.
	Native func(pipeline.ActionType) bool
	// Pushed are the built-in types whose jobs are pushed to functions, each
	// with the time from a call of the function to its report; 0 is no limit.
	Pushed map[pipeline.ActionType]time.Duration
	// Timeouts are time limits of actions and rules by CATEGORY/OWNER/PROVIDER
	// of their type, in place of those that types come with.
	Timeouts map[string]time.Duration
	// ContinuationDelay is the pause before a continuation job.
	ContinuationDelay time.Duration
	// AckWindow is how long a polled job waits for its acknowledgement.
	AckWindow time.Duration
}

// New returns a Store on the driver.
func New(d Driver, opt Options) *Store { return &Store{Driver: d, opt: opt} }

// Now is the time by the store's clock: UTC, whole milliseconds.
func (s *Store) Now() time.Time { return s.opt.Now().UTC().Truncate(time.Millisecond) }

// NewID returns a fresh time-ordered UUID.
func (s *Store) NewID() string { return s.opt.NewID() }

// Step decides about an event of a pipeline and saves the decision, within
// tx. It returns the execution that the event is about.
func (s *Store) Step(tx Tx, pipelineID int64, ev engine.Event) (string, error) {
	snap, plan, err := s.decide(tx, pipelineID, ev)
	if lacks, ok := errors.AsType[*engine.Missing](err); ok {
		snap, plan, err = s.decide(tx, pipelineID, engine.Also{Event: ev, Executions: lacks.Executions})
	}
	if err != nil {
		return "", err
	}
	return plan.Execution, tx.Apply(snap, plan)
}

func (s *Store) decide(tx Tx, pipelineID int64, ev engine.Event) (*engine.Snapshot, engine.Plan, error) {
	snap, err := tx.Snapshot(pipelineID, ev)
	if err != nil {
		return nil, engine.Plan{}, err
	}
	plan, err := engine.Decide(snap, ev, s.env(tx, snap.Pipeline))
	return snap, plan, err
}

func (s *Store) env(tx Tx, p engine.Pipeline) engine.Env {
	return engine.Env{
		Now: s.Now(), NewID: s.opt.NewID, NewKey: s.opt.NewKey,
		Zone:              time.LoadLocation,
		ContinuationDelay: s.opt.ContinuationDelay,
		Type:              func(id pipeline.ActionType) engine.TypeInfo { return s.typeInfo(tx, p, id) },
	}
}

// typeInfo tells the engine about an action type of the pipeline's account.
func (s *Store) typeInfo(tx Tx, p engine.Pipeline, id pipeline.ActionType) engine.TypeInfo {
	info := s.definedType(tx, p, id)
	if limit, ok := s.opt.Timeouts[id.Category+"/"+id.Owner+"/"+id.Provider]; ok {
		info.Timeout = limit
	}
	return info
}

func (s *Store) definedType(tx Tx, p engine.Pipeline, id pipeline.ActionType) engine.TypeInfo {
	if t, ok := actiontype.LookupBuiltin(p.Region, id); ok {
		info := engine.TypeInfo{Available: true, Kind: job.Native, Timeout: t.Timeout}
		if id.Category != "Approval" && !s.opt.Native(id) {
			what := "actions"
			if id.Category == "Rule" {
				what = "rules"
			}
			info.Unrunnable = "Penstock does not run " + what + " of type " + id.Category + "/" + id.Owner + "/" + id.Provider + "/" + id.Version + " yet; see docs/compatibility.md"
		}
		if silence, ok := s.opt.Pushed[id]; ok {
			info.Kind, info.JobTimeout = job.Pushed, silence
		}
		return info
	}
	t, err := UsableType(tx, p.Account, p.Region, id)
	if err != nil {
		return engine.TypeInfo{}
	}
	info := engine.TypeInfo{Available: true, Kind: job.Custom, Timeout: t.Timeout, JobTimeout: t.JobTimeout}
	for _, prop := range t.Properties {
		if prop.Queryable {
			info.Queryable = prop.Name
		}
		if prop.Secret {
			info.Secrets = append(info.Secrets, prop.Name)
		}
	}
	if x := t.Executor; x != nil {
		info.Home = t.Account
		if x.Type == actiontype.Lambda {
			info.Kind, info.Function, info.Queryable = job.Called, x.LambdaFunctionARN, "" // nobody polls
			return info
		}
	}
	if id.Owner != actiontype.OwnerThirdParty {
		return info
	}
	info.Kind, info.Queryable = job.Partner, "" // their polls name no value
	clients, _ := tx.Clients(p.Account, p.Region)
	for _, c := range clients {
		if c.Type == id && c.Revoked.IsZero() {
			info.Clients = append(info.Clients, c.ID)
		}
	}
	return info
}

// Poll hands out jobs of the queue; when there is none it waits for one, for at
// least three quarters of wait and at most all of it: workers that began to wait
// together are not to come back together.
func (s *Store) Poll(ctx context.Context, queue string, max int, wait time.Duration) ([]*job.Job, error) {
	claim := func() ([]*job.Job, error) {
		jobs, err := s.Claim(ctx, queue, max, s.Now(), s.opt.AckWindow)
		if len(jobs) > 0 && ctx.Err() != nil {
			return nil, errors.Join(ctx.Err(), s.Return(ctx, jobs))
		}
		return jobs, err
	}
	jobs, err := claim()
	if wait <= 0 || len(jobs) > 0 || err != nil {
		return jobs, err
	}
	waiting, cancel := context.WithTimeout(ctx, wait-rand.N(wait/4+1))
	defer cancel()
	for {
		if err := s.Await(waiting, queue); err != nil {
			return nil, ctx.Err() // nil when only the wait is over
		}
		if jobs, err := claim(); len(jobs) > 0 || err != nil {
			return jobs, err
		}
	}
}

// returnTime bounds how long jobs are tried to be given back.
const returnTime = 5 * time.Second

// Return gives jobs back that a poll has taken and nobody got, also when ctx has
// ended. Without it they come back when their window ends.
func (s *Store) Return(ctx context.Context, jobs []*job.Job) error {
	if len(jobs) == 0 {
		return nil
	}
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), returnTime)
	defer done()
	return s.GiveBack(ctx, jobs)
}

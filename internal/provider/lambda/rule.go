package lambda

import (
	"context"

	"penstock/internal/provider"
	"penstock/jobworker"
)

// Rule is the provider of Rule/AWS/LambdaInvoke: a function decides a stage's
// condition.
type Rule struct{ f *Functions }

// NewRule returns the provider.
func NewRule(f *Functions) *Rule { return &Rule{f} }

// Type implements provider.Provider.
func (r *Rule) Type() jobworker.ActionType { return provider.Type("Rule", "LambdaInvoke") }

// Run implements provider.Provider. It hands the function the event of a
// pipeline's job and takes its answer as the verdict, unless the function has
// reported one by the job's id. A second run calls the function again, with the
// same job id.
func (r *Rule) Run(ctx context.Context, t *jobworker.Task) (s jobworker.Success, err error) {
	name, target, err := r.f.find(t.Job.Configuration["FunctionName"])
	if err != nil {
		return s, err
	}
	leave, err := r.f.enter(ctx, target)
	if err != nil {
		return s, err
	}
	defer leave()
	credentials, err := t.Credentials(ctx)
	if err != nil {
		return s, err
	}
	log := r.f.openLog(ctx, t.Job)
	defer log.close()
	body, err := r.f.call(ctx, request{name: name, target: target, job: t.Job, event: eventOf(t.Job, credentials), log: log, reports: true})
	if err != nil {
		return s, err
	}
	return verdict(name.text, body)
}

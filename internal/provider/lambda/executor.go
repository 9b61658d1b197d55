package lambda

import (
	"context"

	"penstock/jobworker"
)

// Executor runs the actions of types with a Lambda executor: it calls the
// function of the type, whose answer says how the job ended.
type Executor struct{ f *Functions }

// NewExecutor returns the handler of those types' jobs.
func NewExecutor(f *Functions) *Executor { return &Executor{f} }

// Run is a jobworker.Handler. A second run calls the function again, with the
// same job id.
func (x *Executor) Run(ctx context.Context, t *jobworker.Task) (s jobworker.Success, err error) {
	name, target, err := x.f.find(t.Job.Native.Function)
	if err != nil {
		return s, err
	}
	leave, err := x.f.enter(ctx, target)
	if err != nil {
		return s, err
	}
	defer leave()
	credentials, err := t.Credentials(ctx)
	if err != nil {
		return s, err
	}
	log := x.f.openLog(ctx, t.Job)
	defer log.close()
	body, err := x.f.call(ctx, request{name: name, target: target, job: t.Job, event: executorEventOf(t.Job, credentials), log: log})
	if err != nil {
		log.line("%v", err)
		return s, err
	}
	return result(name.text, body)
}

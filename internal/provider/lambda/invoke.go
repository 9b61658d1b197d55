package lambda

import (
	"context"
	"errors"
	"time"
	"unicode/utf8"

	"penstock/internal/provider"
	"penstock/jobworker"
)

// Calls that went wrong are made again as AWS Lambda does with asynchronous
// ones: a function that failed twice more, after these pauses; one that did not
// run as often as it takes, after pauses that grow.
var pauses = []time.Duration{time.Minute, 2 * time.Minute}

const (
	firstPause   = time.Second
	longestPause = 5 * time.Minute
)

// maxUserParameters is the length of UserParameters, in characters.
const maxUserParameters = 1000

// Invoke is the provider of Invoke/AWS/Lambda: it calls a function, which
// reports by PutJobSuccessResult or PutJobFailureResult.
type Invoke struct{ f *Functions }

// NewInvoke returns the provider.
func NewInvoke(f *Functions) *Invoke { return &Invoke{f} }

// Type implements provider.Provider.
func (i *Invoke) Type() jobworker.ActionType { return provider.Type("Invoke", "Lambda") }

// Run implements provider.Provider. It returns without an error when the
// function need not be called any more, whatever it reports; a failure is that
// of an action whose function can never be called. A second run calls the
// function again, with the same job id.
func (i *Invoke) Run(ctx context.Context, t *jobworker.Task) (s jobworker.Success, err error) {
	name, target, err := i.f.find(t.Job.Configuration["FunctionName"])
	if err != nil {
		return s, err
	}
	if n := utf8.RuneCountInString(t.Job.Configuration["UserParameters"]); n > maxUserParameters {
		return s, jobworker.Permanent(jobworker.ConfigurationError, "The UserParameters have %d characters, more than %d.", n, maxUserParameters)
	}
	log := i.f.openLog(ctx, t.Job)
	defer log.close()
	r := request{name: name, target: target, job: t.Job, log: log, reports: true, queue: true}
	failures, wait := 0, firstPause
	for {
		err := i.once(ctx, t, r)
		e, ok := errors.AsType[*callError](err)
		switch {
		case err == nil:
			log.line("The function %s has been called; its report is awaited.", name.text)
			return s, nil
		case !ok:
			return s, err
		}
		log.line("%s", e.Message)
		var pause time.Duration
		switch {
		case e.trouble == refused:
			return s, err
		case e.trouble == unreached:
			pause, wait = wait, min(2*wait, longestPause)
		case failures == len(pauses):
			log.line("The function is not called again.")
			return s, nil
		default:
			pause = pauses[failures]
			failures++
		}
		log.line("The function is called again in %v.", pause)
		if err := i.f.c.Sleep(ctx, pause); err != nil {
			return s, err
		}
	}
}

// once calls the function if its job is still open.
func (i *Invoke) once(ctx context.Context, t *jobworker.Task, r request) error {
	leave, err := i.f.enter(ctx, r.target)
	if err != nil {
		return err
	}
	defer leave()
	credentials, err := t.Credentials(ctx)
	switch {
	case errors.Is(err, jobworker.ErrLost), ctx.Err() != nil:
		return err
	case err != nil:
		return failed(unreached, jobworker.SystemUnavailable, "There are no credentials for the artifacts: %v", err)
	}
	r.event = eventOf(t.Job, credentials)
	_, err = i.f.call(ctx, r)
	return err
}

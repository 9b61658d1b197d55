// Package provider holds what the actions that Penstock runs itself have in
// common: the Provider interface, the ports that they reach the server through,
// and their failures. Each provider has a folder of its own, is a job worker's
// handler, and imports neither store nor service nor api.
package provider

import (
	"context"
	"errors"
	"fmt"

	"penstock/jobworker"
)

// Provider runs the actions of one action type. Run is a jobworker.Handler: it
// returns a *jobworker.Failure for what it can name, may be run again for the
// same job after a crash, and ends soon after its context.
type Provider interface {
	Type() jobworker.ActionType
	Run(ctx context.Context, t *jobworker.Task) (jobworker.Success, error)
}

// Type returns a type that Penstock runs itself: owner AWS, version 1.
func Type(category, name string) jobworker.ActionType {
	return jobworker.ActionType{Category: category, Owner: "AWS", Provider: name, Version: "1"}
}

// Owner returns for whom a job's objects and pipelines are looked up.
func Owner(j jobworker.Job) (account, region string) {
	if j.Native == nil {
		return j.AccountID, ""
	}
	return j.Native.Account, j.Native.Region
}

// Fail returns the failure for an error of a port. what names the thing that
// was tried, for people. A context that has ended stays what it is, so that the
// worker can tell a drain from a failure.
func Fail(ctx context.Context, err error, what string) error {
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", what, context.Cause(ctx))
	case errors.Is(err, ErrNoBucket), errors.Is(err, ErrNoPipeline), errors.Is(err, ErrInvalid):
		return jobworker.Permanent(jobworker.ConfigurationError, "%s: %v", what, err)
	case errors.Is(err, ErrDenied):
		return jobworker.Permanent(jobworker.PermissionError, "%s: %v", what, err)
	case errors.Is(err, ErrNoObject):
		return jobworker.Permanent(jobworker.JobFailed, "%s: %v", what, err)
	default:
		return jobworker.Permanent(jobworker.SystemUnavailable, "%s: %v", what, err)
	}
}

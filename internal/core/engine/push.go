package engine

import "penstock/internal/core/job"

// function is the name of the function that works for an action whose jobs are
// pushed.
func (t *turn) function(w work) (name string, pushed bool) {
	if w.cond != nil {
		return "", false
	}
	decl := t.declaration(w.e).Stage(w.run.Stage).Action(w.a.Name)
	if t.env.Type(decl.Type).Kind != job.Pushed {
		return "", false
	}
	declared := decl.Configuration["FunctionName"]
	if name, err := newResolver(w.e).resolve(declared); err == nil {
		return name, true
	}
	return declared, true
}

// silent describes an action whose function did not report in time, in AWS's
// words.
func silent(function string) Result {
	return Result{ErrorCode: JobFailedError, ErrorMessage: "The AWS Lambda function " + function + " failed to return a result. " +
		"Check the function to verify that it has permission to call the PutJobSuccessResult action and that it made a call to PutJobSuccessResult."}
}

// Package invokepipeline is the action Invoke/AWS/CodePipeline: it starts
// another pipeline and succeeds as soon as that has begun.
package invokepipeline

import (
	"context"
	"encoding/json"

	"penstock/internal/provider"
	"penstock/jobworker"
)

// Invoke is the provider.
type Invoke struct{ pipelines provider.Pipelines }

// New returns the provider that starts pipelines by p.
func New(p provider.Pipelines) *Invoke { return &Invoke{pipelines: p} }

// Type implements provider.Provider.
func (i *Invoke) Type() jobworker.ActionType { return provider.Type("Invoke", "CodePipeline") }

// Run implements provider.Provider. The start carries a token made of the
// action's execution id, so that a second run starts nothing again.
func (i *Invoke) Run(ctx context.Context, t *jobworker.Task) (jobworker.Success, error) {
	start, err := request(t.Job)
	if err != nil {
		return jobworker.Success{}, err
	}
	id, err := i.pipelines.Start(ctx, start)
	if err != nil {
		return jobworker.Success{}, provider.Fail(ctx, err, "Cannot start the pipeline "+start.Pipeline)
	}
	return jobworker.Success{Details: &jobworker.Details{
		ExternalID: id,
		Summary:    "Started execution " + id + " of pipeline " + start.Pipeline,
	}}, nil
}

func request(j jobworker.Job) (provider.Start, error) {
	s := provider.Start{Pipeline: j.Configuration["PipelineName"], Token: "invoke-" + j.Context.ActionExecutionID}
	s.Account, s.Region = provider.Owner(j)
	if j.Native != nil {
		s.Caller = j.Native.Caller
	}
	if s.Pipeline == "" {
		return s, jobworker.Permanent(jobworker.ConfigurationError, "The configuration of the CodePipeline action lacks PipelineName.")
	}
	var revisions []struct{ ActionName, RevisionType, RevisionValue string }
	if err := list(j, "SourceRevisions", &revisions); err != nil {
		return s, err
	}
	for _, r := range revisions {
		if r.ActionName == "" || r.RevisionType == "" || r.RevisionValue == "" {
			return s, jobworker.Permanent(jobworker.ConfigurationError, "Each entry of SourceRevisions needs actionName, revisionType and revisionValue.")
		}
		s.Revisions = append(s.Revisions, provider.Revision{Action: r.ActionName, Type: r.RevisionType, Value: r.RevisionValue})
	}
	var variables []struct{ Name, Value string }
	if err := list(j, "Variables", &variables); err != nil {
		return s, err
	}
	for _, v := range variables {
		if v.Name == "" {
			return s, jobworker.Permanent(jobworker.ConfigurationError, "Each entry of Variables needs a name.")
		}
		s.Variables = append(s.Variables, provider.Variable{Name: v.Name, Value: v.Value})
	}
	return s, nil
}

// list decodes a configuration value that holds a JSON array. The value itself
// stays out of the message: it may hold what an earlier action gave out.
func list(j jobworker.Job, key string, to any) error {
	text := j.Configuration[key]
	if text == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(text), to); err != nil {
		return jobworker.Permanent(jobworker.ConfigurationError, "The value of %s is not a JSON array of the documented form.", key)
	}
	return nil
}

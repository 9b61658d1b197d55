package service

import (
	"context"
	"errors"
	"net/http"
	"time"

	"penstock/internal/core/engine"
	"penstock/internal/core/fault"
	"penstock/internal/core/job"
	"penstock/internal/core/pipeline"
	"penstock/internal/store"
	"penstock/jobworker"
)

// LocalJobs is the jobworker.Client of Penstock's own actions: the same life
// cycle as that of a stranger's jobs, without the network between.
type LocalJobs struct {
	svc  *Service
	kind job.Kind
	id   pipeline.ActionType
}

var _ jobworker.Client = (*LocalJobs)(nil)

// LocalJobs returns the client for jobs of a built-in action type, of all
// accounts.
func (s *Service) LocalJobs(t jobworker.ActionType) *LocalJobs {
	return &LocalJobs{svc: s, kind: job.Native, id: pipeline.ActionType(t)}
}

// Poll implements jobworker.Client.
func (l *LocalJobs) Poll(ctx context.Context, max int, wait time.Duration) ([]jobworker.Job, error) {
	jobs, err := l.svc.store.Poll(ctx, job.Queue(l.kind, "", "", l.id, ""), max, wait)
	return localJobs(jobs), err
}

// check lets through jobs of this type; called ones are of any.
func (l *LocalJobs) check(_ store.Reader, j *job.Job) error {
	if j.Kind != l.kind || l.kind != job.Called && j.Type != l.id {
		return job.NotFound(j.ID)
	}
	return nil
}

// holder also checks that the job is held under the nonce: a node that was
// silent for so long that another took its jobs over must not report them.
func (l *LocalJobs) holder(nonce string) jobCheck {
	return func(r store.Reader, j *job.Job) error {
		if err := l.check(r, j); err != nil {
			return err
		}
		if j.Held() && j.Nonces.String() != nonce || j.Kind == job.Pushed && !j.Held() {
			return fault.New("InvalidNonceException", "Job '%s' is in the hands of another worker", j.ID)
		}
		return nil
	}
}

// Acknowledge implements jobworker.Client.
func (l *LocalJobs) Acknowledge(ctx context.Context, j jobworker.Job) error {
	state, err := l.svc.acknowledge(ctx, j.ID, j.Nonce, l.check, (*job.Job).Take)
	if err != nil {
		return localError(err)
	}
	if state != job.InProgress {
		return jobworker.ErrLost
	}
	return nil
}

// Details implements jobworker.Client. Penstock's own actions reach artifacts
// without credentials.
func (l *LocalJobs) Details(ctx context.Context, j jobworker.Job) (jobworker.Job, error) {
	now, err := l.svc.jobDetails(ctx, j.ID, l.holder(j.Nonce))
	if err != nil {
		return jobworker.Job{}, localError(err)
	}
	if now.State.Terminal() {
		return jobworker.Job{}, jobworker.ErrLost
	}
	fresh := localJob(now)
	fresh.Nonce = j.Nonce
	return fresh, nil
}

// Succeed implements jobworker.Client.
func (l *LocalJobs) Succeed(ctx context.Context, j jobworker.Job, r jobworker.Success) error {
	err := l.svc.report(ctx, j.ID, "success", r, l.holder(j.Nonce), func(j *job.Job, digest string) engine.Event {
		ev := engine.JobSucceeded{Job: j, Digest: digest, ContinuationToken: r.ContinuationToken, Outputs: r.OutputVariables}
		if r.Revision != nil {
			ev.Revision = &engine.Revision{ID: r.Revision.ID, ChangeID: r.Revision.ChangeID, Summary: r.Revision.Summary, Created: r.Revision.Created}
		}
		if d := r.Details; d != nil {
			ev.Details = engine.Details{Summary: d.Summary, ExternalID: d.ExternalID, PercentComplete: d.PercentComplete}
		}
		return ev
	})
	return localError(err)
}

// Fail implements jobworker.Client.
func (l *LocalJobs) Fail(ctx context.Context, j jobworker.Job, f jobworker.Failure) error {
	if f.Type == "" {
		f.Type = jobworker.JobFailed
	}
	err := l.svc.report(ctx, j.ID, "failure", f, l.holder(j.Nonce), func(j *job.Job, digest string) engine.Event {
		return engine.JobFailed{Job: j, Digest: digest, Type: f.Type, Message: f.Message, ExternalID: f.ExternalID}
	})
	return localError(err)
}

// localError tells the kit what it must know: which refusals are final, and
// that the job is not this worker's any more.
func localError(err error) error {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return &jobworker.Error{Code: f.Code, Message: f.Message, Status: http.StatusBadRequest, Err: err}
	}
	return err
}

func localJobs(jobs []*job.Job) []jobworker.Job {
	var out []jobworker.Job
	for _, j := range jobs {
		out = append(out, localJob(j))
	}
	return out
}

func localJob(j *job.Job) jobworker.Job {
	out := jobworker.Job{
		ID: j.ID, Nonce: j.Nonces.String(), AccountID: j.Account, Type: jobworker.ActionType(j.Type),
		Configuration: j.Data.Configuration,
		Context: jobworker.Context{
			Pipeline: j.Pipeline, Stage: j.Stage, Action: j.Action, ExecutionID: j.ExecutionID, ActionExecutionID: j.ActionExecutionID,
			PipelineARN: "arn:aws:codepipeline:" + j.Region + ":" + j.Account + ":" + j.Pipeline,
		},
		Inputs: localArtifacts(j.Data.Inputs), Outputs: localArtifacts(j.Data.Outputs),
		ContinuationToken: j.Data.ContinuationToken,
		Native: &jobworker.Native{
			Account: j.Account, Region: j.Region, Commands: j.Data.Commands, OutputFiles: j.Data.OutputFiles,
			OutputVariables: j.Data.OutputVariables, RevisionOverrides: j.Data.Overrides, Event: j.Data.Event, Deadline: j.Data.Deadline,
			Function: j.Data.Function,
			Caller:   "arn:aws:codepipeline:" + j.Region + ":" + j.Account + ":" + j.Pipeline,
		},
	}
	for _, v := range j.Data.Environment {
		out.Native.Environment = append(out.Native.Environment, jobworker.EnvironmentVariable(v))
	}
	if j.Data.EncryptionKey != nil {
		out.EncryptionKeyID = j.Data.EncryptionKey.ID
	}
	return out
}

func localArtifacts(in []job.Artifact) []jobworker.Artifact {
	var out []jobworker.Artifact
	for _, a := range in {
		out = append(out, jobworker.Artifact(a))
	}
	return out
}

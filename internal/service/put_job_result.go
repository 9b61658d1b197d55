package service

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"

	"penstock/internal/api"
	"penstock/internal/core/engine"
	"penstock/internal/core/fault"
	"penstock/internal/core/job"
	"penstock/internal/store"
)

// PutJobSuccessResult reports that a job went well; with a continuation token
// the action goes on in a new job.
func (s *Service) PutJobSuccessResult(ctx context.Context, in *api.PutJobSuccessResultInput) error {
	return s.succeed(ctx, in, s.customJob(ctx))
}

// PutJobFailureResult reports that a job failed, and with it its action.
func (s *Service) PutJobFailureResult(ctx context.Context, in *api.PutJobFailureResultInput) error {
	return s.fail(ctx, in.JobId, in.FailureDetails, s.customJob(ctx))
}

func (s *Service) succeed(ctx context.Context, in *api.PutJobSuccessResultInput, check jobCheck) error {
	ev := engine.JobSucceeded{ContinuationToken: in.ContinuationToken, Outputs: in.OutputVariables}
	if in.ContinuationToken != "" && len(in.OutputVariables) > 0 {
		return fault.New("ValidationException", "outputVariables cannot be given together with a continuationToken")
	}
	if r := in.CurrentRevision; r != nil {
		ev.Revision = &engine.Revision{ID: r.Revision, ChangeID: r.ChangeIdentifier, Summary: r.RevisionSummary, Created: r.Created}
		if ev.Revision.Created.IsZero() {
			ev.Revision.Created = s.store.Now()
		}
	}
	if d := in.ExecutionDetails; d != nil {
		ev.Details = engine.Details{Summary: d.Summary, ExternalID: d.ExternalExecutionId, PercentComplete: d.PercentComplete}
	}
	return s.report(ctx, in.JobId, "success", in, check, func(j *job.Job, digest string) engine.Event {
		ev.Job, ev.Digest = j, digest
		return ev
	})
}

func (s *Service) fail(ctx context.Context, id string, f api.FailureDetails, check jobCheck) error {
	return s.report(ctx, id, "failure", f, check, func(j *job.Job, digest string) engine.Event {
		return engine.JobFailed{Job: j, Digest: digest, Type: f.Type, Message: f.Message, ExternalID: f.ExternalExecutionId}
	})
}

// report ends a job with what its worker says, once: an identical repeat
// within job.RepeatWindow changes nothing.
func (s *Service) report(ctx context.Context, id, kind string, body any, check jobCheck, event func(*job.Job, string) engine.Event) error {
	digest, err := reportDigest(kind, body)
	if err != nil {
		return err
	}
	return s.store.Update(ctx, func(tx store.Tx) error {
		j, err := findJob(tx, id, check)
		if err != nil {
			return err
		}
		repeat, err := j.CheckReport(digest, s.store.Now())
		if err != nil || repeat {
			return err
		}
		_, err = s.store.Step(tx, j.PipelineID, event(j, digest))
		return err
	})
}

// reportDigest identifies the content of a report.
func reportDigest(kind string, body any) (string, error) {
	raw, err := json.Marshal(body) // maps in key order, so equal reports are equal
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(append([]byte(kind+"\x00"), raw...))
	return base64.RawStdEncoding.EncodeToString(sum[:15]), nil
}

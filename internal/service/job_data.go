package service

import (
	"context"

	"penstock/internal/api"
	"penstock/internal/blob"
	"penstock/internal/core/job"
	"penstock/internal/core/pipeline"
)

// jobData is what a worker of a custom action gets to see (jobs.md section
// 11). While the job is open it carries fresh credentials and secrets in
// clear; afterwards neither.
func (s *Service) jobData(ctx context.Context, j *job.Job) (*api.JobData, error) {
	id := api.ActionTypeId(j.Type)
	out := &api.JobData{
		ActionTypeId:        &id,
		ActionConfiguration: &api.ActionConfiguration{Configuration: notNil(j.Data.Configuration)},
		PipelineContext: &api.PipelineContext{
			PipelineName:        j.Pipeline,
			Stage:               &api.StageContext{Name: j.Stage},
			Action:              &api.ActionContext{Name: j.Action, ActionExecutionId: j.ActionExecutionID},
			PipelineArn:         "arn:aws:codepipeline:" + j.Region + ":" + j.Account + ":" + j.Pipeline,
			PipelineExecutionId: j.ExecutionID,
		},
		InputArtifacts:    artifactsTo(j.Data.Inputs),
		OutputArtifacts:   artifactsTo(j.Data.Outputs),
		ContinuationToken: j.Data.ContinuationToken,
		EncryptionKey:     keyTo(j.Data.EncryptionKey),
	}
	if j.State.Terminal() {
		out.ActionConfiguration.Configuration = pipeline.MaskConfiguration(out.ActionConfiguration.Configuration, j.Data.Secrets)
		return out, nil
	}
	cred, err := s.credentials(ctx, j)
	if blob.CodeOf(err) == blob.CredentialsNotAllowed {
		return out, nil // an external S3 without a role: workers bring their own keys
	}
	if err != nil {
		return nil, err
	}
	out.ArtifactCredentials = &api.AWSSessionCredentials{
		AccessKeyId: cred.AccessKeyID, SecretAccessKey: cred.SecretAccessKey, SessionToken: cred.SessionToken,
	}
	return out, nil
}

// partnerData is the same for partner jobs, whose context does not name the
// pipeline's ARN and execution.
func (s *Service) partnerData(ctx context.Context, j *job.Job) (*api.ThirdPartyJobData, error) {
	d, err := s.jobData(ctx, j)
	if err != nil {
		return nil, err
	}
	d.PipelineContext.PipelineArn, d.PipelineContext.PipelineExecutionId = "", ""
	out := api.ThirdPartyJobData(*d)
	return &out, nil
}

func (s *Service) credentials(ctx context.Context, j *job.Job) (blob.Credentials, error) {
	return s.opt.Credentials.For(ctx, j.Account, objects(j.Data.Inputs), objects(j.Data.Outputs), j.ID)
}

func objects(in []job.Artifact) []blob.ObjectRef {
	out := make([]blob.ObjectRef, len(in))
	for i, a := range in {
		out[i] = blob.ObjectRef{Bucket: a.Bucket, Key: a.Key}
	}
	return out
}

func artifactsTo(in []job.Artifact) []api.Artifact {
	out := make([]api.Artifact, len(in))
	for i, a := range in {
		out[i] = api.Artifact{
			Name: a.Name, Revision: a.Revision,
			Location: &api.ArtifactLocation{Type: "S3", S3Location: &api.S3ArtifactLocation{BucketName: a.Bucket, ObjectKey: a.Key}},
		}
	}
	return out
}

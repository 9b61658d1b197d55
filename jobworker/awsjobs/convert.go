package awsjobs

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"penstock/jobworker"
)

func actionTypeID(t jobworker.ActionType) *types.ActionTypeId {
	return &types.ActionTypeId{Category: types.ActionCategory(t.Category), Owner: types.ActionOwner(t.Owner),
		Provider: &t.Provider, Version: &t.Version}
}

func job(id, account *string, d *types.JobData) jobworker.Job {
	if d == nil {
		d = &types.JobData{}
	}
	j := jobworker.Job{
		ID: aws.ToString(id), AccountID: aws.ToString(account),
		Inputs: artifacts(d.InputArtifacts), Outputs: artifacts(d.OutputArtifacts),
		ContinuationToken: aws.ToString(d.ContinuationToken),
	}
	if t := d.ActionTypeId; t != nil {
		j.Type = jobworker.ActionType{Category: string(t.Category), Owner: string(t.Owner), Provider: aws.ToString(t.Provider), Version: aws.ToString(t.Version)}
	}
	if c := d.ActionConfiguration; c != nil {
		j.Configuration = c.Configuration
	}
	if c := d.ArtifactCredentials; c != nil {
		j.Credentials = jobworker.Credentials{AccessKeyID: aws.ToString(c.AccessKeyId),
			SecretAccessKey: aws.ToString(c.SecretAccessKey), SessionToken: aws.ToString(c.SessionToken)}
	}
	if k := d.EncryptionKey; k != nil {
		j.EncryptionKeyID = aws.ToString(k.Id)
	}
	if c := d.PipelineContext; c != nil {
		j.Context = jobworker.Context{Pipeline: aws.ToString(c.PipelineName),
			PipelineARN: aws.ToString(c.PipelineArn), ExecutionID: aws.ToString(c.PipelineExecutionId)}
		if c.Stage != nil {
			j.Context.Stage = aws.ToString(c.Stage.Name)
		}
		if c.Action != nil {
			j.Context.Action, j.Context.ActionExecutionID = aws.ToString(c.Action.Name), aws.ToString(c.Action.ActionExecutionId)
		}
	}
	return j
}

// partnerJob reads the same members under another type.
func partnerJob(id *string, d *types.ThirdPartyJobData) jobworker.Job {
	if d == nil {
		return job(id, nil, nil)
	}
	return job(id, nil, &types.JobData{
		ActionConfiguration: d.ActionConfiguration, ActionTypeId: d.ActionTypeId, ArtifactCredentials: d.ArtifactCredentials,
		ContinuationToken: d.ContinuationToken, EncryptionKey: d.EncryptionKey, InputArtifacts: d.InputArtifacts,
		OutputArtifacts: d.OutputArtifacts, PipelineContext: d.PipelineContext})
}

func artifacts(list []types.Artifact) []jobworker.Artifact {
	out := make([]jobworker.Artifact, len(list))
	for i, a := range list {
		out[i] = jobworker.Artifact{Name: aws.ToString(a.Name), Revision: aws.ToString(a.Revision)}
		if a.Location != nil && a.Location.S3Location != nil {
			out[i].Bucket, out[i].Key = aws.ToString(a.Location.S3Location.BucketName), aws.ToString(a.Location.S3Location.ObjectKey)
		}
	}
	return out
}

func revision(r *jobworker.Revision) *types.CurrentRevision {
	if r == nil {
		return nil
	}
	out := &types.CurrentRevision{Revision: &r.ID, ChangeIdentifier: &r.ChangeID, RevisionSummary: optional(r.Summary)}
	if !r.Created.IsZero() {
		out.Created = &r.Created
	}
	return out
}

func details(d *jobworker.Details) *types.ExecutionDetails {
	if d == nil {
		return nil
	}
	out := &types.ExecutionDetails{Summary: optional(d.Summary), ExternalExecutionId: optional(d.ExternalID)}
	if d.PercentComplete != nil {
		out.PercentComplete = aws.Int32(int32(*d.PercentComplete))
	}
	return out
}

func failure(f jobworker.Failure) *types.FailureDetails {
	if f.Type == "" {
		f.Type = jobworker.JobFailed
	}
	return &types.FailureDetails{Type: types.FailureType(f.Type), Message: &f.Message, ExternalExecutionId: optional(f.ExternalID)}
}

// optional leaves out what the API does not take empty.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

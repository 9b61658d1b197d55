package jobworker

import (
	"math"
	"time"
)

// The API's JSON, as far as job workers need it.

type wireActionType struct {
	Category string `json:"category"`
	Owner    string `json:"owner"`
	Provider string `json:"provider"`
	Version  string `json:"version"`
}

type wireArtifact struct {
	Name     string `json:"name"`
	Revision string `json:"revision"`
	Location struct {
		S3 struct {
			Bucket string `json:"bucketName"`
			Key    string `json:"objectKey"`
		} `json:"s3Location"`
	} `json:"location"`
}

type wireData struct {
	ActionTypeID  wireActionType `json:"actionTypeId"`
	Configuration struct {
		Values map[string]string `json:"configuration"`
	} `json:"actionConfiguration"`
	Pipeline struct {
		Name  string `json:"pipelineName"`
		Stage struct {
			Name string `json:"name"`
		} `json:"stage"`
		Action struct {
			Name        string `json:"name"`
			ExecutionID string `json:"actionExecutionId"`
		} `json:"action"`
		ARN         string `json:"pipelineArn"`
		ExecutionID string `json:"pipelineExecutionId"`
	} `json:"pipelineContext"`
	Inputs      []wireArtifact `json:"inputArtifacts"`
	Outputs     []wireArtifact `json:"outputArtifacts"`
	Credentials struct {
		AccessKeyID     string `json:"accessKeyId"`
		SecretAccessKey string `json:"secretAccessKey"`
		SessionToken    string `json:"sessionToken"`
	} `json:"artifactCredentials"`
	ContinuationToken string `json:"continuationToken"`
	EncryptionKey     struct {
		ID string `json:"id"`
	} `json:"encryptionKey"`
}

// wireJob is Job, JobDetails or ThirdPartyJobDetails: the members that one of
// them lacks stay empty.
type wireJob struct {
	ID        string   `json:"id"`
	Nonce     string   `json:"nonce"`
	AccountID string   `json:"accountId"`
	Data      wireData `json:"data"`
}

func (w wireJob) job() Job {
	d := w.Data
	return Job{
		ID: w.ID, Nonce: w.Nonce, AccountID: w.AccountID,
		Type:          ActionType(d.ActionTypeID),
		Configuration: d.Configuration.Values,
		Context: Context{
			Pipeline: d.Pipeline.Name, Stage: d.Pipeline.Stage.Name, Action: d.Pipeline.Action.Name,
			PipelineARN: d.Pipeline.ARN, ExecutionID: d.Pipeline.ExecutionID, ActionExecutionID: d.Pipeline.Action.ExecutionID,
		},
		Inputs: artifacts(d.Inputs), Outputs: artifacts(d.Outputs),
		Credentials:       Credentials(d.Credentials),
		ContinuationToken: d.ContinuationToken,
		EncryptionKeyID:   d.EncryptionKey.ID,
	}
}

func artifacts(list []wireArtifact) []Artifact {
	out := make([]Artifact, len(list))
	for i, a := range list {
		out[i] = Artifact{Name: a.Name, Revision: a.Revision, Bucket: a.Location.S3.Bucket, Key: a.Location.S3.Key}
	}
	return out
}

type wireRevision struct {
	Revision string   `json:"revision"`
	ChangeID string   `json:"changeIdentifier"`
	Created  *float64 `json:"created,omitempty"` // seconds since 1970
	Summary  string   `json:"revisionSummary,omitempty"`
}

type wireDetails struct {
	Summary         string `json:"summary,omitempty"`
	ExternalID      string `json:"externalExecutionId,omitempty"`
	PercentComplete *int   `json:"percentComplete,omitempty"`
}

type wireSuccess struct {
	JobID             string            `json:"jobId"`
	ClientToken       string            `json:"clientToken,omitempty"`
	CurrentRevision   *wireRevision     `json:"currentRevision,omitempty"`
	ContinuationToken string            `json:"continuationToken,omitempty"`
	Details           *wireDetails      `json:"executionDetails,omitempty"`
	OutputVariables   map[string]string `json:"outputVariables,omitempty"`
}

type wireFailure struct {
	JobID       string `json:"jobId"`
	ClientToken string `json:"clientToken,omitempty"`
	Details     struct {
		Type       string `json:"type"`
		Message    string `json:"message"`
		ExternalID string `json:"externalExecutionId,omitempty"`
	} `json:"failureDetails"`
}

func successOf(j Job, clientToken string, r Success) wireSuccess {
	w := wireSuccess{JobID: j.ID, ClientToken: clientToken, ContinuationToken: r.ContinuationToken, OutputVariables: r.OutputVariables}
	if r.Revision != nil {
		w.CurrentRevision = &wireRevision{Revision: r.Revision.ID, ChangeID: r.Revision.ChangeID, Summary: clip(r.Revision.Summary, 2048)}
		if !r.Revision.Created.IsZero() {
			w.CurrentRevision.Created = epoch(r.Revision.Created)
		}
	}
	if r.Details != nil {
		d := wireDetails(*r.Details)
		w.Details = &d
	}
	return w
}

func failureOf(j Job, clientToken string, f Failure) wireFailure {
	w := wireFailure{JobID: j.ID, ClientToken: clientToken}
	w.Details.Type, w.Details.Message, w.Details.ExternalID = f.Type, f.Message, f.ExternalID
	if f.Type == "" {
		w.Details.Type = JobFailed
	}
	return w
}

// epoch is t in seconds with millisecond precision, the API's form of a time.
func epoch(t time.Time) *float64 {
	return new(math.Round(float64(t.UnixMilli())) / 1000)
}

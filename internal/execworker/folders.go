package execworker

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"penstock/jobworker"
)

// folders is where the parts of one job lie.
type folders struct {
	dir, work, jobFile, result string
	inputs, outputs            []string // in the order of the job's artifacts
}

// artifactName is the API's pattern; it also keeps names from being paths.
var artifactName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,100}$`)

func makeFolders(dir string, j jobworker.Job) (folders, error) {
	f := folders{dir: dir, work: filepath.Join(dir, "work"),
		jobFile: filepath.Join(dir, "job.json"), result: filepath.Join(dir, "result.json")}
	make := []string{f.work}
	for i, a := range j.Inputs {
		path := filepath.Join(dir, "inputs", a.Name)
		if i == 0 {
			path = f.work
		}
		f.inputs = append(f.inputs, path)
		make = append(make, path)
	}
	for _, a := range j.Outputs {
		f.outputs = append(f.outputs, filepath.Join(dir, "outputs", a.Name))
	}
	for _, a := range append(j.Inputs[:len(j.Inputs):len(j.Inputs)], j.Outputs...) {
		if !artifactName.MatchString(a.Name) {
			return f, jobworker.Permanent(jobworker.ConfigurationError, "The artifact name %q cannot be a folder name.", a.Name)
		}
	}
	for _, path := range append(make, f.outputs...) {
		if err := os.MkdirAll(path, 0o700); err != nil {
			return f, jobworker.Permanent(jobworker.SystemUnavailable, "Cannot make the job's folders: %v", err)
		}
	}
	return f, nil
}

// JobFile is the content of the file that PENSTOCK_JOB_FILE names.
type JobFile struct {
	ID                string               `json:"id"`
	AccountID         string               `json:"accountId,omitempty"`
	ClientID          string               `json:"clientId,omitempty"` // partner jobs
	ActionType        jobworker.ActionType `json:"actionType"`
	Configuration     map[string]string    `json:"configuration"`
	Context           jobworker.Context    `json:"context"`
	Inputs            []JobArtifact        `json:"inputs"`
	Outputs           []JobArtifact        `json:"outputs"`
	ContinuationToken string               `json:"continuationToken,omitempty"`
	EncryptionKeyID   string               `json:"encryptionKeyId,omitempty"`
}

// JobArtifact is an artifact and the folder it lies in or is packed from.
type JobArtifact struct {
	Name     string `json:"name"`
	Revision string `json:"revision,omitempty"`
	Bucket   string `json:"bucket"`
	Key      string `json:"key"`
	Path     string `json:"path"`
}

func writeJobFile(f folders, j jobworker.Job) error {
	list := func(artifacts []jobworker.Artifact, paths []string) []JobArtifact {
		out := make([]JobArtifact, len(artifacts))
		for i, a := range artifacts {
			out[i] = JobArtifact{Name: a.Name, Revision: a.Revision, Bucket: a.Bucket, Key: a.Key, Path: paths[i]}
		}
		return out
	}
	text, err := json.MarshalIndent(JobFile{
		ID: j.ID, AccountID: j.AccountID, ClientID: j.ClientID, ActionType: j.Type,
		Configuration: j.Configuration, Context: j.Context,
		Inputs: list(j.Inputs, f.inputs), Outputs: list(j.Outputs, f.outputs),
		ContinuationToken: j.ContinuationToken, EncryptionKeyID: j.EncryptionKeyID,
	}, "", "  ")
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	return os.WriteFile(f.jobFile, text, 0o600)
}

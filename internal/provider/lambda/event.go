package lambda

import "penstock/jobworker"

// event is what a function of a pipeline is called with ("Lambda event" of the
// CodePipeline user guide). Members that samples test for by their presence are
// absent when there is nothing to say.
type event struct {
	Job eventJob `json:"CodePipeline.job"`
}

type eventJob struct {
	ID      string    `json:"id"`
	Account string    `json:"accountId"`
	Data    eventData `json:"data"`
}

type eventData struct {
	Action struct {
		Configuration map[string]string `json:"configuration"`
	} `json:"actionConfiguration"`
	Inputs      []eventArtifact   `json:"inputArtifacts"`
	Outputs     []eventArtifact   `json:"outputArtifacts"`
	Credentials *eventCredentials `json:"artifactCredentials,omitempty"`
	Token       string            `json:"continuationToken,omitempty"`
	Key         *eventKey         `json:"encryptionKey,omitempty"`
}

type eventArtifact struct {
	Location struct {
		S3 struct {
			Bucket string `json:"bucketName"`
			Key    string `json:"objectKey"`
		} `json:"s3Location"`
		Type string `json:"type"`
	} `json:"location"`
	Revision *string `json:"revision"` // null when it has none
	Name     string  `json:"name"`
}

type eventCredentials struct {
	SecretAccessKey string `json:"secretAccessKey"`
	SessionToken    string `json:"sessionToken"`
	AccessKeyID     string `json:"accessKeyId"`
}

type eventKey struct {
	ID   string `json:"id"`
	Type string `json:"type"`
}

func eventOf(j jobworker.Job, c jobworker.Credentials) event {
	data := eventData{
		Inputs: artifacts(j.Inputs), Outputs: artifacts(j.Outputs), Credentials: credentialsOf(c),
		Token: j.ContinuationToken, Key: keyOf(j),
	}
	data.Action.Configuration = j.Configuration
	return event{Job: eventJob{ID: j.ID, Account: j.AccountID, Data: data}}
}

func credentialsOf(c jobworker.Credentials) *eventCredentials {
	if c.AccessKeyID == "" {
		return nil
	}
	return &eventCredentials{c.SecretAccessKey, c.SessionToken, c.AccessKeyID}
}

func keyOf(j jobworker.Job) *eventKey {
	if j.EncryptionKeyID == "" {
		return nil
	}
	return &eventKey{j.EncryptionKeyID, "KMS"}
}

func artifacts(in []jobworker.Artifact) []eventArtifact {
	out := make([]eventArtifact, len(in))
	for i, a := range in {
		out[i].Name, out[i].Location.Type = a.Name, "S3"
		out[i].Location.S3.Bucket, out[i].Location.S3.Key = a.Bucket, a.Key
		if a.Revision != "" {
			out[i].Revision = &a.Revision
		}
	}
	return out
}

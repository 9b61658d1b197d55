package lambda

import "penstock/jobworker"

// executorEvent is what the function of an action type is called with. It has
// no envelope, a flat configuration, and other names than event.
type executorEvent struct {
	ID      string            `json:"jobId"`
	Account string            `json:"accountId"`
	Data    executorEventData `json:"data"`
}

type executorEventData struct {
	Configuration map[string]string `json:"actionConfiguration"`
	Inputs        []eventArtifact   `json:"inputArtifacts"`
	Outputs       []eventArtifact   `json:"outputArtifacts"`
	Credentials   *eventCredentials `json:"actionCredentials,omitempty"`
	Token         string            `json:"continuationToken,omitempty"`
	Key           *eventKey         `json:"encryptionKey,omitempty"`
	Execution     string            `json:"actionExecutionId"`
}

func executorEventOf(j jobworker.Job, c jobworker.Credentials) executorEvent {
	configuration := j.Configuration
	if configuration == nil {
		configuration = map[string]string{}
	}
	return executorEvent{j.ID, j.AccountID, executorEventData{
		Configuration: configuration, Inputs: artifacts(j.Inputs), Outputs: artifacts(j.Outputs), Credentials: credentialsOf(c),
		Token: j.ContinuationToken, Key: keyOf(j), Execution: j.Context.ActionExecutionID,
	}}
}

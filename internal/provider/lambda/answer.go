package lambda

import (
	"encoding/json"
	"strings"

	"penstock/jobworker"
)

// Lengths of ExecutionDetails, in bytes of what the API counts in characters.
const (
	maxSummary = 2048
	maxID      = 1500
)

// answer is what a function may say (the return value of an action type's
// Lambda executor); no answer, and one of another form, is a success.
type answer struct {
	Result      string `json:"result"`
	FailureType string `json:"failureType"`
	Message     string `json:"message"`
	Status      struct {
		ExternalExecutionID string `json:"ExternalExecutionId"`
		Summary             string
	} `json:"status"`
}

// failureTypes are the names that functions use, with those of the API.
var failureTypes = map[string]string{
	"": jobworker.JobFailed, jobworker.JobFailed: jobworker.JobFailed, jobworker.ConfigurationError: jobworker.ConfigurationError,
	"PermissionsError": jobworker.PermissionError, jobworker.PermissionError: jobworker.PermissionError,
	jobworker.RevisionOutOfSync: jobworker.RevisionOutOfSync, jobworker.RevisionUnavailable: jobworker.RevisionUnavailable,
	jobworker.SystemUnavailable: jobworker.SystemUnavailable,
}

func verdict(name string, body []byte) (s jobworker.Success, err error) {
	var a answer
	if json.Unmarshal(body, &a) != nil {
		a = answer{}
	}
	if len(a.Status.ExternalExecutionID) > maxID {
		a.Status.ExternalExecutionID = ""
	}
	a.Status.Summary = head(a.Status.Summary, maxSummary)
	switch {
	case strings.EqualFold(a.Result, "Fail"):
		kind, known := failureTypes[a.FailureType]
		if !known {
			kind = jobworker.JobFailed
		}
		text := a.Message
		if text == "" {
			text = a.Status.Summary
		}
		if text == "" {
			text = "The function " + name + " answered Fail."
		}
		return s, &jobworker.Failure{Type: kind, Message: text, ExternalID: a.Status.ExternalExecutionID}
	case strings.EqualFold(a.Result, "Continue"):
		return s, jobworker.Permanent(jobworker.JobFailed, "The function %s answered Continue, which rules do not know: they have to decide in one call.", name)
	}
	s.Details = &jobworker.Details{Summary: a.Status.Summary, ExternalID: a.Status.ExternalExecutionID}
	if s.Details.Summary == "" {
		s.Details.Summary = "The function " + name + " answered"
	}
	return s, nil
}

// head cuts s to at most n bytes of whole characters.
func head(s string, n int) string {
	s = strings.ToValidUTF8(s, "�")
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}

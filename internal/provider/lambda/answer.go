package lambda

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"penstock/jobworker"
)

// Lengths of ExecutionDetails and of a continuation token, in characters.
const (
	maxSummary = 2048
	maxID      = 1500
	maxToken   = 2048
)

// answer is what the function of an action type returns, and what that of a
// rule may. Message is not AWS's.
type answer struct {
	Result       string          `json:"result"`
	FailureType  string          `json:"failureType"`
	Continuation json.RawMessage `json:"continuation"`
	Status       struct {
		ExternalExecutionID string `json:"ExternalExecutionId"`
		Summary             string
	} `json:"status"`
	OutputVariables map[string]string `json:"outputVariables"`
	Message         string            `json:"message"`
}

// failureTypes are the names that functions use, with those of the API.
var failureTypes = map[string]string{
	jobworker.JobFailed: jobworker.JobFailed, jobworker.ConfigurationError: jobworker.ConfigurationError,
	"PermissionsError": jobworker.PermissionError, jobworker.PermissionError: jobworker.PermissionError,
	jobworker.RevisionOutOfSync: jobworker.RevisionOutOfSync, jobworker.RevisionUnavailable: jobworker.RevisionUnavailable,
	jobworker.SystemUnavailable: jobworker.SystemUnavailable,
}

// result reads the answer of an action type's function.
func result(function string, body []byte) (s jobworker.Success, err error) {
	malformed := func(format string, args ...any) error {
		return jobworker.Permanent(jobworker.JobFailed, "The answer of the function "+function+" "+format, args...)
	}
	var a answer
	if err := json.Unmarshal(body, &a); err != nil {
		return s, malformed("is not the JSON of a result: %v", err)
	}
	if utf8.RuneCountInString(a.Status.Summary) > maxSummary || utf8.RuneCountInString(a.Status.ExternalExecutionID) > maxID {
		return s, malformed("has a Summary of more than %d characters, or an ExternalExecutionId of more than %d", maxSummary, maxID)
	}
	details := jobworker.Details{Summary: a.Status.Summary, ExternalID: a.Status.ExternalExecutionID}
	token := a.token()
	switch is := func(r string) bool { return strings.EqualFold(a.Result, r) }; {
	case !is("Success") && !is("Continue") && !is("Fail"):
		return s, malformed("has the result %.40q, which is none of Success, Continue and Fail", a.Result)
	case !is("Success") && len(a.OutputVariables) > 0:
		return s, malformed("has outputVariables, which go with Success only")
	case !is("Continue") && token != "":
		return s, malformed("has a continuation, which goes with Continue only")
	case !is("Fail") && a.FailureType != "":
		return s, malformed("has a failureType, which goes with Fail only")
	case is("Success"):
		return jobworker.Success{Details: &details, OutputVariables: a.OutputVariables}, nil
	case is("Continue"):
		if n := utf8.RuneCountInString(token); n == 0 || n > maxToken {
			return s, malformed("has a continuation of %d characters; Continue needs one of 1 to %d", n, maxToken)
		}
		return s, jobworker.ContinueLater(token, details)
	}
	kind, known := failureTypes[a.FailureType]
	if !known {
		return s, malformed("has the failureType %.40q, which is none of AWS's", a.FailureType)
	}
	return s, a.failure(function, kind)
}

// token is the continuation as a token: a text as it is, else its JSON.
func (a *answer) token() string {
	var text *string
	if json.Unmarshal(a.Continuation, &text) == nil {
		if text == nil {
			return ""
		}
		return *text
	}
	var short bytes.Buffer
	if json.Compact(&short, a.Continuation) != nil {
		return ""
	}
	return short.String()
}

func (a *answer) failure(function, kind string) error {
	text := a.Message
	if text == "" {
		text = a.Status.Summary
	}
	if text == "" {
		text = "The function " + function + " answered Fail."
	}
	return &jobworker.Failure{Type: kind, Message: text, ExternalID: a.Status.ExternalExecutionID}
}

// verdict reads the answer of a rule's function. No answer, and one of another
// form, is a success.
func verdict(function string, body []byte) (s jobworker.Success, err error) {
	var a answer
	if json.Unmarshal(body, &a) != nil {
		a = answer{}
	}
	if utf8.RuneCountInString(a.Status.ExternalExecutionID) > maxID {
		a.Status.ExternalExecutionID = ""
	}
	a.Status.Summary = head(a.Status.Summary, maxSummary)
	switch {
	case strings.EqualFold(a.Result, "Fail"):
		kind, known := failureTypes[a.FailureType]
		if !known {
			kind = jobworker.JobFailed
		}
		return s, a.failure(function, kind)
	case strings.EqualFold(a.Result, "Continue"):
		return s, jobworker.Permanent(jobworker.JobFailed, "The function %s answered Continue, which rules do not know: they have to decide in one call.", function)
	}
	s.Details = &jobworker.Details{Summary: a.Status.Summary, ExternalID: a.Status.ExternalExecutionID}
	if s.Details.Summary == "" {
		s.Details.Summary = "The function " + function + " answered"
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

// Package lambda is the rule Rule/AWS/LambdaInvoke: a function decides a stage's
// condition. A function is a URL of the server's settings, or a function of AWS
// Lambda or of an endpoint that speaks its API. Which URLs are called is the
// operator's to say: a declaration only picks one by name.
package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"penstock/internal/provider"
	"penstock/jobworker"
)

const (
	// timeLimit is how long a function may run, as at AWS.
	timeLimit = 15 * time.Minute
	// maxAnswer is how much of a function's answer is read, in bytes; AWS
	// takes up to 6 MB, a verdict is short.
	maxAnswer = 256 << 10
	// Lengths of ExecutionDetails, in bytes of what the API counts in
	// characters.
	maxSummary = 2048
	maxID      = 1500
)

// Config says which functions there are.
type Config struct {
	// Functions are URLs by function name; they go before Endpoint.
	Functions map[string]string
	// Endpoint is the URL of an API of AWS Lambda for all other functions; ""
	// is none.
	Endpoint string
	// AWS holds the credentials for Endpoint.
	AWS aws.Config
	// Transport carries the calls of Functions. Default
	// http.DefaultTransport.
	Transport http.RoundTripper
}

// Rule is the provider.
type Rule struct {
	c    Config
	http *http.Client
}

// New returns the provider.
func New(c Config) *Rule {
	return &Rule{c: c, http: &http.Client{
		Transport: c.Transport,
		// A redirect would lead where no setting points.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Type implements provider.Provider.
func (r *Rule) Type() jobworker.ActionType { return provider.Type("Rule", "LambdaInvoke") }

// Run implements provider.Provider. It hands the function the event of a
// pipeline's job and takes its answer as the verdict. A second run calls the
// function again, with the same job id.
func (r *Rule) Run(ctx context.Context, t *jobworker.Task) (s jobworker.Success, err error) {
	name := t.Job.Configuration["FunctionName"]
	if name == "" {
		return s, jobworker.Permanent(jobworker.ConfigurationError, "The configuration of the rule lacks FunctionName.")
	}
	address, mapped := r.c.Functions[name]
	if !mapped && r.c.Endpoint == "" {
		return s, jobworker.Permanent(jobworker.ConfigurationError,
			"The function %s is not configured on this server. Start it with --lambda-function %s=URL, or with --lambda-endpoint.", name, name)
	}
	credentials, err := t.Credentials(ctx)
	if err != nil {
		return s, err
	}
	event, err := json.Marshal(eventOf(t.Job, credentials))
	if err != nil {
		return s, err
	}
	limited, cancel := context.WithTimeout(ctx, timeLimit)
	defer cancel()
	var body []byte
	if mapped {
		body, err = r.post(limited, address, event)
	} else {
		_, region := provider.Owner(t.Job)
		body, err = r.invoke(limited, name, region, event)
	}
	switch {
	case ctx.Err() != nil:
		return s, fmt.Errorf("function %s: %w", name, context.Cause(ctx))
	case limited.Err() != nil:
		return s, jobworker.Permanent(jobworker.JobFailed, "The function %s did not answer within %v.", name, timeLimit)
	case err != nil:
		if f, ok := errors.AsType[*jobworker.Failure](err); ok {
			return s, f
		}
		return s, jobworker.Permanent(jobworker.SystemUnavailable, "The function %s cannot be called: %v", name, err)
	}
	return verdict(name, body)
}

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

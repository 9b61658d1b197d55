package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"penstock/internal/provider"
	"penstock/jobworker"
)

// Config says which functions there are.
type Config struct {
	// Functions are the targets by name of the function: a URL that the event
	// is posted to, or "exec:" and a command line for /bin/sh that reads the
	// event. "*" is for all functions that have no target of their own.
	Functions map[string]string
	// Endpoint is the URL of an API of AWS Lambda for all other functions; ""
	// is none.
	Endpoint string
	// AWS holds the credentials for Endpoint.
	AWS aws.Config
	// Transport carries the calls of Functions. Default
	// http.DefaultTransport.
	Transport http.RoundTripper
	// TimeLimit is how long a function may run. Default 15 minutes, as at AWS.
	TimeLimit time.Duration
	// Environment is what a command sees beside the event; account and region
	// are those of the pipeline, and the account is "" for a function that does
	// not report by the API. Default: nothing.
	Environment func(account, region, function string) []string
	// Logs keep what commands print and how calls went. Default: nobody.
	Logs provider.Logs
	// Commands is how many functions that are commands run at the same time.
	// Default 8.
	Commands int
	// Sleep waits, or returns the cause of ctx. Default: by the clock.
	Sleep func(ctx context.Context, d time.Duration) error
}

// commandPrefix begins targets that are commands.
const commandPrefix = "exec:"

// maxCalls is how many calls over the network run at the same time.
const maxCalls = 256

// Functions are the functions that the server can call. Which URLs and commands
// that are is the operator's to say: a declaration only picks one by name.
type Functions struct {
	c               Config
	http            *http.Client
	commands, calls chan struct{} // hold what runs
}

// NewFunctions returns the functions of the settings.
func NewFunctions(c Config) *Functions {
	if c.TimeLimit <= 0 {
		c.TimeLimit = 15 * time.Minute
	}
	if c.Commands <= 0 {
		c.Commands = 8
	}
	if c.Environment == nil {
		c.Environment = func(string, string, string) []string { return nil }
	}
	if c.Sleep == nil {
		c.Sleep = provider.Pause
	}
	return &Functions{c: c, commands: make(chan struct{}, c.Commands), calls: make(chan struct{}, maxCalls), http: &http.Client{
		Transport: c.Transport,
		// A redirect would lead where no setting points.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// enter waits until the target can be called; leave is to be called after it.
func (f *Functions) enter(ctx context.Context, target string) (leave func(), err error) {
	slots := f.calls
	if strings.HasPrefix(target, commandPrefix) {
		slots = f.commands
	}
	select {
	case slots <- struct{}{}:
		return func() { <-slots }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// name is a function as configurations name it: NAME, ACCOUNT:function:NAME or
// the ARN, each with or without :VERSION or :ALIAS.
type name struct{ text, region, function, qualifier string }

func parseName(text string) name {
	n := name{text: text}
	parts := strings.Split(text, ":")
	for i, p := range parts {
		if p == "function" && i+1 < len(parts) {
			if i >= 3 {
				n.region = parts[i-2]
			}
			parts = parts[i+1:]
			break
		}
	}
	n.function = parts[0]
	if len(parts) > 1 {
		n.qualifier = parts[1]
	}
	return n
}

// target finds what the settings say about a function, the most exact first.
func (f *Functions) target(n name) (string, bool) {
	for _, key := range []string{n.text, strings.TrimSuffix(n.text, ":"+n.qualifier), n.function + ":" + n.qualifier, n.function, "*"} {
		if t, ok := f.c.Functions[key]; ok {
			return t, true
		}
	}
	return "", false
}

// find finds the function of a configuration. An error is what to report.
func (f *Functions) find(function string) (n name, target string, err error) {
	if function == "" {
		return n, "", jobworker.Permanent(jobworker.ConfigurationError, "The configuration lacks FunctionName.")
	}
	n = parseName(function)
	target, ok := f.target(n)
	if !ok && f.c.Endpoint == "" {
		return n, "", jobworker.Permanent(jobworker.ConfigurationError,
			"The function %s is not configured on this server. Start it with --lambda-function %s=URL, or with --lambda-endpoint.", function, n.function)
	}
	return n, target, nil
}

// request is one call of a function.
type request struct {
	name   name
	target string // "" is the API of Lambda
	job    jobworker.Job
	event  any
	log    *callLog
	// reports says that the function has to call the API.
	reports bool
	// queue leaves the event with Lambda, where that can be; the answer is of
	// no interest.
	queue bool
}

// call calls the function and returns its answer. The error is a *callError, or
// the cause of ctx.
func (f *Functions) call(ctx context.Context, r request) ([]byte, error) {
	event, err := json.Marshal(r.event)
	if err != nil {
		return nil, err
	}
	limited, cancel := context.WithTimeout(ctx, f.c.TimeLimit)
	defer cancel()
	var body []byte
	switch {
	case r.target == "":
		body, err = f.invoke(limited, r, event)
	case strings.HasPrefix(r.target, commandPrefix):
		body, err = f.command(limited, r, strings.TrimPrefix(r.target, commandPrefix), event)
	default:
		body, err = f.post(limited, r, event)
	}
	switch {
	case err == nil:
		return body, nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case limited.Err() != nil:
		return nil, failed(broke, jobworker.JobFailed, "The function %s did not answer within %v.", r.name.text, f.c.TimeLimit)
	}
	if _, ok := errors.AsType[*callError](err); ok {
		return nil, err
	}
	return nil, failed(unreached, jobworker.SystemUnavailable, "The function %s cannot be called: %v", r.name.text, err)
}

// trouble says what an error means for another call.
type trouble int

const (
	refused   trouble = iota // another call would end the same way
	broke                    // the function ran, and failed
	unreached                // it did not run: it is busy, or not there
)

// callError is a call that went wrong; Failure is how to report it.
type callError struct {
	trouble
	*jobworker.Failure
}

// Unwrap makes the failure what a worker reports.
func (e *callError) Unwrap() error { return e.Failure }

func failed(t trouble, kind, format string, args ...any) error {
	f, _ := errors.AsType[*jobworker.Failure](jobworker.Permanent(kind, format, args...))
	return &callError{t, f}
}

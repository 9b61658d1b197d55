package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"penstock/internal/api"
	"penstock/internal/clientcfg"
	"penstock/jobworker"
)

// Exit codes, as the help of penstock documents them.
const (
	exitOK          = 0
	exitFailure     = 1
	exitUsage       = 2
	exitUnreachable = 3
	exitRefused     = 4
	exitInterrupted = 130
)

// failure is an error for people: what happened, and what to do about it.
type failure struct {
	code       int
	what, todo string
}

// Error implements error.
func (f *failure) Error() string {
	if f.todo == "" {
		return f.what
	}
	return f.what + "; " + f.todo
}

// usage is a command line that cannot be run.
func usage(cmd *cobra.Command, format string, args ...any) error {
	return &failure{exitUsage, fmt.Sprintf(format, args...), fmt.Sprintf("see `%s --help`", cmd.CommandPath())}
}

// misconfigured is a failure to find the server or the credentials.
func misconfigured(err error) error {
	todo := "check --endpoint-url, --profile and the AWS configuration"
	if errors.Is(err, clientcfg.ErrNoCredentials) {
		todo = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a --profile, or work in the folder where `penstock server` runs"
	}
	return &failure{exitUsage, err.Error(), todo}
}

// exitCode prints err, once, and returns the exit code of the process.
func exitCode(err error, stderr io.Writer) int {
	if err == nil {
		return exitOK
	}
	f := explain(err)
	fmt.Fprintf(stderr, "penstock: %s\n", f.Error())
	return f.code
}

// explain turns any error into a failure.
func explain(err error) *failure {
	if f, ok := errors.AsType[*failure](err); ok {
		return f
	}
	if errors.Is(err, context.Canceled) {
		return &failure{exitInterrupted, "interrupted", ""}
	}
	if errors.Is(err, clientcfg.ErrCredentials) {
		return &failure{exitUsage, err.Error(), "renew them or name other ones"}
	}
	if e, ok := errors.AsType[*api.APIError](err); ok {
		return refused(e.Code, e.Message, e.Status, e.RequestID)
	}
	if e, ok := errors.AsType[*jobworker.Error](err); ok && e.Status != 0 {
		return refused(e.Code, e.Message, e.Status, "")
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		reason := e.Err.Error()
		switch {
		case e.Timeout():
			reason = "timed out"
		case errors.Is(err, syscall.ECONNREFUSED):
			reason = "connection refused"
		}
		return &failure{exitUnreachable, fmt.Sprintf("no answer from %s: %s", strings.TrimSuffix(e.URL, "/"), reason),
			"start it with `penstock server`, or name another with --endpoint-url"}
	}
	return &failure{exitFailure, err.Error(), ""}
}

// todos say what to do about a refusal.
var todos = map[string]string{
	"UnrecognizedClientException":         "use a key that this server knows, such as the one in its data folder: AWS_SHARED_CREDENTIALS_FILE=" + clientcfg.LocalCredentials,
	"InvalidSignatureException":           "check the secret access key and this machine's clock",
	"ExpiredTokenException":               "renew the credentials",
	"AccessDeniedException":               "use credentials with this permission",
	"MissingAuthenticationTokenException": "check the credentials",
	"UnknownOperationException":           "check that --endpoint-url names a Penstock server of this version",
	"PipelineNotFoundException":           "`penstock status` lists the pipelines of this account and region",
	"ActionNotFoundException":             "`penstock status PIPELINE` shows its stages and actions",
	"ActionTypeNotFoundException":         "register it with `penstock action-type register`, or with `aws codepipeline create-custom-action-type`",
	"InvalidClientTokenException":         "take the token that `penstock partner connect` printed",
	"ThrottlingException":                 "try again later",
	"ServiceUnavailableException":         "try again later",
}

// refused is an error answer of the server.
func refused(code, message string, status int, requestID string) *failure {
	what := code
	if message = strings.TrimRight(clean(message), "."); message != "" {
		what += ": " + message
	}
	f := &failure{exitRefused, what, todos[code]}
	switch {
	case status >= http.StatusInternalServerError && status != http.StatusServiceUnavailable:
		f.code, f.todo = exitFailure, "see the log of the server"
		if requestID != "" {
			f.todo += " for request id " + requestID
		}
	case requestID == "" && status != http.StatusBadRequest:
		f.todo = todos["UnknownOperationException"]
	}
	return f
}

// unreachable says whether the server did not answer, which may pass.
func unreachable(err error) bool {
	f := explain(err)
	if e, ok := errors.AsType[*api.APIError](err); ok && e.Status == http.StatusServiceUnavailable {
		return true
	}
	return f.code == exitUnreachable
}

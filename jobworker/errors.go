package jobworker

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// ErrLost says that a job is not (or no longer) this worker's: another worker
// took it, it has ended, was stopped, or is unknown. Drop it without a report.
var ErrLost = errors.New("jobworker: the job is no longer this worker's")

// ErrStopping is the cause of a handler's context that ended because the Worker
// drained and its grace period was over.
var ErrStopping = errors.New("jobworker: the worker is stopping")

// Error is a refusal by the service.
type Error struct {
	Operation string // API operation, e.g. "AcknowledgeJob"
	Code      string // AWS error code, e.g. "InvalidNonceException"
	Message   string
	Status    int // HTTP status, 0 when unknown
	Err       error
}

// Error implements error.
func (e *Error) Error() string {
	s := e.Operation + ": " + e.Code
	if e.Message != "" {
		s += ": " + e.Message
	}
	return s
}

// Unwrap returns the transport's error, if any.
func (e *Error) Unwrap() error { return e.Err }

// Is makes errors.Is(err, ErrLost) true for the codes that mean it.
func (e *Error) Is(target error) bool {
	if target != ErrLost {
		return false
	}
	switch e.Code {
	case "JobNotFoundException", "InvalidJobStateException", "InvalidNonceException", "InvalidJobException":
		return true
	}
	return false
}

// temporaryCodes are error codes that a later try may not meet again, whatever
// their HTTP status.
var temporaryCodes = map[string]bool{
	"Throttling": true, "ThrottlingException": true, "ThrottledException": true,
	"RequestThrottled": true, "RequestThrottledException": true, "TooManyRequestsException": true,
	"RequestLimitExceeded": true, "SlowDown": true, "PriorRequestNotComplete": true,
	"InternalFailure": true, "InternalError": true, "InternalServerError": true,
	"ServiceUnavailable": true, "ServiceUnavailableException": true,
	"RequestTimeout": true, "RequestTimeoutException": true,
	"ConcurrentModificationException": true,
}

// Retryable reports whether the same call may go well later: throttling, a
// failing server or a broken connection. Everything a server refuses for a
// reason of its own, a lost job and a cancelled context are final. Errors
// without a code count as broken connections.
func Retryable(err error) bool {
	if err == nil || errors.Is(err, ErrLost) || errors.Is(err, context.Canceled) {
		return false
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Status >= http.StatusInternalServerError || e.Status == http.StatusTooManyRequests || temporaryCodes[e.Code]
	}
	return true
}

// continueLater is the error of ContinueLater.
type continueLater struct {
	token   string
	details Details
}

func (c *continueLater) Error() string { return "jobworker: continue in a later job" }

// ContinueLater returns the error with which a Handler says that this job went
// well but the work goes on elsewhere: the action stays in progress, and a later
// job with the given token (1 to 2048 characters) asks again.
func ContinueLater(token string, details Details) error {
	return &continueLater{token: token, details: details}
}

// Permanent returns a *Failure of the given type (one of the failure types of
// PutJobFailureResult, e.g. ConfigurationError).
func Permanent(failureType, format string, args ...any) error {
	return &Failure{Type: failureType, Message: fmt.Sprintf(format, args...)}
}

// clip cuts s to at most n characters of valid UTF-8.
func clip(s string, n int) string {
	s = strings.ToValidUTF8(s, "�")
	if len(s) <= n {
		return s
	}
	runes := []rune(s)
	if len(runes) <= n {
		return s
	}
	return string(runes[:n-1]) + "…"
}

package api

import (
	"context"
	"errors"
	"net/http"

	"penstock/internal/core/fault"
	"penstock/internal/trouble"
)

// Codes that this package itself answers with.
const (
	codeSerialization      = "SerializationException"
	codeUnknownOperation   = "UnknownOperationException"
	codeTooLarge           = "RequestEntityTooLargeException"
	codeRequestTimeout     = "RequestTimeoutException"
	codeMalformedRequest   = "MalformedHttpRequestException"
	codeInternalFailure    = "InternalFailure"
	codeServiceUnavailable = "ServiceUnavailableException"
)

// statuses are the errors common to all operations, with their HTTP status.
// Every other code is an exception of the model and a 400.
var statuses = map[string]int{
	"AccessDeniedException":               http.StatusBadRequest,
	"ExpiredTokenException":               http.StatusBadRequest,
	"IncompleteSignatureException":        http.StatusBadRequest,
	"InvalidSignatureException":           http.StatusBadRequest,
	"MissingAuthenticationTokenException": http.StatusBadRequest,
	"RequestExpired":                      http.StatusBadRequest,
	"ThrottlingException":                 http.StatusBadRequest,
	"UnrecognizedClientException":         http.StatusBadRequest,
	ValidationException:                   http.StatusBadRequest,
	codeSerialization:                     http.StatusBadRequest,
	codeUnknownOperation:                  http.StatusBadRequest,
	codeMalformedRequest:                  http.StatusBadRequest,
	codeTooLarge:                          http.StatusRequestEntityTooLarge,
	codeRequestTimeout:                    http.StatusRequestTimeout,
	codeInternalFailure:                   http.StatusInternalServerError,
	codeServiceUnavailable:                http.StatusServiceUnavailable,
}

// wireError is an error as the caller sees it.
type wireError struct {
	code    string
	message string
	status  int
	// internal is set when the cause must not leave the process: it belongs
	// into the log.
	internal bool
}

// toWire is the one place that turns an error into a code, a text and a
// status. What is not a *fault.Error is an internal failure without a text; a
// call that ended because its context did is told to try again, and one that
// failed for what the server stands on is told what that is.
func toWire(ctx context.Context, err error) wireError {
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Code != "" {
		status, ok := statuses[f.Code]
		if !ok {
			status = http.StatusBadRequest
		}
		return wireError{code: f.Code, message: f.Message, status: status}
	}
	if ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) {
		return wireError{code: codeServiceUnavailable, status: http.StatusServiceUnavailable}
	}
	if text := trouble.Text(err); text != "" {
		return wireError{code: codeServiceUnavailable, message: text, status: http.StatusServiceUnavailable, internal: true}
	}
	return wireError{code: codeInternalFailure, status: http.StatusInternalServerError, internal: true}
}

// appendJSON appends the error body. Serialization errors spell the key
// "Message", all others "message"; without a text there is none.
func (e wireError) appendJSON(b []byte) []byte {
	b = append(b, `{"__type":`...)
	b = appendText(b, e.code)
	if e.message != "" {
		key := `,"message":`
		if e.code == codeSerialization {
			key = `,"Message":`
		}
		b = append(b, key...)
		b = appendText(b, e.message)
	}
	return append(b, '}')
}

// Package fault holds the one error type that carries an AWS error code from
// the rule that found it to the wire. It imports the standard library only, so
// that every layer may use it.
package fault

import (
	"errors"
	"fmt"
)

// Error is a refusal that a caller sees: an AWS error code and a sentence for
// people. Any other error that reaches the wire is an internal failure whose
// text stays in the log.
type Error struct {
	// Code is the modelled exception name or a common AWS code, for example
	// "PipelineNotFoundException".
	Code string
	// Message names the member or object and the rule it broke. It never
	// carries secrets or nonces.
	Message string
}

// Error implements error.
func (e *Error) Error() string {
	if e.Message == "" {
		return e.Code
	}
	return e.Code + ": " + e.Message
}

// New returns an *Error with the given code and formatted message.
func New(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Code returns the AWS code of the first *Error in err's chain, or "" when
// there is none: such an error is an internal failure.
func Code(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return ""
}

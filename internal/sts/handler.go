// Package sts answers the operations of AWS STS that clients call on their own
// accord: GetCallerIdentity, AssumeRole and GetSessionToken. They speak the
// Query protocol: form in, XML out. See the AWS STS API reference,
// version 2011-06-15.
package sts

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"

	"penstock/internal/auth"
	"penstock/internal/sigv4"
	"penstock/internal/trouble"
)

const (
	version   = "2011-06-15"
	namespace = "https://sts.amazonaws.com/doc/2011-06-15/"
	maxBody   = 256 << 10 // an AssumeRole with all its policies is below 64 KiB
)

// Handler is STS over HTTP. It takes the form from the body of a POST or the
// query of a GET, so presigned GetCallerIdentity requests work.
type Handler struct {
	auth     *auth.Authenticator
	sessions *auth.Sessions
	newID    func() string
	log      *slog.Logger
}

// New returns the handler. newID makes request ids.
func New(a *auth.Authenticator, s *auth.Sessions, newID func() string, log *slog.Logger) *Handler {
	return &Handler{auth: a, sessions: s, newID: newID, log: log}
}

// apiError is a refusal in the Query protocol.
type apiError struct {
	status        int
	code, message string
}

// Error implements error.
func (e *apiError) Error() string { return e.code + ": " + e.message }

// operations are keyed by the form's Action.
var operations = map[string]func(*Handler, auth.Principal, url.Values) (any, error){
	"GetCallerIdentity": (*Handler).getCallerIdentity,
	"AssumeRole":        (*Handler).assumeRole,
	"GetSessionToken":   (*Handler).getSessionToken,
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	requestID := h.newID()
	result, err := h.answer(w, r)
	status := http.StatusOK
	var body any
	if err == nil {
		body = response{Result: result, RequestID: requestID}
	} else {
		e := wireError(err)
		if e.status >= 500 {
			h.log.ErrorContext(r.Context(), "sts: request failed", "request_id", requestID, "error", err)
		}
		status, body = e.status, newErrorResponse(e, requestID)
	}
	var out bytes.Buffer
	if err := xml.NewEncoder(&out).Encode(body); err != nil {
		h.log.ErrorContext(r.Context(), "sts: encoding failed", "request_id", requestID, "error", err)
		http.Error(w, "", http.StatusInternalServerError)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "text/xml")
	header.Set("Content-Length", strconv.Itoa(out.Len()))
	header.Set("x-amzn-RequestId", requestID)
	w.WriteHeader(status)
	w.Write(out.Bytes())
}

func (h *Handler) answer(w http.ResponseWriter, r *http.Request) (any, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			return nil, &apiError{http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "The request body is larger than " + strconv.Itoa(maxBody) + " bytes."}
		}
		return nil, &apiError{http.StatusRequestTimeout, "RequestTimeout", "The request body was not received."}
	}
	caller, err := h.auth.AuthenticateSTS(r, body)
	if err != nil {
		return nil, err
	}
	raw := r.URL.RawQuery
	if r.Method == http.MethodPost {
		raw = string(body)
	}
	form, err := url.ParseQuery(raw)
	if err != nil {
		return nil, &apiError{http.StatusBadRequest, "MalformedQueryString", "The query string contains a syntax error."}
	}
	action := form.Get("Action")
	if action == "" {
		return nil, &apiError{http.StatusBadRequest, "MissingAction", "Missing Action"}
	}
	operation, ok := operations[action]
	if v := form.Get("Version"); !ok || v != version {
		if v == "" {
			v = "NO_VERSION_SPECIFIED"
		}
		return nil, &apiError{http.StatusBadRequest, "InvalidAction", "Could not find operation " + action + " for version " + v}
	}
	if caller.Job != nil {
		return nil, denied(caller, action, "")
	}
	return operation(h, caller, form)
}

func denied(caller auth.Principal, action, resource string) error {
	message := "User: " + caller.ARN + " is not authorized to perform: sts:" + action
	if resource != "" {
		message += " on resource: " + resource
	}
	return &apiError{http.StatusForbidden, "AccessDenied", message}
}

func wireError(err error) *apiError {
	if e, ok := errors.AsType[*apiError](err); ok {
		return e
	}
	if e, ok := errors.AsType[*sigv4.Error](err); ok {
		code, status := e.Query()
		return &apiError{status, code, e.Message}
	}
	if text := trouble.Text(err); text != "" {
		return &apiError{http.StatusServiceUnavailable, "ServiceUnavailable", text}
	}
	return &apiError{http.StatusInternalServerError, "InternalFailure", "The request processing has failed because of an unknown error, exception or failure."}
}

package lambda

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"

	"penstock/internal/provider"
	"penstock/jobworker"
)

// maxAnswer is how much of a function's answer is read, in bytes; AWS takes up
// to 6 MB, a result is short.
const maxAnswer = 256 << 10

// post calls a function that is a URL. The address may hold a secret and is in
// no error.
func (f *Functions) post(ctx context.Context, r request, event []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.target, bytes.NewReader(event))
	if err != nil {
		return nil, failed(refused, jobworker.ConfigurationError, "The address of the function is not a URL.")
	}
	req.Header.Set("Content-Type", "application/json")
	answer, err := f.http.Do(req)
	if err != nil {
		return nil, lost(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	status := answer.StatusCode
	switch {
	case err != nil:
		return nil, lost(err)
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return nil, failed(refused, jobworker.PermissionError, "The function answered with status %s.", answer.Status)
	case status == http.StatusNotFound || status == http.StatusGone:
		return nil, failed(refused, jobworker.ConfigurationError, "The function answered with status %s.", answer.Status)
	case status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable:
		return nil, failed(unreached, jobworker.SystemUnavailable, "The function answered with status %s.", answer.Status)
	case status < 200 || status > 299:
		return nil, failed(broke, jobworker.JobFailed, "The function answered with status %s.", answer.Status)
	case len(body) > maxAnswer && !r.queue:
		return nil, tooLong()
	case answer.Header.Get("X-Amz-Function-Error") != "":
		return nil, thrown(body)
	}
	return body, raised(body)
}

// lost is a request without an answer. Without a connection the function did
// not run.
func lost(err error) error {
	if outer, ok := errors.AsType[*url.Error](err); ok {
		err = outer.Err
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return err
	}
	return failed(broke, jobworker.SystemUnavailable, "The function gave no answer: %v", err)
}

func tooLong() error {
	return failed(broke, jobworker.SystemUnavailable, "The answer of the function is longer than %d bytes.", maxAnswer)
}

// errorDocument is what runtimes of Lambda return when a function throws.
type errorDocument struct {
	Message *string `json:"errorMessage"`
	Type    *string `json:"errorType"`
}

// raised finds the error of a function whose runtime answers 200 even so, as
// the runtime interface emulator does.
func raised(body []byte) error {
	var e errorDocument
	if json.Unmarshal(body, &e) != nil || e.Message == nil || e.Type == nil {
		return nil
	}
	return thrown(body)
}

// thrown is the error of a function that says itself that it failed.
func thrown(body []byte) error {
	var e errorDocument
	if json.Unmarshal(body, &e) == nil && e.Message != nil && *e.Message != "" {
		return failed(broke, jobworker.JobFailed, "The function failed: %s", head(*e.Message, maxSummary))
	}
	return failed(broke, jobworker.JobFailed, "The function failed.")
}

// invoke calls a function by the API of AWS Lambda.
func (f *Functions) invoke(ctx context.Context, r request, event []byte) ([]byte, error) {
	_, region := provider.Owner(r.job)
	if r.name.region != "" {
		region = r.name.region
	}
	client := lambda.NewFromConfig(f.c.AWS, func(o *lambda.Options) {
		o.BaseEndpoint = aws.String(f.c.Endpoint)
		o.Region = region
		o.RetryMaxAttempts = 1 // the function may have begun
	})
	in := &lambda.InvokeInput{FunctionName: &r.name.text, Payload: event}
	if r.queue {
		in.InvocationType = types.InvocationTypeEvent
	}
	out, err := client.Invoke(ctx, in)
	if no, ok := errors.AsType[smithy.APIError](err); ok {
		t, kind := unreached, jobworker.SystemUnavailable
		switch no.ErrorCode() {
		case "ResourceNotFoundException", "InvalidParameterValueException", "RequestTooLargeException", "InvalidRequestContentException":
			t, kind = refused, jobworker.ConfigurationError
		case "AccessDeniedException", "UnrecognizedClientException", "InvalidSignatureException", "ExpiredTokenException":
			t, kind = refused, jobworker.PermissionError
		}
		return nil, failed(t, kind, "The function %s cannot be called: %s: %s", r.name.text, no.ErrorCode(), no.ErrorMessage())
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("no answer of its endpoint: %w", err)
	case out.FunctionError != nil:
		return nil, thrown(out.Payload)
	case len(out.Payload) > maxAnswer:
		return nil, tooLong()
	}
	return out.Payload, nil
}

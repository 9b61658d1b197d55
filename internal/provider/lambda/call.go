package lambda

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/smithy-go"

	"penstock/jobworker"
)

// post calls a function that is a URL.
func (r *Rule) post(ctx context.Context, address string, event []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(event))
	if err != nil {
		return nil, errors.New("its address is not a URL")
	}
	req.Header.Set("Content-Type", "application/json")
	answer, err := r.http.Do(req)
	if failed, ok := errors.AsType[*url.Error](err); ok {
		return nil, failed.Err // the address may hold a secret
	}
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, err
	case answer.StatusCode < 200 || answer.StatusCode > 299:
		return nil, jobworker.Permanent(jobworker.JobFailed, "The function answered with status %s.", answer.Status)
	case len(body) > maxAnswer:
		return nil, fmt.Errorf("its answer is longer than %d bytes", maxAnswer)
	}
	return body, nil
}

// invoke calls a function by the API of AWS Lambda and waits for its answer.
func (r *Rule) invoke(ctx context.Context, name, region string, event []byte) ([]byte, error) {
	client := lambda.NewFromConfig(r.c.AWS, func(o *lambda.Options) {
		o.BaseEndpoint = aws.String(r.c.Endpoint)
		o.Region = region
		o.RetryMaxAttempts = 1 // the function may have begun
	})
	out, err := client.Invoke(ctx, &lambda.InvokeInput{FunctionName: &name, Payload: event})
	if refused, ok := errors.AsType[smithy.APIError](err); ok {
		kind := jobworker.SystemUnavailable
		switch refused.ErrorCode() {
		case "ResourceNotFoundException", "InvalidParameterValueException":
			kind = jobworker.ConfigurationError
		case "AccessDeniedException", "UnrecognizedClientException", "InvalidSignatureException", "ExpiredTokenException":
			kind = jobworker.PermissionError
		}
		return nil, jobworker.Permanent(kind, "The function %s cannot be called: %s: %s", name, refused.ErrorCode(), refused.ErrorMessage())
	}
	if err != nil {
		return nil, err
	}
	if out.FunctionError != nil {
		var thrown struct{ ErrorMessage, ErrorType string }
		text := ""
		if json.Unmarshal(out.Payload, &thrown) == nil && thrown.ErrorMessage != "" {
			text = ": " + head(thrown.ErrorMessage, maxSummary)
		}
		return nil, jobworker.Permanent(jobworker.JobFailed, "The function %s failed%s", name, text)
	}
	if len(out.Payload) > maxAnswer {
		return nil, fmt.Errorf("its answer is longer than %d bytes", maxAnswer)
	}
	return out.Payload, nil
}

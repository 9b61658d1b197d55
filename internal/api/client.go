package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxAnswer is the largest answer a client reads, in bytes.
const maxAnswer = 64 << 20

// Client calls CodePipeline, or Penstock's own operations, over HTTP. It is a
// Service. It does not repeat calls. The zero value of HTTP is
// http.DefaultClient, that of Sign leaves requests unsigned.
type Client struct {
	Endpoint string // for example http://127.0.0.1:7480
	HTTP     *http.Client
	Sign     func(r *http.Request, body []byte) error
}

// APIError is an error answer of the service.
type APIError struct {
	Code      string
	Message   string
	Status    int // HTTP
	RequestID string
}

// Error implements error.
func (e *APIError) Error() string {
	text := e.Code
	if e.Message != "" {
		text += ": " + e.Message
	}
	if e.RequestID != "" {
		text += " (request id " + e.RequestID + ")"
	}
	return text
}

type waitKey struct{}

// WithWait returns a context whose calls ask the server to wait up to d, in
// whole seconds, for something to report. Penstock does for polls; AWS ignores
// it.
func WithWait(ctx context.Context, d time.Duration) context.Context {
	return context.WithValue(ctx, waitKey{}, d)
}

// Call runs one operation of the model; target is "CodePipeline_20150709.Name".
// A nil out drops the answer. Errors of the service are *APIError.
func (c *Client) Call(ctx context.Context, target string, in, out Shape) error {
	answer, err := c.send(ctx, target, Encode(in))
	if err != nil || out == nil {
		return err
	}
	if len(answer) == 0 {
		answer = []byte("{}")
	}
	if err := Decode(answer, out); err != nil {
		return fmt.Errorf("%s: reading the answer: %w", target, err)
	}
	return nil
}

// CallRaw runs an operation outside of the model with encoding/json. A nil in
// sends {}, a nil out drops the answer. Errors of the service are *APIError.
func (c *Client) CallRaw(ctx context.Context, target string, in, out any) error {
	body := []byte("{}")
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return fmt.Errorf("%s: %w", target, err)
		}
	}
	answer, err := c.send(ctx, target, body)
	if err != nil || out == nil || len(answer) == 0 {
		return err
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("%s: reading the answer: %w", target, err)
	}
	return nil
}

// send posts body and returns the body of a successful answer.
func (c *Client) send(ctx context.Context, target string, body []byte) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(c.Endpoint, "/")+"/", bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", target, err)
	}
	r.Header.Set("Content-Type", contentType[0])
	r.Header.Set("X-Amz-Target", target)
	if wait, ok := ctx.Value(waitKey{}).(time.Duration); ok && wait >= time.Second {
		r.Header.Set("Prefer", "wait="+strconv.Itoa(int(wait/time.Second)))
	}
	if c.Sign != nil {
		if err := c.Sign(r, body); err != nil {
			return nil, fmt.Errorf("%s: signing: %w", target, err)
		}
	}
	client := c.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", target, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("%s: reading the answer: %w", target, err)
	}
	if len(answer) > maxAnswer {
		return nil, fmt.Errorf("%s: the answer is larger than %d bytes", target, maxAnswer)
	}
	if resp.StatusCode/100 != 2 {
		return nil, apiError(resp, answer)
	}
	return answer, nil
}

// apiError reads an error answer: the code from the body, else from the
// header, else the HTTP status; a body that is not JSON becomes the message.
func apiError(resp *http.Response, body []byte) *APIError {
	e := &APIError{Status: resp.StatusCode, RequestID: resp.Header.Get("X-Amzn-Requestid")}
	var v struct {
		Type    string `json:"__type"`
		Message string `json:"message"` // encoding/json takes Message too
	}
	if json.Unmarshal(body, &v) != nil {
		v.Message = string(body)
	}
	for _, code := range []string{v.Type, resp.Header.Get("X-Amzn-Errortype"), strconv.Itoa(resp.StatusCode)} {
		code, _, _ = strings.Cut(code, ":")
		if i := strings.LastIndexByte(code, '#'); i >= 0 {
			code = code[i+1:]
		}
		if code != "" {
			e.Code = code
			break
		}
	}
	e.Message = v.Message
	return e
}

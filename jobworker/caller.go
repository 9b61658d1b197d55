package jobworker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Caller makes one call of the CodePipeline API over JSON 1.1: in is encoded,
// the answer decoded into out (nil: ignored). A refusal is an *Error.
type Caller interface {
	Call(ctx context.Context, operation string, in, out any) error
}

// Config says where the API is and who calls.
type Config struct {
	// Endpoint is the base URL, e.g. "http://127.0.0.1:7480" or
	// "https://codepipeline.eu-west-1.amazonaws.com".
	Endpoint string
	// Region goes into the signature's credential scope.
	Region string
	// Credentials returns the caller's credentials; it is asked for each call
	// and should cache. See Static.
	Credentials func(context.Context) (Credentials, error)
	// HTTP is the client to use. Default: one that follows no redirects.
	HTTP *http.Client
	// Timeout bounds one call, the time that a poll may wait not counted.
	// Default 20 s.
	Timeout time.Duration
}

// Static returns a Config.Credentials that always gives c.
func Static(c Credentials) func(context.Context) (Credentials, error) {
	return func(context.Context) (Credentials, error) { return c, nil }
}

// maxAnswer bounds an answer's size; 100 jobs with all their configuration stay
// far below it.
const maxAnswer = 32 << 20

type httpCaller struct {
	c   Config
	url *url.URL
}

// NewCaller returns a Caller that speaks HTTP and signs with Signature Version 4.
func NewCaller(c Config) (Caller, error) {
	u, err := url.Parse(c.Endpoint)
	if err != nil {
		return nil, fmt.Errorf("jobworker: endpoint: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("jobworker: endpoint %q is not an http or https URL", c.Endpoint)
	}
	if c.Region == "" {
		return nil, errors.New("jobworker: no region")
	}
	if c.Credentials == nil {
		return nil, errors.New("jobworker: no credentials")
	}
	if u.Path == "" {
		u.Path = "/"
	}
	if c.HTTP == nil {
		c.HTTP = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	if c.Timeout <= 0 {
		c.Timeout = 20 * time.Second
	}
	return &httpCaller{c: c, url: u}, nil
}

type waitKey struct{}

// withWait asks the Caller to let the server hold the call open.
func withWait(ctx context.Context, d time.Duration) context.Context {
	return context.WithValue(ctx, waitKey{}, d)
}

// WaitFrom returns how long the server may hold this call open, for other
// implementations of Caller: they send "Prefer: wait=SECONDS".
func WaitFrom(ctx context.Context) time.Duration {
	d, _ := ctx.Value(waitKey{}).(time.Duration)
	return d
}

// Call implements Caller.
func (h *httpCaller) Call(ctx context.Context, operation string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return &Error{Operation: operation, Code: "SerializationException", Message: err.Error(), Err: err}
	}
	wait := WaitFrom(ctx)
	ctx, cancel := context.WithTimeout(ctx, h.c.Timeout+wait)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url.String(), bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%s: %w", operation, err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "CodePipeline_20150709."+operation)
	if wait > 0 {
		req.Header.Set("Prefer", "wait="+strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	}
	creds, err := h.c.Credentials(ctx)
	if err != nil {
		return fmt.Errorf("%s: credentials: %w", operation, err)
	}
	sign(req, body, creds, h.c.Region, time.Now())

	resp, err := h.c.HTTP.Do(req)
	if err != nil {
		return fmt.Errorf("%s: %w", operation, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("%s: read the answer: %w", operation, err)
	}
	if resp.StatusCode != http.StatusOK {
		return refusal(operation, resp, answer)
	}
	if out == nil || len(answer) == 0 {
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("%s: decode the answer: %w", operation, err)
	}
	return nil
}

// refusal reads an error answer: the code stands in the body's __type or in a
// header, maybe with a namespace before it or a URL behind it.
func refusal(operation string, resp *http.Response, body []byte) error {
	var b struct {
		Type    string `json:"__type"`
		Code    string `json:"code"`
		Message string `json:"message"` // also matches "Message"
	}
	_ = json.Unmarshal(body, &b) // an unreadable body still has its status
	code := b.Type
	for _, c := range []string{b.Code, resp.Header.Get("X-Amzn-Errortype"), "HTTP" + strconv.Itoa(resp.StatusCode)} {
		if code == "" {
			code = c
		}
	}
	code = code[strings.LastIndexByte(code, '#')+1:]
	code, _, _ = strings.Cut(code, ":")
	return &Error{Operation: operation, Code: code, Message: b.Message, Status: resp.StatusCode}
}

package api

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"penstock/internal/core/fault"
)

// MaxBody is the largest request body, before and after decompression, in
// bytes.
const MaxBody = 2 << 20

// maxWait is the longest that a caller can ask an operation to wait.
const maxWait = 20 * time.Second

// request is what operations can ask of the request that called them.
type request struct {
	id   string
	from string
	wait time.Duration
	// invocation is what the SDK calls this call in all its attempts.
	invocation string
}

type requestKey struct{}

// requestOf returns the request of a context, an empty one outside of any.
func requestOf(ctx context.Context) *request {
	if r, ok := ctx.Value(requestKey{}).(*request); ok {
		return r
	}
	return &request{}
}

// RequestID returns the id that the answer to this request carries, "" outside
// of a request.
func RequestID(ctx context.Context) string {
	r := requestOf(ctx)
	return r.id
}

// SourceAddress returns the address that the request's connection comes from,
// without the port; "" outside of a request.
func SourceAddress(ctx context.Context) string {
	r := requestOf(ctx)
	host, _, err := net.SplitHostPort(r.from)
	if err != nil {
		return r.from
	}
	return host
}

// InvocationID returns what the caller's SDK calls this call, the same in each
// of its attempts (amz-sdk-invocation-id); "" when it does not say.
func InvocationID(ctx context.Context) string {
	r := requestOf(ctx)
	return r.invocation
}

// maxInvocationID is more than the UUIDs that SDKs send.
const maxInvocationID = 64

// invocationID reads the call's id; one that is too long is none.
func invocationID(h http.Header) string {
	if id := h.Get("Amz-Sdk-Invocation-Id"); len(id) <= maxInvocationID {
		return id
	}
	return ""
}

// PreferWait returns how long the caller is ready to wait for an answer
// (Prefer: wait=N, RFC 7240), at most 20 s; 0 when it did not say so.
func PreferWait(ctx context.Context) time.Duration {
	r := requestOf(ctx)
	return r.wait
}

// preferredWait reads the wait preference; a malformed one is none.
func preferredWait(h http.Header) time.Duration {
	for _, line := range h["Prefer"] {
		for preference := range strings.SplitSeq(line, ",") {
			name, value, _ := strings.Cut(preference, "=")
			if !strings.EqualFold(strings.TrimSpace(name), "wait") {
				continue
			}
			seconds, err := strconv.ParseUint(strings.TrimSpace(value), 10, 31)
			if err != nil {
				return 0
			}
			return min(time.Duration(seconds)*time.Second, maxWait)
		}
	}
	return 0
}

// refusal is an answer in a form that is not JSON 1.1, for requests that are
// not for this protocol.
type refusal struct {
	status      int
	code        string
	contentType string
	body        string
}

func (r *refusal) Error() string { return r.code }

var (
	notAService = &refusal{
		status: http.StatusForbidden, code: "AccessDeniedException", contentType: "text/xml",
		body: "<AccessDeniedException>\n  <Message>Unable to determine service/operation name to be authorized</Message>\n</AccessDeniedException>\n",
	}
	foreignContent = &refusal{
		status: http.StatusNotFound, code: codeUnknownOperation, contentType: "text/xml",
		body: "<UnknownOperationException/>\n",
	}
	plainJSON = &refusal{
		status: http.StatusNotFound, code: codeUnknownOperation, contentType: "application/json",
		body: `{"Output":{"__type":"com.amazon.coral.service#UnknownOperationException"},"Version":"1.0"}`,
	}
)

// checkTransport refuses what is not a call of this protocol.
func checkTransport(r *http.Request) error {
	if r.Method != http.MethodPost {
		return notAService
	}
	contentType, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	switch strings.ToLower(strings.TrimSpace(contentType)) {
	case "application/x-amz-json-1.1", "application/x-amz-json-1.0", "":
		return nil
	case "application/json":
		return plainJSON
	}
	if r.Header.Get("X-Amz-Target") != "" {
		return foreignContent
	}
	return notAService
}

// readBody appends the body of r to b.
func readBody(b []byte, r *http.Request) ([]byte, error) {
	if r.ContentLength > MaxBody {
		return b, fault.New(codeTooLarge, "The request body is larger than %d bytes.", MaxBody)
	}
	if r.ContentLength > 0 {
		b = slices.Grow(b, int(r.ContentLength)+1) // one more, to see the end without growing
	}
	b, err := readLimited(b, r.Body)
	switch {
	case err == nil || fault.Code(err) != "":
		return b, err
	case errors.Is(err, os.ErrDeadlineExceeded):
		return b, fault.New(codeRequestTimeout, "The request body did not arrive in time.")
	default:
		return b, fault.New(codeMalformedRequest, "The request body could not be read.")
	}
}

// readLimited appends all of r to b, up to MaxBody bytes.
func readLimited(b []byte, r io.Reader) ([]byte, error) {
	for {
		if len(b) == cap(b) {
			b = slices.Grow(b, max(512, len(b)))
		}
		n, err := r.Read(b[len(b):min(cap(b), MaxBody+1)])
		b = b[:len(b)+n]
		if len(b) > MaxBody {
			return b, fault.New(codeTooLarge, "The request body is larger than %d bytes.", MaxBody)
		}
		if err == io.EOF {
			return b, nil
		}
		if err != nil {
			return b, err
		}
	}
}

// decompress undoes the content encoding of a body.
func decompress(body []byte, encoding string) ([]byte, error) {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "identity":
		return body, nil
	case "gzip":
		zr, err := gzip.NewReader(bytes.NewReader(body))
		if err == nil {
			var plain []byte
			if plain, err = readLimited(nil, zr); err == nil || fault.Code(err) != "" {
				return plain, err
			}
		}
		return nil, fault.New(codeMalformedRequest, "The request body is not valid gzip.")
	}
	return nil, fault.New(codeMalformedRequest, "The content encoding is not supported.")
}

package sigv4

import (
	"bufio"
	"crypto/sha256"
	"hash"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// Values of X-Amz-Content-Sha256 besides the hex SHA-256 of the body, see
// "Signature calculations for the Authorization header" in the S3 API
// reference.
const (
	UnsignedPayload          = "UNSIGNED-PAYLOAD"
	StreamingPayload         = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	StreamingPayloadTrailer  = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
	StreamingUnsignedTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
)

// EmptyPayload is the hex SHA-256 of no bytes.
const EmptyPayload = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// s3Payload returns the value that stands for the body in the canonical
// request of S3.
func s3Payload(r *http.Request, presigned bool) (string, *Error) {
	payload := first(r.Header, "X-Amz-Content-Sha256")
	if presigned {
		if p, ok := queryValue(r.URL.RawQuery, "X-Amz-Content-Sha256"); ok {
			payload = p
		} else if payload == "" {
			payload = UnsignedPayload
		}
	}
	switch {
	case payload == "":
		return "", &Error{Reason: BadPayloadHash, Message: "Missing required header for this request: x-amz-content-sha256"}
	case payload == UnsignedPayload, payload == StreamingPayload, payload == StreamingPayloadTrailer,
		payload == StreamingUnsignedTrailer, isHexSum(payload):
		return payload, nil
	}
	return "", &Error{
		Reason:    BadPayloadHash,
		Message:   "x-amz-content-sha256 must be " + UnsignedPayload + ", " + StreamingUnsignedTrailer + ", " + StreamingPayload + ", " + StreamingPayloadTrailer + " or a valid sha256 value.",
		Presigned: presigned,
	}
}

func isHexSum(s string) bool {
	if len(s) != 2*sha256.Size {
		return false
	}
	for i := range len(s) {
		if _, ok := hexDigit(s[i]); !ok || 'A' <= s[i] && s[i] <= 'F' {
			return false
		}
	}
	return true
}

// replaceBody puts the reader that the payload asks for in front of r.Body.
func replaceBody(r *http.Request, payload string, sign *signing) error {
	if r.Body == nil {
		r.Body = http.NoBody
	}
	if payload == UnsignedPayload {
		return nil
	}
	if !strings.HasPrefix(payload, "STREAMING-") {
		if r.ContentLength == 0 && payload == EmptyPayload {
			return nil
		}
		r.Body = &hashedBody{body: r.Body, want: payload, hash: sha256.New(), left: r.ContentLength}
		return nil
	}
	length, err := strconv.ParseInt(first(r.Header, "X-Amz-Decoded-Content-Length"), 10, 64)
	if err != nil || length < 0 {
		return &Error{Reason: NoLength, Message: "You must provide the X-Amz-Decoded-Content-Length HTTP header."}
	}
	body := &chunkedBody{body: r.Body, in: bufio.NewReaderSize(r.Body, maxLine), left: length}
	if payload != StreamingUnsignedTrailer {
		body.sign, body.hash = sign, sha256.New()
	}
	if payload != StreamingPayload {
		body.trailer = http.Header{}
		for _, list := range r.Header["X-Amz-Trailer"] {
			for name := range strings.SplitSeq(list, ",") {
				if name = strings.TrimSpace(name); name != "" {
					body.trailer[http.CanonicalHeaderKey(name)] = nil
				}
			}
		}
		r.Trailer = body.trailer
	}
	r.Body = body
	r.ContentLength = length
	r.TransferEncoding = nil
	r.Header.Set("Content-Length", strconv.FormatInt(length, 10))
	dropAWSChunked(r.Header)
	return nil
}

// dropAWSChunked takes "aws-chunked" out of Content-Encoding: it belongs to
// the transfer, not to the object.
func dropAWSChunked(h http.Header) {
	var keep []string
	for _, list := range h["Content-Encoding"] {
		for coding := range strings.SplitSeq(list, ",") {
			if coding = strings.TrimSpace(coding); coding != "" && !strings.EqualFold(coding, "aws-chunked") {
				keep = append(keep, coding)
			}
		}
	}
	if len(keep) == 0 {
		h.Del("Content-Encoding")
		return
	}
	h.Set("Content-Encoding", strings.Join(keep, ","))
}

// hashedBody compares the SHA-256 of a whole body with the signed one. The
// verdict comes with the last bytes when the length is known, else at EOF.
type hashedBody struct {
	body io.ReadCloser
	want string
	hash hash.Hash
	left int64 // bytes to come, negative when unknown
	err  error // sticky
}

// Read implements io.Reader. It ends with an *Error instead of io.EOF when the
// body is not the one that was signed.
func (b *hashedBody) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.body.Read(p)
	b.hash.Write(p[:n])
	if b.left >= 0 {
		b.left -= int64(n)
		if b.left <= 0 && err == nil {
			err = io.EOF
		}
	}
	if err == io.EOF {
		var sum [sha256.Size]byte
		if string(appendHex(nil, b.hash.Sum(sum[:0]))) != b.want {
			err = &Error{Reason: PayloadMismatch, Message: "The provided 'x-amz-content-sha256' header does not match what was computed."}
		}
	}
	b.err = err
	return n, err
}

// Close implements io.Closer.
func (b *hashedBody) Close() error { return b.body.Close() }

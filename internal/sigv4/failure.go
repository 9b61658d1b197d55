package sigv4

import (
	"errors"
	"net/http"
)

// Reason says which rule of Signature Version 4 a request broke. It is neutral
// to the protocol: JSON services, S3 and the Query protocol give the same
// failure different codes, which the table below holds.
type Reason uint8

// The reasons, in the order in which a request is checked.
const (
	BothForms      Reason = iota + 1 // signed in the header and in the query
	Missing                          // not signed at all
	Incomplete                       // a part is missing or malformed
	BadExpires                       // X-Amz-Expires is absent, no number or too large
	Skewed                           // signed too long ago or in the future
	Expired                          // the presigned URL's time is over
	HeaderUnsigned                   // a header that must be signed is not
	WrongScope                       // region, service, date or terminator of the scope
	BadPayloadHash                   // S3: X-Amz-Content-Sha256 is absent or no known value
	NoLength                         // S3: X-Amz-Decoded-Content-Length is absent
	UnknownKey                       // no such access key
	Mismatch                         // the signature differs
	BadToken                         // the session token is absent, forged or of another key
	TokenExpired                     // the session is over

	// The remaining reasons come from reading the body of an S3 request.
	PayloadMismatch // the body's SHA-256 is not X-Amz-Content-Sha256
	ChunkMismatch   // the signature of a chunk or trailer differs
	ShortBody       // the body ended early or is longer than declared
	MalformedChunk  // not aws-chunked
	MalformedTrailer
)

// Error is a request that failed authentication.
type Error struct {
	Reason Reason
	// Message is AWS's text for JSON services.
	Message string
	// Presigned tells that the request was signed in its query.
	Presigned bool
}

// Error implements error.
func (e *Error) Error() string { return "sigv4: " + e.Message }

type wireCode struct {
	json  string // codes of JSON services, all HTTP 400
	query string // codes of Query services
	// queryStatus is the HTTP status that goes with query.
	queryStatus int
	s3          string
	s3Status    int
	// s3Text replaces the message on S3; empty keeps it.
	s3Text string
}

const (
	incomplete = "IncompleteSignatureException"
	invalid    = "InvalidSignatureException"
	unknown    = "UnrecognizedClientException"
)

var wireCodes = [...]wireCode{
	BothForms:        {invalid, "SignatureDoesNotMatch", 403, "InvalidArgument", 400, "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified"},
	Missing:          {"MissingAuthenticationTokenException", "MissingAuthenticationToken", 403, "AccessDenied", 403, "Access Denied"},
	Incomplete:       {incomplete, "IncompleteSignature", 400, "AuthorizationHeaderMalformed", 400, ""},
	BadExpires:       {incomplete, "IncompleteSignature", 400, "AuthorizationQueryParametersError", 400, ""},
	Skewed:           {invalid, "SignatureDoesNotMatch", 403, "RequestTimeTooSkewed", 403, "The difference between the request time and the current time is too large."},
	Expired:          {invalid, "SignatureDoesNotMatch", 403, "AccessDenied", 403, "Request has expired"},
	HeaderUnsigned:   {invalid, "SignatureDoesNotMatch", 403, "AccessDenied", 403, "There were headers present in the request which were not signed"},
	WrongScope:       {invalid, "SignatureDoesNotMatch", 403, "AuthorizationHeaderMalformed", 400, ""},
	BadPayloadHash:   {invalid, "SignatureDoesNotMatch", 403, "InvalidArgument", 400, ""},
	NoLength:         {invalid, "SignatureDoesNotMatch", 403, "MissingContentLength", 411, ""},
	UnknownKey:       {unknown, "InvalidClientTokenId", 403, "InvalidAccessKeyId", 403, "The AWS Access Key Id you provided does not exist in our records."},
	Mismatch:         {invalid, "SignatureDoesNotMatch", 403, "SignatureDoesNotMatch", 403, "The request signature we calculated does not match the signature you provided. Check your key and signing method."},
	BadToken:         {unknown, "InvalidClientTokenId", 403, "InvalidToken", 400, "The provided token is malformed or otherwise invalid."},
	TokenExpired:     {"ExpiredTokenException", "ExpiredToken", 403, "ExpiredToken", 400, "The provided token has expired."},
	PayloadMismatch:  {invalid, "SignatureDoesNotMatch", 403, "XAmzContentSHA256Mismatch", 400, ""},
	ChunkMismatch:    {invalid, "SignatureDoesNotMatch", 403, "SignatureDoesNotMatch", 403, ""},
	ShortBody:        {invalid, "SignatureDoesNotMatch", 403, "IncompleteBody", 400, ""},
	MalformedChunk:   {invalid, "SignatureDoesNotMatch", 403, "InvalidRequest", 400, ""},
	MalformedTrailer: {invalid, "SignatureDoesNotMatch", 403, "MalformedTrailerError", 400, ""},
}

// JSONCode returns the exception name that JSON services answer with; their
// HTTP status is 400.
func (e *Error) JSONCode() string { return wireCodes[e.Reason].json }

// Query returns the code and HTTP status of the Query protocol (STS).
func (e *Error) Query() (code string, status int) {
	w := wireCodes[e.Reason]
	return w.query, w.queryStatus
}

// S3 returns the code, text and HTTP status of S3.
func (e *Error) S3() (code, message string, status int) {
	w := wireCodes[e.Reason]
	code, message, status = w.s3, w.s3Text, w.s3Status
	if message == "" {
		message = e.Message
	}
	if e.Presigned && code == "AuthorizationHeaderMalformed" {
		code = "AuthorizationQueryParametersError"
	} else if code == "AuthorizationHeaderMalformed" {
		message = "The authorization header is malformed; " + message
	}
	return code, message, status
}

// S3Status returns the HTTP status of the S3 codes that this package uses, and
// 400 for any other.
func S3Status(code string) int {
	for _, w := range wireCodes {
		if w.s3 == code {
			return w.s3Status
		}
	}
	return http.StatusBadRequest
}

// What Keys.Lookup returns besides nil.
var (
	// ErrUnknownKey says that the access key does not exist or is disabled.
	ErrUnknownKey = errors.New("sigv4: unknown access key")
	// ErrBadToken says that a session token is missing, forged or belongs to
	// another access key.
	ErrBadToken = errors.New("sigv4: session token does not fit the access key")
	// ErrTokenExpired comes with the key of a session that is over: the
	// signature is checked before the expiry is told.
	ErrTokenExpired = errors.New("sigv4: session is over")
)

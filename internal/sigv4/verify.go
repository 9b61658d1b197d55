// Package sigv4 verifies and makes AWS Signature Version 4 signatures, in the
// header and in the query, for JSON and Query services and for S3 with its
// chunked bodies. See "AWS Signature Version 4 for API requests" in the IAM
// user guide and "Authenticating requests" in the S3 API reference.
package sigv4

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Window is how far a request's time may be from the server's.
const Window = 15 * time.Minute

// maxExpires is a week, the longest life of a presigned URL, in seconds.
const maxExpires = 604800

// Key is what a lookup knows of an access key.
type Key struct {
	// Secret is the secret access key.
	Secret string
	// Owner is handed back in the Identity; the verifier does not look at it.
	Owner any
}

// Keys finds access keys. Lookup returns ErrUnknownKey, ErrBadToken, or the
// key together with ErrTokenExpired; any other error is a failure of the
// server. The session token is empty when the request carries none. It must be
// safe for concurrent use.
type Keys interface {
	Lookup(accessKeyID, sessionToken string) (Key, error)
}

// Identity is who signed a request, proven.
type Identity struct {
	AccessKeyID string
	Region      string // of the credential scope
	Service     string // of the credential scope
	Owner       any    // as Keys.Lookup gave it
}

// Verifier checks signatures. Set its fields before the first use; it is then
// safe for concurrent use and must not be copied.
type Verifier struct {
	Keys Keys
	// Now is the clock.
	Now func() time.Time
	// Services are the names that the credential scope may have; errors tell
	// the first one.
	Services []string
	// Regions are the regions that the credential scope may have; none means
	// any well-formed one.
	Regions []string

	cache keyCache
}

// decoySecret stands in for the secret of an access key that does not exist,
// so that it takes as long to refuse as one that does.
var decoySecret = rand.Text()

// signing is what chunk signatures continue from.
type signing struct {
	key       *signingKey
	timestamp string
	scope     string
	signature string
}

// Verify checks the signature of a request to a JSON or Query service, whose
// body has been read. Failures are of type *Error, told in AWS's order.
func (v *Verifier) Verify(r *http.Request, body []byte) (Identity, error) {
	c, cred, fail := v.check(r, false)
	if fail != nil {
		return Identity{}, fail
	}
	sum := sha256.Sum256(body)
	var hexSum [2 * sha256.Size]byte
	payload := string(appendHex(hexSum[:0], sum[:]))
	declared := first(r.Header, "X-Amz-Content-Sha256")
	id, _, err := v.prove(r, &c, &cred, payload, false, declared == "" || declared == payload)
	return id, err
}

// VerifyS3 checks the signature of a request to S3 and replaces r.Body by a
// reader that checks the body while it is read: see Body. It sets
// r.ContentLength and the Content-Length header to the decoded length, takes
// "aws-chunked" out of Content-Encoding, and declares the trailers of a chunked
// body in r.Trailer, which is filled when the body has been read to its end.
func (v *Verifier) VerifyS3(r *http.Request) (Identity, error) {
	c, cred, fail := v.check(r, true)
	if fail != nil {
		return Identity{}, fail
	}
	payload, fail := s3Payload(r, c.presigned)
	if fail != nil {
		return Identity{}, fail
	}
	id, sign, err := v.prove(r, &c, &cred, payload, true, true)
	if err != nil {
		return Identity{}, err
	}
	if err := replaceBody(r, payload, sign); err != nil {
		return Identity{}, err
	}
	return id, nil
}

// check holds the rules that need no secret.
func (v *Verifier) check(r *http.Request, s3 bool) (claim, credential, *Error) {
	c, fail := parseClaim(r)
	if fail == nil {
		fail = c.checkTime(v.Now(), s3)
	}
	if fail == nil {
		fail = c.checkSignedHeaders(r, s3)
	}
	if fail != nil {
		return c, credential{}, fail
	}
	if c.algorithm != algorithm {
		return c, credential{}, &Error{Reason: Incomplete, Message: "Unsupported AWS 'algorithm': '" + c.algorithm + "' (only AWS4-HMAC-SHA256 for now). ", Presigned: c.presigned}
	}
	cred, ok := splitCredential(c.credential)
	if !ok {
		return c, cred, &Error{
			Reason:    Incomplete,
			Message:   "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '" + c.credential + "'",
			Presigned: c.presigned,
		}
	}
	return c, cred, v.checkScope(&c, &cred)
}

func (c *claim) checkTime(now time.Time, s3 bool) *Error {
	now = now.UTC()
	if c.time.After(now.Add(Window)) {
		return &Error{
			Reason: Skewed,
			Message: "Signature not yet current: " + c.timestamp + " is still later than " +
				now.Add(Window).Format(isoBasic) + " (" + now.Format(isoBasic) + " + 15 min.)",
			Presigned: c.presigned,
		}
	}
	life, text, reason := Window, "15 min.", Skewed
	if c.presigned && (c.hasExpires || s3) {
		seconds, err := strconv.Atoi(c.expires)
		message := ""
		switch {
		case !c.hasExpires:
			message = "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters."
		case err != nil:
			message = "X-Amz-Expires should be a number"
		case seconds < 0:
			message = "X-Amz-Expires must be non-negative"
		case seconds > maxExpires:
			message = "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds"
		}
		if message != "" {
			return &Error{Reason: BadExpires, Message: message, Presigned: true}
		}
		life, text, reason = time.Duration(seconds)*time.Second, strconv.Itoa(seconds)+" s.", Expired
	}
	if c.time.Before(now.Add(-life).Truncate(time.Second)) {
		return &Error{
			Reason: reason,
			Message: "Signature expired: " + c.timestamp + " is now earlier than " +
				now.Add(-life).Format(isoBasic) + " (" + now.Format(isoBasic) + " - " + text + ")",
			Presigned: c.presigned,
		}
	}
	return nil
}

// mustSign are the headers of JSON services that, unsigned, would let someone
// turn a signed request into another one.
var mustSign = [...]struct{ key, name string }{
	{"X-Amz-Target", "x-amz-target"},
	{"X-Amz-Date", "x-amz-date"},
	{"X-Amz-Security-Token", "x-amz-security-token"},
}

func (c *claim) checkSignedHeaders(r *http.Request, s3 bool) *Error {
	if !c.signs("host") {
		return c.unsigned("Host")
	}
	if !s3 {
		for _, h := range mustSign {
			if len(r.Header[h.key]) > 0 && !c.signs(h.name) {
				return c.unsigned(h.key)
			}
		}
		return nil
	}
	// S3 has many headers that change what a request does, above all
	// x-amz-copy-source: all must be signed, in presigned URLs too.
	for key := range r.Header {
		if !strings.HasPrefix(key, "X-Amz-") || key == "X-Amz-Content-Sha256" || key == "X-Amz-User-Agent" {
			continue
		}
		if !c.signs(strings.ToLower(key)) {
			return c.unsigned(key)
		}
	}
	return nil
}

func (c *claim) unsigned(name string) *Error {
	return &Error{Reason: HeaderUnsigned, Message: "'" + name + "' must be a 'SignedHeader' in the AWS Authorization.", Presigned: c.presigned}
}

func (c *claim) signs(name string) bool {
	for rest, more := c.signedHeaders, true; more; {
		var h string
		h, rest, more = strings.Cut(rest, ";")
		if h == name {
			return true
		}
	}
	return false
}

func (v *Verifier) checkScope(c *claim, cred *credential) *Error {
	regionOK := wellFormedRegion(cred.region)
	if len(v.Regions) > 0 {
		regionOK = slices.Contains(v.Regions, cred.region)
	}
	serviceOK := slices.Contains(v.Services, cred.service)
	if regionOK && serviceOK && cred.terminator == terminator && cred.date == c.timestamp[:8] {
		return nil
	}
	var b strings.Builder
	if !regionOK {
		b.WriteString("Credential should be scoped to a valid region, not '" + cred.region + "'. ")
	}
	if !serviceOK {
		b.WriteString("Credential should be scoped to correct service: '" + v.Services[0] + "'. ")
	}
	if cred.terminator != terminator {
		b.WriteString("Credential should be scoped with a valid terminator: 'aws4_request', not '" + cred.terminator + "'. ")
	}
	if cred.date != c.timestamp[:8] {
		b.WriteString("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '" +
			cred.date + "' != '" + c.timestamp[:8] + "', from '" + c.timestamp + "'.")
	}
	return &Error{Reason: WrongScope, Message: b.String(), Presigned: c.presigned}
}

// wellFormedRegion takes what SDKs take: a host label.
func wellFormedRegion(s string) bool {
	if s == "" || len(s) > 63 || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-') {
			return false
		}
	}
	return true
}

// prove finds the secret and compares signatures. Whether the key exists or
// not, the same work is done.
func (v *Verifier) prove(r *http.Request, c *claim, cred *credential, payload string, s3, payloadOK bool) (Identity, *signing, error) {
	key, lookupErr := v.Keys.Lookup(cred.keyID, c.token)
	real := lookupErr == nil || errors.Is(lookupErr, ErrTokenExpired)
	sc, secret := cred.scope, key.Secret
	if !real {
		if !errors.Is(lookupErr, ErrUnknownKey) && !errors.Is(lookupErr, ErrBadToken) {
			return Identity{}, nil, lookupErr
		}
		sc.keyID, secret = "", decoySecret
	}
	sk := v.cache.get(sc, secret)
	cached := sk != nil
	if !cached {
		sk = deriveKey(secret, sc)
	}

	s := scratches.Get().(*scratch)
	s.buf = s.appendRequest(s.buf[:0], r, c.signedHeaders, payload, s3)
	sum := sha256.Sum256(s.buf)
	s.buf = appendStringToSign(s.buf[:0], c.timestamp, cred.text, sum[:])
	s.buf = sk.appendMAC(s.buf[:0], s.buf)
	match := len(c.signature) == len(s.sig) && payloadOK
	copy(s.sig[:], c.signature)
	if subtle.ConstantTimeCompare(s.buf, s.sig[:]) != 1 {
		match = false
	}
	scratches.Put(s)

	switch {
	case errors.Is(lookupErr, ErrUnknownKey):
		return Identity{}, nil, &Error{Reason: UnknownKey, Message: "The security token included in the request is invalid.", Presigned: c.presigned}
	case errors.Is(lookupErr, ErrBadToken):
		return Identity{}, nil, &Error{Reason: BadToken, Message: "The security token included in the request is invalid", Presigned: c.presigned}
	case !match:
		return Identity{}, nil, &Error{
			Reason:    Mismatch,
			Message:   "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.",
			Presigned: c.presigned,
		}
	case lookupErr != nil:
		return Identity{}, nil, &Error{Reason: TokenExpired, Message: "The security token included in the request is expired", Presigned: c.presigned}
	}
	if !cached {
		// Only keys that proved themselves are kept, so that nobody can flush
		// the cache from outside; the decoy is kept with them, so that the
		// time of a refusal does not tell which keys are in use.
		v.cache.put(sc, sk)
		decoy := scope{date: sc.date, region: sc.region, service: sc.service}
		if v.cache.get(decoy, decoySecret) == nil {
			v.cache.put(decoy, deriveKey(decoySecret, decoy))
		}
	}
	id := Identity{AccessKeyID: cred.keyID, Region: cred.region, Service: cred.service, Owner: key.Owner}
	if !s3 {
		return id, nil, nil
	}
	return id, &signing{key: sk, timestamp: c.timestamp, scope: cred.text, signature: c.signature}, nil
}

func appendStringToSign(dst []byte, timestamp, scope string, sum []byte) []byte {
	dst = append(dst, algorithm+"\n"...)
	dst = append(dst, timestamp...)
	dst = append(dst, '\n')
	dst = append(dst, scope...)
	dst = append(dst, '\n')
	return appendHex(dst, sum)
}

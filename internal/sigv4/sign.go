package sigv4

import (
	"crypto/sha256"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Credentials sign requests. SessionToken is empty for long-term keys.
type Credentials struct {
	AccessKeyID, SecretAccessKey, SessionToken string
}

// PayloadHash returns the hex SHA-256 of a body.
func PayloadHash(body []byte) string {
	sum := sha256.Sum256(body)
	return string(appendHex(nil, sum[:]))
}

// Sign signs r in its header form: it sets X-Amz-Date, X-Amz-Security-Token
// when there is a token, X-Amz-Content-Sha256 for the service s3, and
// Authorization. It signs the host, Content-Type, Content-Md5 and all X-Amz
// headers, so these must be set before. The payload hash is PayloadHash of the
// body or, for s3, UnsignedPayload.
func Sign(r *http.Request, payloadHash string, c Credentials, region, service string, t time.Time) {
	timestamp := t.UTC().Format(isoBasic)
	r.Header.Del("Authorization")
	r.Header.Set("X-Amz-Date", timestamp)
	if c.SessionToken != "" {
		r.Header.Set("X-Amz-Security-Token", c.SessionToken)
	}
	if service == "s3" {
		r.Header.Set("X-Amz-Content-Sha256", payloadHash)
	}
	signedHeaders := headersToSign(r.Header)
	signature, scopeText := c.sign(r, signedHeaders, payloadHash, region, service, timestamp)
	r.Header.Set("Authorization", algorithm+" Credential="+c.AccessKeyID+"/"+scopeText+
		", SignedHeaders="+signedHeaders+", Signature="+signature)
}

// Presign returns the URL of r signed in its query, good for expires from t
// on, at most a week. The body of s3 requests stays unsigned; other services
// expect an empty one. Content-Type, Content-Md5 and X-Amz headers of r are
// signed and must be sent with the URL.
func Presign(r *http.Request, c Credentials, region, service string, expires time.Duration, t time.Time) string {
	timestamp := t.UTC().Format(isoBasic)
	signedHeaders := headersToSign(r.Header)
	add := url.Values{
		"X-Amz-Algorithm":     {algorithm},
		"X-Amz-Credential":    {c.AccessKeyID + "/" + timestamp[:8] + "/" + region + "/" + service + "/" + terminator},
		"X-Amz-Date":          {timestamp},
		"X-Amz-Expires":       {strconv.FormatInt(int64(expires/time.Second), 10)},
		"X-Amz-SignedHeaders": {signedHeaders},
	}
	if c.SessionToken != "" {
		add.Set("X-Amz-Security-Token", c.SessionToken)
	}
	signed := r.Clone(r.Context())
	if signed.URL.RawQuery != "" {
		signed.URL.RawQuery += "&"
	}
	signed.URL.RawQuery += add.Encode()
	payload := EmptyPayload
	if service == "s3" {
		payload = UnsignedPayload
	}
	signature, _ := c.sign(signed, signedHeaders, payload, region, service, timestamp)
	signed.URL.RawQuery += "&X-Amz-Signature=" + signature
	return signed.URL.String()
}

// headersToSign returns the SignedHeaders list for h and the host.
func headersToSign(h http.Header) string {
	names := []string{"host"}
	for key := range h {
		if key == "Content-Type" || key == "Content-Md5" || strings.HasPrefix(key, "X-Amz-") {
			names = append(names, strings.ToLower(key))
		}
	}
	slices.Sort(names)
	return strings.Join(names, ";")
}

func (c Credentials) sign(r *http.Request, signedHeaders, payload, region, service, timestamp string) (signature, scopeText string) {
	sc := scope{keyID: c.AccessKeyID, date: timestamp[:8], region: region, service: service}
	scopeText = sc.date + "/" + region + "/" + service + "/" + terminator
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	s.buf = s.appendRequest(s.buf[:0], r, signedHeaders, payload, service == "s3")
	sum := sha256.Sum256(s.buf)
	s.buf = appendStringToSign(s.buf[:0], timestamp, scopeText, sum[:])
	return string(deriveKey(c.SecretAccessKey, sc).appendMAC(nil, s.buf)), scopeText
}

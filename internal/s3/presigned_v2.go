package s3

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"penstock/internal/sigv4"
)

// Presigned URLs of signature version 2 are what "aws s3 presign" of the AWS
// CLI 1 and boto3 make by default for endpoints that they do not know. Such a
// URL is verified here and the request then signed anew in version 4 with the
// same key, so that one place alone turns keys into callers. See "Query
// string request authentication alternative" in
// https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html.

// signedParameters are the query parameters that version 2 signs, besides
// response-*.
var signedParameters = []string{
	"accelerate", "acl", "analytics", "cors", "defaultObjectAcl", "delete", "inventory", "lifecycle",
	"location", "logging", "metrics", "notification", "object-lock", "partNumber", "policy",
	"replication", "requestPayment", "restore", "select", "select-type", "storageClass", "tagging",
	"torrent", "uploadId", "uploads", "versionId", "versioning", "versions", "website",
}

// upgradePresigned does nothing to other requests than those of version 2.
func (h *Handler) upgradePresigned(q *request) error {
	keyID, signature, expires := q.query.Get("AWSAccessKeyId"), q.query.Get("Signature"), q.query.Get("Expires")
	if h.keys == nil || keyID == "" || q.query.Has("X-Amz-Algorithm") || q.Header.Get("Authorization") != "" {
		return nil
	}
	if signature == "" || expires == "" {
		return refuse("AccessDenied", "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters")
	}
	until, err := strconv.ParseInt(expires, 10, 64)
	if err != nil {
		return refuse("AccessDenied", "Invalid date (should be seconds since epoch): %s", expires)
	}
	now := h.now()
	if now.Unix() > until {
		return refuse("AccessDenied", "Request has expired")
	}
	if strings.HasPrefix(q.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
		return refuse("InvalidRequest", "Chunked uploads need a signature of version 4.")
	}
	adoptParameters(q)
	token := q.Header.Get("X-Amz-Security-Token")
	key, err := h.keys.Lookup(keyID, token)
	if err != nil && key.Secret == "" {
		// Whatever is wrong with the key, version 4 tells it: a request that
		// is signed with a random secret cannot pass.
		key.Secret = rand.Text()
	} else {
		mac := hmac.New(sha1.New, []byte(key.Secret))
		mac.Write([]byte(stringToSignV2(q, expires)))
		if want := base64.StdEncoding.EncodeToString(mac.Sum(nil)); !hmac.Equal([]byte(want), []byte(signature)) {
			return refuse("SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided. Check your key and signing method.")
		}
	}
	for _, name := range []string{"AWSAccessKeyId", "Signature", "Expires"} {
		q.query.Del(name)
	}
	q.URL.RawQuery = q.query.Encode()
	sigv4.Sign(q.Request, sigv4.UnsignedPayload, sigv4.Credentials{
		AccessKeyID: keyID, SecretAccessKey: key.Secret, SessionToken: token,
	}, h.region, "s3", now)
	return nil
}

// adoptParameters makes headers of the parameters that stand for headers.
func adoptParameters(q *request) {
	for name, values := range q.query {
		lower := strings.ToLower(name)
		if strings.HasPrefix(lower, "x-amz-") || lower == "content-type" || lower == "content-md5" {
			q.Header[http.CanonicalHeaderKey(name)] = values
			q.query.Del(name)
		}
	}
}

func stringToSignV2(q *request, expires string) string {
	var b strings.Builder
	for _, line := range []string{q.Method, q.Header.Get("Content-Md5"), q.Header.Get("Content-Type"), expires} {
		b.WriteString(line + "\n")
	}
	var names []string
	for name := range q.Header {
		if strings.HasPrefix(name, "X-Amz-") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		b.WriteString(strings.ToLower(name) + ":" + strings.Join(q.Header[name], ",") + "\n")
	}
	path := rawPath(q.Request)
	if q.virtualHost {
		path = "/" + q.bucket + path
	}
	b.WriteString(path)
	separator := "?"
	for _, name := range slices.Sorted(maps.Keys(q.query)) {
		if !slices.Contains(signedParameters, name) && overrides[name] == "" {
			continue
		}
		b.WriteString(separator + name)
		if v := q.query.Get(name); v != "" {
			b.WriteString("=" + v)
		}
		separator = "&"
	}
	return b.String()
}

package jobworker

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"time"
)

// signedHeaders are the headers that sign covers, in order; the token's is left
// out when there is none.
var signedHeaders = []string{"content-type", "host", "x-amz-date", "x-amz-security-token", "x-amz-target"}

// sign adds a Signature Version 4 in header form to an API request without a
// query.
func sign(req *http.Request, body []byte, c Credentials, region string, now time.Time) {
	stamp := now.UTC().Format("20060102T150405Z")
	scope := stamp[:8] + "/" + region + "/codepipeline/aws4_request"
	req.Header.Set("X-Amz-Date", stamp)
	if c.SessionToken != "" {
		req.Header.Set("X-Amz-Security-Token", c.SessionToken)
	}

	var headers strings.Builder
	var names []string
	for _, name := range signedHeaders {
		value := req.Header.Get(name)
		if name == "host" {
			value = req.URL.Host
		}
		if value == "" {
			continue
		}
		names = append(names, name)
		headers.WriteString(name + ":" + strings.TrimSpace(value) + "\n")
	}
	list := strings.Join(names, ";")
	payload := sha256.Sum256(body)
	canonical := sha256.Sum256([]byte(strings.Join([]string{
		req.Method, req.URL.EscapedPath(), "", headers.String(), list, hex.EncodeToString(payload[:]),
	}, "\n")))

	key := []byte("AWS4" + c.SecretAccessKey)
	for _, part := range strings.Split(scope, "/") {
		key = mac(key, part)
	}
	signature := mac(key, "AWS4-HMAC-SHA256\n"+stamp+"\n"+scope+"\n"+hex.EncodeToString(canonical[:]))
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+c.AccessKeyID+"/"+scope+
		", SignedHeaders="+list+", Signature="+hex.EncodeToString(signature))
}

func mac(key []byte, s string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(s))
	return h.Sum(nil)
}

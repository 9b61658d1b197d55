package sigv4

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestFailures holds the rows of protocol.md section 9.4 in their order. Each
// case breaks a request that is valid otherwise, most break a later rule too.
func TestFailures(t *testing.T) {
	t.Parallel()
	const (
		date  = "20130609T100015Z"
		scope = "20130609/us-east-1/codepipeline/aws4_request"
		cred  = testID + "/" + scope
	)
	mismatch := "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
	header := func(authorization, date string) string {
		h := "POST / HTTP/1.1\nHost: localhost\n"
		if authorization != "" {
			h += "Authorization: " + authorization + "\n"
		}
		if date != "" {
			h += "X-Amz-Date: " + date + "\n"
		}
		return h
	}
	auth := func(cred, signed string) string {
		return "AWS4-HMAC-SHA256 Credential=" + cred + ", SignedHeaders=" + signed + ", Signature=b"
	}
	query := func(q string) string { return "POST /?" + q + " HTTP/1.1\nHost: localhost\n" }
	const signedAll = "host;x-amz-date"

	tests := []struct {
		name, request, code, message string
	}{
		{"1 both forms", "POST /?X-Amz-Algorithm=a HTTP/1.1\nHost: h\nAuthorization: b\n",
			"InvalidSignatureException", "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header."},
		{"2 neither", header("", date),
			"MissingAuthenticationTokenException", "Missing Authentication Token"},
		{"2 other query only", query("X-Amz-Credential=a"),
			"MissingAuthenticationTokenException", "Missing Authentication Token"},
		{"3 all parts missing", header("AWS4-HMAC-SHA256", ""),
			"IncompleteSignatureException", "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. Authorization=AWS4-HMAC-SHA256"},
		{"3 signature missing", header("X Credential=a,SignedHeaders=b", date),
			"IncompleteSignatureException", "Authorization header requires 'Signature' parameter. Authorization=X Credential=a,SignedHeaders=b"},
		{"3 credential empty", header("X Credential= SignedHeaders=b Signature=c", date),
			"IncompleteSignatureException", "Authorization header requires 'Credential' parameter. Authorization=X Credential= SignedHeaders=b Signature=c"},
		{"3 signed headers and date missing", header("X Credential=a, Signature=b", ""),
			"IncompleteSignatureException", "Authorization header requires 'SignedHeaders' parameter. Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. Authorization=X Credential=a, Signature=b"},
		{"4 query lacks all", query("X-Amz-Algorithm="),
			"IncompleteSignatureException", "AWS query-string parameters must include 'X-Amz-Algorithm'. AWS query-string parameters must include 'X-Amz-Credential'. AWS query-string parameters must include 'X-Amz-Signature'. AWS query-string parameters must include 'X-Amz-SignedHeaders'. AWS query-string parameters must include 'X-Amz-Date'. Re-examine the query-string parameters."},
		{"4 query lacks credential", query("X-Amz-Algorithm=a&X-Amz-Signature=b&X-Amz-SignedHeaders=c&X-Amz-Date=d"),
			"IncompleteSignatureException", "AWS query-string parameters must include 'X-Amz-Credential'. Re-examine the query-string parameters."},
		{"5 no equal sign", header("X Credential SignedHeaders=b Signature=c", "201"),
			"IncompleteSignatureException", "'Credential' not a valid key=value pair (missing equal-sign) in Authorization header: 'X Credential SignedHeaders=b Signature=c'."},
		{"5 stray word", header("X oops Credential=a SignedHeaders=b Signature=c", "201"),
			"IncompleteSignatureException", "'oops' not a valid key=value pair (missing equal-sign) in Authorization header: 'X oops Credential=a SignedHeaders=b Signature=c'."},
		{"6 date format", header(auth("a/b", "x"), "201"),
			"IncompleteSignatureException", "Date must be in ISO-8601 'basic format'. Got '201'. See http://en.wikipedia.org/wiki/ISO_8601"},
		{"6 fraction of a second", header(auth("a/b", "x"), "20130609T100015.5Z"),
			"IncompleteSignatureException", "Date must be in ISO-8601 'basic format'. Got '20130609T100015.5Z'. See http://en.wikipedia.org/wiki/ISO_8601"},
		{"6 Date header", header(auth("a/b", "x"), "") + "Date: yesterday\n",
			"IncompleteSignatureException", "Date must be in ISO-8601 'basic format'. Got 'yesterday'. See http://en.wikipedia.org/wiki/ISO_8601"},
		{"6 query", query("X-Amz-Algorithm=a&X-Amz-Credential=a&X-Amz-Signature=b&X-Amz-SignedHeaders=c&X-Amz-Date=d"),
			"IncompleteSignatureException", "Date must be in ISO-8601 'basic format'. Got 'd'. See http://en.wikipedia.org/wiki/ISO_8601"},
		{"7 too old", header(auth("a/b", "x"), "20130301T000000Z"),
			"InvalidSignatureException", "Signature expired: 20130301T000000Z is now earlier than 20130609T094515Z (20130609T100015Z - 15 min.)"},
		{"7 presigned is over", query("X-Amz-Algorithm=a&X-Amz-Credential=a&X-Amz-Signature=b&X-Amz-SignedHeaders=c&X-Amz-Date=20130609T095914Z&X-Amz-Expires=60"),
			"InvalidSignatureException", "Signature expired: 20130609T095914Z is now earlier than 20130609T095915Z (20130609T100015Z - 60 s.)"},
		{"7 presigned without life", query("X-Amz-Algorithm=a&X-Amz-Credential=a&X-Amz-Signature=b&X-Amz-SignedHeaders=c&X-Amz-Date=20130301T000000Z"),
			"InvalidSignatureException", "Signature expired: 20130301T000000Z is now earlier than 20130609T094515Z (20130609T100015Z - 15 min.)"},
		{"7 presigned for too long", query("X-Amz-Algorithm=a&X-Amz-Credential=a&X-Amz-Signature=b&X-Amz-SignedHeaders=c&X-Amz-Date=" + date + "&X-Amz-Expires=604801"),
			"IncompleteSignatureException", "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds"},
		{"7 presigned for a word", query("X-Amz-Algorithm=a&X-Amz-Credential=a&X-Amz-Signature=b&X-Amz-SignedHeaders=c&X-Amz-Date=" + date + "&X-Amz-Expires=day"),
			"IncompleteSignatureException", "X-Amz-Expires should be a number"},
		{"7 presigned for less than nothing", query("X-Amz-Algorithm=a&X-Amz-Credential=a&X-Amz-Signature=b&X-Amz-SignedHeaders=c&X-Amz-Date=" + date + "&X-Amz-Expires=-1"),
			"IncompleteSignatureException", "X-Amz-Expires must be non-negative"},
		{"8 in the future", header(auth("a/b", "x"), "20130609T101516Z"),
			"InvalidSignatureException", "Signature not yet current: 20130609T101516Z is still later than 20130609T101515Z (20130609T100015Z + 15 min.)"},
		{"9 host unsigned", header("X Credential=a/b SignedHeaders=x-amz-date Signature=c", date),
			"InvalidSignatureException", "'Host' must be a 'SignedHeader' in the AWS Authorization."},
		{"9 target unsigned", header("X Credential=a/b SignedHeaders=host;x-amz-date Signature=c", date) + "X-Amz-Target: t\n",
			"InvalidSignatureException", "'X-Amz-Target' must be a 'SignedHeader' in the AWS Authorization."},
		{"9 date unsigned", header("X Credential=a/b SignedHeaders=host Signature=c", date),
			"InvalidSignatureException", "'X-Amz-Date' must be a 'SignedHeader' in the AWS Authorization."},
		{"9 token unsigned", header("X Credential=a/b SignedHeaders=host;x-amz-date Signature=c", date) + "X-Amz-Security-Token: t\n",
			"InvalidSignatureException", "'X-Amz-Security-Token' must be a 'SignedHeader' in the AWS Authorization."},
		{"10 algorithm", header("AWS4-HMAC-SHA25 Credential=a/b/c/d SignedHeaders=host;x-amz-date Signature=c", date),
			"IncompleteSignatureException", "Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA25' (only AWS4-HMAC-SHA256 for now). "},
		{"11 four elements", header(auth("a/b/c/d", signedAll), date),
			"IncompleteSignatureException", "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'a/b/c/d'"},
		{"11 six elements", header(auth("a/b/c/d/e/f", signedAll), date),
			"IncompleteSignatureException", "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'a/b/c/d/e/f'"},
		{"12 all wrong", header(auth("a/b/c_/d/e", signedAll), date),
			"InvalidSignatureException", "Credential should be scoped to a valid region, not 'c_'. Credential should be scoped to correct service: 'codepipeline'. Credential should be scoped with a valid terminator: 'aws4_request', not 'e'. Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: 'b' != '20130609', from '20130609T100015Z'."},
		{"12 service", header(auth("a/20130609/us-east-1/s3/aws4_request", signedAll), date),
			"InvalidSignatureException", "Credential should be scoped to correct service: 'codepipeline'. "},
		{"13 unknown key", header(auth("NOBODY/"+scope, signedAll), date),
			"UnrecognizedClientException", "The security token included in the request is invalid."},
		{"14 signature", header(auth(cred, signedAll), date),
			"InvalidSignatureException", mismatch},
		{"14 expired key, signature", header(auth("ASIAEXPIRED/"+scope, signedAll+";x-amz-security-token"), date) + "X-Amz-Security-Token: TOKEN\n",
			"InvalidSignatureException", mismatch},
		{"15 token missing", header(auth("ASIAEXAMPLE/"+scope, signedAll), date),
			"UnrecognizedClientException", "The security token included in the request is invalid"},
		{"15 foreign token", header(auth(cred, signedAll+";x-amz-security-token"), date) + "X-Amz-Security-Token: foreign\n",
			"UnrecognizedClientException", "The security token included in the request is invalid"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := newTestVerifier("codepipeline").Verify(parseRequest(t, test.request), nil)
			wantFailure(t, err, test.code, test.message)
		})
	}

	t.Run("16 expired token", func(t *testing.T) {
		t.Parallel()
		r := newRequest(t, "POST", "http://localhost/", nil)
		Sign(r, EmptyPayload, Credentials{"ASIAEXPIRED", "session-secret", "TOKEN"}, "us-east-1", "codepipeline", testTime)
		_, err := newTestVerifier("codepipeline").Verify(receive(t, r), nil)
		wantFailure(t, err, "ExpiredTokenException", "The security token included in the request is expired")
	})
	t.Run("12 region not listed", func(t *testing.T) {
		t.Parallel()
		r := newRequest(t, "POST", "http://localhost/", nil)
		Sign(r, EmptyPayload, testCredentials, "mars-1", "codepipeline", testTime)
		v := newTestVerifier("codepipeline")
		v.Regions = []string{"us-east-1", "eu-central-1"}
		_, err := v.Verify(receive(t, r), nil)
		wantFailure(t, err, "InvalidSignatureException", "Credential should be scoped to a valid region, not 'mars-1'. ")
	})
	t.Run("a failing lookup is no refusal", func(t *testing.T) {
		t.Parallel()
		_, err := newTestVerifier("codepipeline").Verify(parseRequest(t, header(auth("AKIABROKEN/"+scope, signedAll), date)), nil)
		if err != errBroken {
			t.Fatalf("got %v, want the lookup's own error", err)
		}
	})
}

// TestWindow holds the edges of the time rules.
func TestWindow(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		age     time.Duration
		expires time.Duration // 0: header form
		reason  Reason        // 0: accepted
	}{
		{"15 minutes old", Window, 0, 0},
		{"a second more", Window + time.Second, 0, Skewed},
		{"15 minutes ahead", -Window, 0, 0},
		{"a second further ahead", -Window - time.Second, 0, Skewed},
		{"presigned at its end", time.Hour, time.Hour, 0},
		{"presigned past its end", time.Hour + time.Second, time.Hour, Expired},
		{"presigned for a week", 6 * 24 * time.Hour, 7 * 24 * time.Hour, 0},
		{"presigned ahead", -Window - time.Second, time.Hour, Skewed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newRequest(t, "POST", "http://localhost/", nil)
			at := testTime.Add(-test.age)
			if test.expires == 0 {
				Sign(r, EmptyPayload, testCredentials, "us-east-1", "codepipeline", at)
			} else {
				r = newRequest(t, "POST", Presign(r, testCredentials, "us-east-1", "codepipeline", test.expires, at), nil)
			}
			v := newTestVerifier("codepipeline")
			v.Now = func() time.Time { return testTime.Add(300 * time.Millisecond) }
			_, err := v.Verify(receive(t, r), nil)
			e, _ := errors.AsType[*Error](err)
			switch {
			case test.reason == 0 && err != nil:
				t.Fatal(err)
			case test.reason != 0 && (e == nil || e.Reason != test.reason):
				t.Fatalf("got %v, want reason %d", err, test.reason)
			}
		})
	}
}

// TestFailuresS3 holds the codes that S3 gives.
func TestFailuresS3(t *testing.T) {
	t.Parallel()
	signed := func(c Credentials, region, service, payload string, at time.Time, change func(*http.Request)) func(*testing.T) *http.Request {
		return func(t *testing.T) *http.Request {
			r := newRequest(t, "PUT", "http://localhost/bucket/key", []byte("body"))
			if service != "s3" {
				r.Header.Set("X-Amz-Content-Sha256", payload)
			}
			Sign(r, payload, c, region, service, at)
			if change != nil {
				change(r)
			}
			return receive(t, r)
		}
	}
	presigned := func(change func(url string) string) func(*testing.T) *http.Request {
		return func(t *testing.T) *http.Request {
			u := Presign(newRequest(t, "PUT", "http://localhost/bucket/key", nil), testCredentials, "us-east-1", "s3", time.Minute, testTime)
			return receive(t, newRequest(t, "PUT", change(u), nil))
		}
	}
	none := func(*http.Request) {}
	tests := []struct {
		name    string
		request func(*testing.T) *http.Request
		code    string
		status  int
	}{
		{"not signed", signed(testCredentials, "us-east-1", "s3", UnsignedPayload, testTime, func(r *http.Request) { r.Header.Del("Authorization") }), "AccessDenied", 403},
		{"unknown key", signed(Credentials{"NOBODY", "x", ""}, "us-east-1", "s3", UnsignedPayload, testTime, none), "InvalidAccessKeyId", 403},
		{"wrong secret", signed(Credentials{testID, "x", ""}, "us-east-1", "s3", UnsignedPayload, testTime, none), "SignatureDoesNotMatch", 403},
		{"changed header", signed(testCredentials, "us-east-1", "s3", UnsignedPayload, testTime, func(r *http.Request) { r.Header.Set("X-Amz-Date", "20130609T100016Z") }), "SignatureDoesNotMatch", 403},
		{"skew", signed(testCredentials, "us-east-1", "s3", UnsignedPayload, testTime.Add(time.Hour), none), "RequestTimeTooSkewed", 403},
		{"expired token", signed(Credentials{"ASIAEXPIRED", "session-secret", "TOKEN"}, "us-east-1", "s3", UnsignedPayload, testTime, none), "ExpiredToken", 400},
		{"no token", signed(Credentials{"ASIAEXAMPLE", "session-secret", ""}, "us-east-1", "s3", UnsignedPayload, testTime, none), "InvalidToken", 400},
		{"other service", signed(testCredentials, "us-east-1", "sts", UnsignedPayload, testTime, none), "AuthorizationHeaderMalformed", 400},
		{"unsigned amz header", signed(testCredentials, "us-east-1", "s3", UnsignedPayload, testTime, func(r *http.Request) { r.Header.Set("X-Amz-Copy-Source", "/a/b") }), "AccessDenied", 403},
		{"payload hash absent", signed(testCredentials, "us-east-1", "s3", UnsignedPayload, testTime, func(r *http.Request) { r.Header.Del("X-Amz-Content-Sha256") }), "InvalidArgument", 400},
		{"payload hash is a word", signed(testCredentials, "us-east-1", "s3", "SIGNED", testTime, none), "InvalidArgument", 400},
		{"streaming without length", signed(testCredentials, "us-east-1", "s3", StreamingPayload, testTime, none), "MissingContentLength", 411},
		{"presigned, over", presigned(func(u string) string { return strings.ReplaceAll(u, "T1000", "T0958") }), "AccessDenied", 403},
		{"presigned, changed", presigned(func(u string) string { return strings.Replace(u, "key", "yek", 1) }), "SignatureDoesNotMatch", 403},
		{"presigned, no life", presigned(func(u string) string { return strings.Replace(u, "X-Amz-Expires=60&", "", 1) }), "AuthorizationQueryParametersError", 400},
		{"presigned, no credential", presigned(func(u string) string { return strings.Replace(u, "X-Amz-Credential", "Other", 1) }), "AuthorizationQueryParametersError", 400},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := newTestVerifier("s3").VerifyS3(test.request(t))
			e, ok := errors.AsType[*Error](err)
			if !ok {
				t.Fatalf("got %v, want an *Error", err)
			}
			code, message, status := e.S3()
			if code != test.code || status != test.status || message == "" {
				t.Errorf("got %s %d %q, want %s %d", code, status, message, test.code, test.status)
			}
			if S3Status(code) != status {
				t.Errorf("S3Status(%s) = %d, want %d", code, S3Status(code), status)
			}
		})
	}
}

// TestCodesComplete makes sure that no reason lacks a code.
func TestCodesComplete(t *testing.T) {
	t.Parallel()
	for reason := BothForms; reason <= MalformedTrailer; reason++ {
		e := &Error{Reason: reason, Message: "m"}
		query, queryStatus := e.Query()
		s3, text, s3Status := e.S3()
		if e.JSONCode() == "" || query == "" || queryStatus < 400 || s3 == "" || text == "" || s3Status < 400 {
			t.Errorf("reason %d: %q, %q %d, %q %q %d", reason, e.JSONCode(), query, queryStatus, s3, text, s3Status)
		}
	}
}

package sigv4

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"pgregory.net/rapid"
)

// sdkCase is a random request in a form that both signers can be given.
type sdkCase struct {
	method, host string
	path         string // percent-encoded
	query        url.Values
	header       http.Header
	body         []byte
	s3           bool
	region       string
	creds        Credentials
}

func drawCase(t *rapid.T) sdkCase {
	c := sdkCase{
		method: rapid.SampledFrom([]string{"GET", "PUT", "POST", "DELETE", "HEAD"}).Draw(t, "method"),
		host:   rapid.SampledFrom([]string{"localhost:7480", "127.0.0.1", "my-bucket.example.com:8443"}).Draw(t, "host"),
		s3:     rapid.Bool().Draw(t, "s3"),
		region: rapid.SampledFrom([]string{"us-east-1", "eu-central-1", "Local-9"}).Draw(t, "region"),
		query:  url.Values{},
		header: http.Header{},
		creds:  testCredentials,
	}
	if rapid.Bool().Draw(t, "session") {
		c.creds = Credentials{"ASIASDK", testSecret, "sdk-session/+=token"}
	}
	segment := rapid.StringOf(rapid.RuneFrom([]rune("abcXYZ019-_.~ !$&'()*+,;=:@%/?#äß日"))).Filter(func(s string) bool {
		// The SDK does not normalise paths of JSON services; AWS does.
		return c.s3 || s != "" && !strings.HasPrefix(s, ".") && !strings.Contains(s, "/")
	})
	for _, s := range rapid.SliceOfN(segment, 0, 4).Draw(t, "segments") {
		if c.s3 {
			var parts []string
			for part := range strings.SplitSeq(s, "/") {
				parts = append(parts, strings.ReplaceAll(url.QueryEscape(part), "+", "%20"))
			}
			c.path += "/" + strings.Join(parts, "/")
		} else {
			c.path += "/" + url.PathEscape(s)
		}
	}
	if c.path == "" {
		c.path = "/"
	}
	text := rapid.StringOf(rapid.RuneFrom([]rune("abcXYZ019-_.~ !$&'()*+,;=:@%/?#äß日")))
	for range rapid.IntRange(0, 5).Draw(t, "parameters") {
		c.query.Add(text.Draw(t, "name"), text.Draw(t, "value"))
	}
	delete(c.query, "")
	value := rapid.StringOf(rapid.RuneFrom([]rune("ab019 ,;=/.\"äß")))
	for i := range rapid.IntRange(0, 4).Draw(t, "headers") {
		c.header.Set(fmt.Sprintf("X-Amz-Meta-%d", i), value.Draw(t, "header"))
	}
	if rapid.Bool().Draw(t, "type") {
		c.header.Set("Content-Type", "application/x-amz-json-1.1")
	}
	if c.method == "PUT" || c.method == "POST" {
		c.body = rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "body")
	}
	return c
}

func (c sdkCase) service() string {
	if c.s3 {
		return "s3"
	}
	return "codepipeline"
}

func (c sdkCase) request(t testing.TB) *http.Request {
	r := newRequest(t, c.method, "http://"+c.host+c.path+"?"+c.query.Encode(), c.body)
	r.Header = c.header.Clone()
	return r
}

func (c sdkCase) payload() string {
	if c.s3 && len(c.body)%2 == 1 {
		return UnsignedPayload
	}
	return PayloadHash(c.body)
}

func (c sdkCase) verify(t testing.TB, r *http.Request) {
	t.Helper()
	r = receive(t, r)
	v := newTestVerifier(c.service())
	var id Identity
	var err error
	if c.s3 {
		id, err = v.VerifyS3(r)
	} else {
		id, err = v.Verify(r, c.body)
	}
	if err != nil {
		t.Fatalf("%s %s %v: %v", r.Method, r.URL, r.Header, err)
	}
	want := Identity{AccessKeyID: c.creds.AccessKeyID, Region: c.region, Service: c.service(), Owner: c.creds.AccessKeyID}
	if id != want {
		t.Fatalf("identity %+v, want %+v", id, want)
	}
}

func (c sdkCase) sdkSigner() (*v4.Signer, aws.Credentials) {
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = c.s3 })
	return signer, aws.Credentials{AccessKeyID: c.creds.AccessKeyID, SecretAccessKey: c.creds.SecretAccessKey, SessionToken: c.creds.SessionToken}
}

// TestSDKSigns verifies what aws-sdk-go-v2 signs in headers.
func TestSDKSigns(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		c := drawCase(rt)
		r := c.request(t)
		if c.s3 {
			r.Header.Set("X-Amz-Content-Sha256", c.payload())
		}
		signer, creds := c.sdkSigner()
		if err := signer.SignHTTP(context.Background(), creds, r, c.payload(), c.service(), c.region, testTime); err != nil {
			rt.Fatal(err)
		}
		c.verify(t, r)
	})
}

// TestSDKPresigns verifies what aws-sdk-go-v2 signs in queries.
func TestSDKPresigns(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		c := drawCase(rt)
		c.query.Set("X-Amz-Expires", "600")
		r := c.request(t)
		payload := PayloadHash(c.body)
		if c.s3 {
			payload = UnsignedPayload
		}
		signer, creds := c.sdkSigner()
		signed, header, err := signer.PresignHTTP(context.Background(), creds, r, payload, c.service(), c.region, testTime.Add(-time.Minute))
		if err != nil {
			rt.Fatal(err)
		}
		got := newRequest(t, c.method, signed, c.body)
		for name, values := range header {
			if name != "Host" && name != "Content-Length" {
				got.Header[http.CanonicalHeaderKey(name)] = values
			}
		}
		c.verify(t, got)
	})
}

// TestSignsLikeSDK compares our signer with that of aws-sdk-go-v2, byte for
// byte, and lets our verifier read it.
func TestSignsLikeSDK(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		c := drawCase(rt)
		ours, theirs := c.request(t), c.request(t)
		Sign(ours, c.payload(), c.creds, c.region, c.service(), testTime)
		if c.s3 {
			theirs.Header.Set("X-Amz-Content-Sha256", c.payload())
		}
		theirs.ContentLength = 0 // the SDK would sign it
		signer, creds := c.sdkSigner()
		if err := signer.SignHTTP(context.Background(), creds, theirs, c.payload(), c.service(), c.region, testTime); err != nil {
			rt.Fatal(err)
		}
		if got, want := ours.Header.Get("Authorization"), theirs.Header.Get("Authorization"); got != want {
			rt.Fatalf("got\n%s, want\n%s", got, want)
		}
		c.verify(t, ours)
	})
}

// TestPresignRoundTrip lets our verifier read our presigned URLs.
func TestPresignRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		c := drawCase(rt)
		c.body = nil
		r := c.request(t)
		u := Presign(r, c.creds, c.region, c.service(), time.Hour, testTime.Add(-time.Minute))
		got := newRequest(t, c.method, u, nil)
		got.Header = c.header.Clone()
		c.verify(t, got)
	})
}

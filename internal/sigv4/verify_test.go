package sigv4

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestVerifyAccepts(t *testing.T) {
	t.Parallel()
	body := []byte(`{"name":"p"}`)
	tests := []struct {
		name string
		url  string
		// change alters the request between signing and verifying in ways that
		// proxies and clients do and that must not matter.
		change func(r *http.Request)
	}{
		{"plain", "http://localhost/", func(*http.Request) {}},
		{"port", "http://localhost:7480/", func(*http.Request) {}},
		{"base path", "https://host/api/", func(*http.Request) {}},
		{"commas only", "http://localhost/", func(r *http.Request) {
			r.Header.Set("Authorization", strings.ReplaceAll(r.Header.Get("Authorization"), ", ", ","))
		}},
		{"blanks only", "http://localhost/", func(r *http.Request) {
			r.Header.Set("Authorization", strings.ReplaceAll(r.Header.Get("Authorization"), ", ", "  "))
		}},
		{"header added", "http://localhost/", func(r *http.Request) { r.Header.Set("X-Forwarded-For", "10.0.0.1") }},
		{"header with odd spaces", "http://localhost/", func(r *http.Request) {
			r.Header.Set("X-Amz-Target", " "+r.Header.Get("X-Amz-Target")+"\t ")
		}},
		{"Date besides X-Amz-Date", "http://localhost/", func(r *http.Request) { r.Header.Set("Date", "Mon, 02 Jan 2006 15:04:05 GMT") }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newRequest(t, "POST", test.url, body)
			r.Header.Set("X-Amz-Target", "CodePipeline_20150709.GetPipeline")
			Sign(r, PayloadHash(body), testCredentials, "us-east-1", "codepipeline", testTime)
			test.change(r)
			if _, err := newTestVerifier("codepipeline").Verify(receive(t, r), body); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestVerifyRejectsChange changes one thing of a signed request.
func TestVerifyRejectsChange(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(r *http.Request){
		"method":           func(r *http.Request) { r.Method = "PUT" },
		"path":             func(r *http.Request) { r.URL.Path = "/other" },
		"query":            func(r *http.Request) { r.URL.RawQuery = "a=1" },
		"host":             func(r *http.Request) { r.Host = "other" },
		"target":           func(r *http.Request) { r.Header.Set("X-Amz-Target", "other") },
		"second target":    func(r *http.Request) { r.Header.Add("X-Amz-Target", "other") },
		"target removed":   func(r *http.Request) { r.Header.Del("X-Amz-Target") },
		"declared hash":    func(r *http.Request) { r.Header.Set("X-Amz-Content-Sha256", EmptyPayload) },
		"unsigned payload": func(r *http.Request) { r.Header.Set("X-Amz-Content-Sha256", UnsignedPayload) },
		"longer signature": func(r *http.Request) { r.Header.Set("Authorization", r.Header.Get("Authorization")+"0") },
		"region": func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "us-east-1", "us-west-1", 1))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := []byte("{}")
			r := newRequest(t, "POST", "http://localhost/", body)
			r.Header.Set("X-Amz-Target", "CodePipeline_20150709.GetPipeline")
			Sign(r, PayloadHash(body), testCredentials, "us-east-1", "codepipeline", testTime)
			r = receive(t, r)
			change(r)
			_, err := newTestVerifier("codepipeline").Verify(r, body)
			wantFailure(t, err, "InvalidSignatureException", "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
		})
	}
}

// TestSignedContentLength is what SDKs for Go do.
func TestSignedContentLength(t *testing.T) {
	t.Parallel()
	body := []byte("{}")
	r := newRequest(t, "POST", "http://localhost/", body)
	r.Header.Set("X-Amz-Date", testTime.Format(isoBasic))
	r.Header.Set("Content-Length", "2")
	const signed = "content-length;host;x-amz-date"
	signature, text := testCredentials.sign(r, signed, PayloadHash(body), "us-east-1", "codepipeline", testTime.Format(isoBasic))
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+testID+"/"+text+", SignedHeaders="+signed+", Signature="+signature)
	got := receive(t, r)
	if _, err := newTestVerifier("codepipeline").Verify(got, body); err != nil {
		t.Errorf("with the header: %v", err)
	}
	got.Header.Del("Content-Length")
	if _, err := newTestVerifier("codepipeline").Verify(got, body); err != nil {
		t.Errorf("without the header: %v", err)
	}
}

// TestDateHeader signs with Date instead of X-Amz-Date.
func TestDateHeader(t *testing.T) {
	t.Parallel()
	r := newRequest(t, "POST", "http://localhost/", nil)
	r.Header.Set("Date", testTime.Format(http.TimeFormat))
	signature, text := testCredentials.sign(r, "date;host", EmptyPayload, "us-east-1", "codepipeline", testTime.Format(isoBasic))
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+testID+"/"+text+", SignedHeaders=date;host, Signature="+signature)
	if _, err := newTestVerifier("codepipeline").Verify(receive(t, r), nil); err != nil {
		t.Fatal(err)
	}
}

// TestS3PathKept makes sure that S3 keys are neither cleaned nor taken for one
// another.
func TestS3PathKept(t *testing.T) {
	t.Parallel()
	sign := func(path string) *http.Request {
		r := newRequest(t, "GET", "http://localhost"+path, nil)
		Sign(r, EmptyPayload, testCredentials, "us-east-1", "s3", testTime)
		return receive(t, r)
	}
	for _, path := range []string{"/b//a", "/b/../a", "/b/./a", "/b/a%2F%2Fb", "/b/%E6%97%A5", "/b/a+b", "/b/%25"} {
		if _, err := newTestVerifier("s3").VerifyS3(sign(path)); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		r := sign(path)
		r.URL = newRequest(t, "GET", "http://localhost/b/a", nil).URL
		if _, err := newTestVerifier("s3").VerifyS3(r); err == nil {
			t.Errorf("%s: accepted for /b/a", path)
		}
	}
}

func TestSecretChangeTakesEffect(t *testing.T) {
	t.Parallel()
	v := newTestVerifier("codepipeline")
	keys := testKeys()
	v.Keys = keys
	r := newRequest(t, "POST", "http://localhost/", nil)
	Sign(r, EmptyPayload, testCredentials, "us-east-1", "codepipeline", testTime)
	r = receive(t, r)
	for range 2 {
		if _, err := v.Verify(r, nil); err != nil {
			t.Fatal(err)
		}
	}
	changed := keys[testID+"/"]
	changed.secret = "new"
	keys[testID+"/"] = changed
	if _, err := v.Verify(r, nil); err == nil {
		t.Fatal("the old secret still works")
	}
}

// TestCacheBounded fills a cache far beyond its size while one key stays in
// use.
func TestCacheBounded(t *testing.T) {
	t.Parallel()
	var c keyCache
	used := scope{keyID: "used"}
	c.put(used, deriveKey("s", used))
	one := deriveKey("s", scope{})
	for i := range 10 * keyCacheSize {
		c.put(scope{keyID: fmt.Sprint(i)}, one)
		if c.get(used, "s") == nil {
			t.Fatalf("the key in use was dropped after %d others", i)
		}
	}
	if n := len(c.young) + len(c.old); n > 2*keyCacheSize {
		t.Errorf("%d keys, want at most %d", n, 2*keyCacheSize)
	}
	if c.get(scope{keyID: "0"}, "s") != nil {
		t.Error("a key that nobody uses was kept")
	}
}

// TestStrangersDoNotFillCache sends what anybody can send.
func TestStrangersDoNotFillCache(t *testing.T) {
	t.Parallel()
	v := newTestVerifier("codepipeline")
	for i := range 10 {
		for _, c := range []Credentials{{"NOBODY", "x", ""}, {testID, "wrong", ""}} {
			r := newRequest(t, "POST", "http://localhost/", nil)
			Sign(r, EmptyPayload, c, fmt.Sprintf("region-%d", i), "codepipeline", testTime)
			if _, err := v.Verify(receive(t, r), nil); err == nil {
				t.Fatal("accepted")
			}
		}
	}
	if n := len(v.cache.young); n != 0 {
		t.Errorf("%d keys cached", n)
	}
}

func TestService(t *testing.T) {
	t.Parallel()
	signed := newRequest(t, "POST", "http://localhost/", nil)
	Sign(signed, EmptyPayload, testCredentials, "us-east-1", "codepipeline", testTime)
	tests := []struct {
		name string
		r    *http.Request
		want string
	}{
		{"header", signed, "codepipeline"},
		{"query", newRequest(t, "GET", Presign(newRequest(t, "GET", "http://localhost/b/k", nil), testCredentials, "us-east-1", "s3", time.Hour, testTime), nil), "s3"},
		{"unsigned", newRequest(t, "GET", "http://localhost/?a=b", nil), ""},
		{"other header", parseRequest(t, "GET / HTTP/1.1\nHost: h\nAuthorization: Bearer abc\n"), ""},
		{"short credential", parseRequest(t, "GET / HTTP/1.1\nHost: h\nAuthorization: AWS4-HMAC-SHA256 Credential=a/b/c\n"), ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := Service(test.r); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func FuzzVerify(f *testing.F) {
	const credential = testID + "/20130609/us-east-1/codepipeline/aws4_request"
	f.Add("AWS4-HMAC-SHA256 Credential="+credential+", SignedHeaders=host;x-amz-date, Signature=00", "20130609T100015Z", "")
	f.Add("", "", "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential="+credential+"&X-Amz-Date=20130609T100015Z&X-Amz-SignedHeaders=host&X-Amz-Expires=60&X-Amz-Signature=00&a=%zz&&=")
	f.Add("Bearer a=b,,", "20130609", "X-Amz-Algorithm")
	f.Fuzz(func(t *testing.T, authorization, date, query string) {
		r := newRequest(t, "POST", "http://localhost//a/../b", nil)
		r.Header.Set("Authorization", authorization)
		r.Header.Set("X-Amz-Date", date)
		r.Header.Set("X-Amz-Content-Sha256", UnsignedPayload)
		r.URL.RawQuery = query
		Service(r)
		if _, err := newTestVerifier("codepipeline").Verify(r, nil); err == nil {
			t.Fatal("accepted without knowing the secret")
		}
		if _, err := newTestVerifier("s3", "codepipeline").VerifyS3(r); err == nil {
			t.Fatal("accepted without knowing the secret")
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	body := []byte(`{"actionTypeId":{"category":"Build","owner":"Custom","provider":"P","version":"1"},"maxBatchSize":1}`)
	r := newRequest(b, "POST", "http://localhost:7480/", body)
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "CodePipeline_20150709.PollForJobs")
	Sign(r, PayloadHash(body), testCredentials, "us-east-1", "codepipeline", testTime)
	r = receive(b, r)
	v := newTestVerifier("codepipeline", "penstock")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Verify(r, body); err != nil {
			b.Fatal(err)
		}
	}
}

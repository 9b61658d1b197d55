package s3

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"penstock/internal/blob"
)

func TestParseAddress(t *testing.T) {
	t.Parallel()
	bases := []string{"ci.example.com"}
	for _, tc := range []struct {
		name, host, target string
		bucket, key        string
	}{
		{"service", "localhost:7480", "/", "", ""},
		{"service without a slash", "localhost", "?x-id=ListBuckets", "", ""},
		{"bucket", "127.0.0.1:7480", "/my-bucket", "my-bucket", ""},
		{"bucket and slash", "127.0.0.1", "/my-bucket/", "my-bucket", ""},
		{"key", "127.0.0.1", "/my-bucket/a/b?versionId=1", "my-bucket", "a/b"},
		{"IPv6", "[::1]:7480", "/my-bucket/k", "my-bucket", "k"},
		{"double slash", "localhost", "/my-bucket//a//b", "my-bucket", "/a//b"},
		{"dots", "localhost", "/my-bucket/../../etc/passwd", "my-bucket", "../../etc/passwd"},
		{"escaped slash", "localhost", "/my-bucket/a%2Fb", "my-bucket", "a/b"},
		{"escaped percent", "localhost", "/my-bucket/a%252Fb", "my-bucket", "a%2Fb"},
		{"plus stays", "localhost", "/my-bucket/a+b%20c", "my-bucket", "a+b c"},
		{"escaped question mark", "localhost", "/my-bucket/a%3Fb", "my-bucket", "a?b"},
		{"absolute form", "localhost", "http://localhost/my-bucket/k?x=http://y/z", "my-bucket", "k"},
		{"localhost label", "my-bucket.localhost:7480", "/k", "my-bucket", "k"},
		{"localhost label, double slash", "my-bucket.localhost", "//k", "my-bucket", "/k"},
		{"Amazon's form", "my-bucket.s3.eu-west-1.amazonaws.com", "/a/b", "my-bucket", "a/b"},
		{"Amazon's form, dotted bucket", "my.bucket.s3.eu-west-1.amazonaws.com", "/a", "my.bucket", "a"},
		{"Amazon's path style", "s3.eu-west-1.amazonaws.com", "/my-bucket/a", "my-bucket", "a"},
		{"base itself", "ci.example.com", "/my-bucket/a", "my-bucket", "a"},
		{"base with a bucket", "My-Bucket.CI.example.com.", "/a", "my-bucket", "a"},
		{"another host", "other.example.com", "/my-bucket/a", "my-bucket", "a"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := &http.Request{Host: tc.host, RequestURI: tc.target, URL: &url.URL{}}
			got, err := parseAddress(r, bases)
			if err != nil || got.bucket != tc.bucket || got.key != tc.key {
				t.Errorf("bucket %q key %q, %v", got.bucket, got.key, err)
			}
		})
	}
	for name, target := range map[string]string{
		"broken escape": "/bucket/%zz", "key without a bucket": "//key", "long key": "/bucket/" + strings.Repeat("k", blob.MaxKey+1), "no UTF-8": "/bucket/%ff",
	} {
		if got, err := parseAddress(&http.Request{Host: "localhost", RequestURI: target, URL: &url.URL{}}, nil); err == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// FuzzAddress holds what parseAddress says against what the client meant, for
// any key, and feeds it any path at all.
func FuzzAddress(f *testing.F) {
	for _, key := range awkward {
		f.Add(key, "/bucket/"+key)
	}
	f.Fuzz(func(t *testing.T, key, path string) {
		if blob.CheckKey("bucket", key) == nil {
			escaped := "/bucket/" + strings.ReplaceAll(url.PathEscape(key), "%2F", "/")
			r := httptest.NewRequest(http.MethodGet, "http://localhost/", nil)
			r.RequestURI = escaped
			if got, err := parseAddress(r, nil); err != nil || got.bucket != "bucket" || got.key != key {
				t.Errorf("%q: %+v, %v", escaped, got, err)
			}
			source, err := parseCopySource(escapeSource("bucket", key) + "?versionId=v%20")
			if err != nil || source.Key != key || source.VersionID != "v " {
				t.Errorf("copy source of %q: %+v, %v", key, source, err)
			}
		}
		got, err := parseAddress(&http.Request{Host: "localhost", RequestURI: path, URL: &url.URL{}}, nil)
		if err == nil && got.key != "" && blob.CheckKey(got.bucket, got.key) != nil {
			t.Errorf("%q gave the key %q", path, got.key)
		}
		parseCopySource(path)
		parseRange("bytes=" + path)
	})
}

package s3

import (
	"net"
	"net/http"
	"net/url"
	"strings"

	"penstock/internal/blob"
)

// address is the bucket and the key that a request is about; both may be "".
type address struct {
	bucket, key string
	virtualHost bool // the bucket was in the host
}

// parseAddress finds them in the host (virtual-host style) and the raw path.
func parseAddress(r *http.Request, bases []string) (address, error) {
	path := rawPath(r)
	bucket := bucketOfHost(r.Host, bases)
	virtual := bucket != ""
	if !virtual {
		var raw string
		raw, path, _ = strings.Cut(strings.TrimPrefix(path, "/"), "/")
		var err error
		if bucket, err = url.PathUnescape(raw); err != nil {
			return address{}, invalidURI()
		}
	} else {
		path = strings.TrimPrefix(path, "/")
	}
	key, err := url.PathUnescape(path)
	if err != nil {
		return address{}, invalidURI()
	}
	if key != "" {
		if bucket == "" {
			return address{}, blob.CheckBucket("")
		}
		if err := blob.CheckKey(bucket, key); err != nil {
			return address{}, err
		}
	}
	return address{bucket, key, virtual}, nil
}

func invalidURI() error {
	return refuse("InvalidURI", "Couldn't parse the specified URI.")
}

// rawPath is the path as the client sent it, still encoded.
func rawPath(r *http.Request) string {
	raw := r.RequestURI
	if raw == "" { // a request that no server read
		return r.URL.EscapedPath()
	}
	if !strings.HasPrefix(raw, "/") { // absolute form, sent to proxies
		_, rest, _ := strings.Cut(raw, "://")
		i := strings.IndexAny(rest, "/?")
		if i < 0 {
			return "/"
		}
		raw = rest[i:]
	}
	raw, _, _ = strings.Cut(raw, "?")
	return raw
}

// bucketOfHost returns the bucket of a virtual-host style request, "" for
// path style: BUCKET.BASE for a configured base, BUCKET.s3.anything,
// BUCKET.localhost.
func bucketOfHost(host string, bases []string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, base := range bases {
		base = strings.ToLower(base)
		if host == base {
			return ""
		}
		if bucket, ok := strings.CutSuffix(host, "."+base); ok {
			return bucket
		}
	}
	if strings.HasPrefix(host, "s3.") || net.ParseIP(strings.Trim(host, "[]")) != nil {
		return ""
	}
	if i := strings.LastIndex(host, ".s3."); i > 0 {
		return host[:i]
	}
	bucket, _ := strings.CutSuffix(host, ".localhost")
	if bucket == host {
		return ""
	}
	return bucket
}

// parseCopySource reads x-amz-copy-source: /BUCKET/KEY?versionId=ID, encoded.
func parseCopySource(header string) (blob.Source, error) {
	bad := refuse("InvalidArgument", "Copy Source must mention the source bucket and key: sourcebucket/sourcekey")
	raw, version := header, ""
	if i := strings.LastIndex(raw, "?versionId="); i >= 0 {
		raw, version = raw[:i], raw[i+len("?versionId="):]
	}
	path, err := url.PathUnescape(raw)
	if err != nil {
		return blob.Source{}, bad
	}
	if version, err = url.QueryUnescape(version); err != nil {
		return blob.Source{}, bad
	}
	bucket, key, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if blob.CheckBucket(bucket) != nil || blob.CheckKey(bucket, key) != nil {
		return blob.Source{}, bad
	}
	return blob.Source{Bucket: bucket, Key: key, VersionID: version}, nil
}

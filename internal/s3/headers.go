package s3

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"penstock/internal/blob"
)

const (
	metaPrefix = "X-Amz-Meta-"
	// defaultType is the content type of objects written without one.
	defaultType = "binary/octet-stream"
	// maxMetadata is the most bytes of user metadata, names and values.
	maxMetadata = 2 << 10
)

// readAttributes takes what a write says about the object from its headers.
func readAttributes(q *request) (blob.Attributes, error) {
	h := q.Header
	a := blob.Attributes{
		ContentType:        h.Get("Content-Type"),
		CacheControl:       h.Get("Cache-Control"),
		ContentDisposition: h.Get("Content-Disposition"),
		ContentEncoding:    h.Get("Content-Encoding"),
		ContentLanguage:    h.Get("Content-Language"),
		Expires:            h.Get("Expires"),
		WebsiteRedirect:    h.Get("X-Amz-Website-Redirect-Location"),
	}
	if a.ContentType == "" {
		a.ContentType = defaultType
	}
	size := 0
	for name, values := range h {
		if !strings.HasPrefix(name, metaPrefix) {
			continue
		}
		if a.Metadata == nil {
			a.Metadata = map[string]string{}
		}
		name = strings.ToLower(name[len(metaPrefix):])
		value := strings.Join(values, ",")
		size += len(name) + len(value)
		a.Metadata[name] = value
	}
	if size > maxMetadata {
		return a, refuse("MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size")
	}
	var err error
	if a.Encryption, err = readEncryption(h); err != nil {
		return a, err
	}
	if a.Tags, err = parseTagging(h.Get("X-Amz-Tagging")); err != nil {
		return a, err
	}
	return a, refuseUnserved(h)
}

// readEncryption accepts the server-side encryption headers, which job
// workers send even where no key exists. The headers are kept and echoed.
func readEncryption(h http.Header) (blob.Encryption, error) {
	e := blob.Encryption{
		Algorithm: h.Get("X-Amz-Server-Side-Encryption"),
		KMSKeyID:  h.Get("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id"),
		Context:   h.Get("X-Amz-Server-Side-Encryption-Context"),
		BucketKey: strings.EqualFold(h.Get("X-Amz-Server-Side-Encryption-Bucket-Key-Enabled"), "true"),
	}
	switch e.Algorithm {
	case "", "AES256", "aws:kms", "aws:kms:dsse":
		return e, nil
	}
	return e, refuse("InvalidArgument", "The encryption method specified is not supported")
}

// refuseUnserved refuses headers whose promise would not be kept.
func refuseUnserved(h http.Header) error {
	for name := range h {
		if strings.HasPrefix(name, "X-Amz-Object-Lock-") || strings.HasPrefix(name, "X-Amz-Grant-") ||
			strings.HasPrefix(name, "X-Amz-Server-Side-Encryption-Customer-") ||
			name == "X-Amz-Write-Offset-Bytes" {
			return errNotImplemented(strings.ToLower(name))
		}
	}
	return refuseACL(h)
}

func setEncryption(h http.Header, e blob.Encryption) {
	set := func(name, value string) {
		if value != "" {
			h.Set(name, value)
		}
	}
	set("X-Amz-Server-Side-Encryption", e.Algorithm)
	set("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id", e.KMSKeyID)
	set("X-Amz-Server-Side-Encryption-Context", e.Context)
	if e.BucketKey {
		h.Set("X-Amz-Server-Side-Encryption-Bucket-Key-Enabled", "true")
	}
}

// setObject sets the headers that describe an object on reads.
func setObject(h http.Header, info *blob.Info) {
	for name, value := range map[string]string{
		"Content-Type":                    info.ContentType,
		"Cache-Control":                   info.CacheControl,
		"Content-Disposition":             info.ContentDisposition,
		"Content-Encoding":                info.ContentEncoding,
		"Content-Language":                info.ContentLanguage,
		"Expires":                         info.Expires,
		"X-Amz-Website-Redirect-Location": info.WebsiteRedirect,
		"X-Amz-Version-Id":                info.VersionID,
		"Etag":                            info.ETag,
	} {
		if value != "" {
			h.Set(name, value)
		}
	}
	if info.ContentType == "" {
		h.Set("Content-Type", defaultType) // or net/http would guess one
	}
	h.Set("Accept-Ranges", "bytes")
	h.Set("Last-Modified", info.Modified.UTC().Format(http.TimeFormat))
	for name, value := range info.Metadata {
		// In lower case as S3 sends them: some clients keep the spelling.
		h[strings.ToLower(metaPrefix)+name] = []string{value}
	}
	if n := len(info.Tags); n > 0 {
		h.Set("X-Amz-Tagging-Count", strconv.Itoa(n))
	}
	setEncryption(h, info.Encryption)
}

// overrides are the response-* parameters of a signed GET.
var overrides = map[string]string{
	"response-cache-control":       "Cache-Control",
	"response-content-disposition": "Content-Disposition",
	"response-content-encoding":    "Content-Encoding",
	"response-content-language":    "Content-Language",
	"response-content-type":        "Content-Type",
	"response-expires":             "Expires",
}

func setOverrides(h http.Header, query url.Values) {
	for parameter, name := range overrides {
		if v := query.Get(parameter); v != "" {
			h.Set(name, v)
		}
	}
}

// readConditions takes the conditional headers, whose names begin with prefix.
// A date that is none counts as absent, as HTTP has it.
func readConditions(h http.Header, prefix string) blob.Conditions {
	date := func(name string) time.Time {
		t, _ := http.ParseTime(h.Get(prefix + name))
		return t
	}
	return blob.Conditions{
		IfMatch:           h.Get(prefix + "If-Match"),
		IfNoneMatch:       h.Get(prefix + "If-None-Match"),
		IfModifiedSince:   date("If-Modified-Since"),
		IfUnmodifiedSince: date("If-Unmodified-Since"),
	}
}

// writeConditions takes those that S3 has on writes.
func writeConditions(h http.Header) blob.Conditions {
	return blob.Conditions{IfMatch: h.Get("If-Match"), IfNoneMatch: h.Get("If-None-Match")}
}

// parseRange reads a Range header of one range; nil for any other, which then
// selects the whole object.
func parseRange(header string) *blob.Range {
	spec, ok := strings.CutPrefix(header, "bytes=")
	if !ok {
		return nil
	}
	first, last, ok := strings.Cut(strings.TrimSpace(spec), "-")
	if !ok {
		return nil
	}
	if first == "" {
		n, err := strconv.ParseUint(last, 10, 62)
		switch {
		case err != nil:
			return nil
		case n == 0:
			return &blob.Range{} // satisfies nothing
		}
		return &blob.Range{Offset: -int64(n)}
	}
	from, err := strconv.ParseUint(first, 10, 62)
	if err != nil {
		return nil
	}
	if last == "" {
		return &blob.Range{Offset: int64(from), Length: -1}
	}
	to, err := strconv.ParseUint(last, 10, 62)
	if err != nil || to < from {
		return nil
	}
	return &blob.Range{Offset: int64(from), Length: int64(to-from) + 1}
}

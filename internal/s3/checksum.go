package s3

import (
	"crypto/md5"
	"encoding/base64"
	"net/http"
	"strings"

	"penstock/internal/blob"
)

const checksumPrefix = "X-Amz-Checksum-"

// checksumHeader is the header of an algorithm, in Go's spelling.
func checksumHeader(a blob.Algorithm) string {
	return http.CanonicalHeaderKey(checksumPrefix + string(a))
}

// claim is the checksum that a request says its body has.
type claim struct {
	algorithm blob.Algorithm
	value     string       // when it came in a header
	trailer   *http.Header // where it comes after the body
}

// readClaim finds it: a header, a trailer, or an algorithm by name only.
func readClaim(q *request) (claim, error) {
	var found []claim
	for _, a := range blob.Algorithms {
		if v := q.Header.Get(checksumHeader(a)); v != "" {
			raw, err := base64.StdEncoding.DecodeString(v)
			if err != nil || len(raw) != a.New().Size() {
				return claim{}, refuse("InvalidRequest", "Value for %s header is invalid.", strings.ToLower(checksumHeader(a)))
			}
			found = append(found, claim{algorithm: a, value: v})
		}
		if strings.EqualFold(strings.TrimSpace(q.Header.Get("X-Amz-Trailer")), checksumHeader(a)) {
			found = append(found, claim{algorithm: a, trailer: &q.Trailer})
		}
	}
	if len(found) > 1 {
		return claim{}, refuse("InvalidRequest", "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
	}
	if len(found) == 1 {
		return found[0], nil
	}
	a, err := algorithmNamed(q.Header.Get("X-Amz-Sdk-Checksum-Algorithm"))
	return claim{algorithm: a}, err
}

// algorithmNamed returns the algorithm of a header value, "" for none.
func algorithmNamed(name string) (blob.Algorithm, error) {
	a := blob.Algorithm(strings.ToUpper(name))
	if a != "" && a.New() == nil {
		return "", refuse("InvalidRequest", "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]")
	}
	return a, nil
}

// check compares the claim with what was computed. It is called when the body
// has been read, so that trailers are there.
func (c claim) check(have blob.Checksum) error {
	want := c.value
	if c.trailer != nil {
		if want = c.trailer.Get(checksumHeader(c.algorithm)); want == "" {
			return refuse("MalformedTrailerError", "The request contained trailing data that was not well-formed or did not conform to our published schema.")
		}
	}
	if want != "" && want != have.Value {
		return refuse("BadDigest", "The %s you specified did not match the calculated checksum.", c.algorithm)
	}
	return nil
}

func contentMD5(h http.Header) ([]byte, error) {
	v, ok := h["Content-Md5"]
	if !ok {
		return nil, nil
	}
	sum, err := base64.StdEncoding.DecodeString(v[0])
	if err != nil || len(sum) != md5.Size {
		return nil, refuse("InvalidDigest", "The Content-MD5 you specified was invalid.")
	}
	return sum, nil
}

func setChecksum(h http.Header, c blob.Checksum) {
	if c.Value == "" {
		return
	}
	h.Set(checksumHeader(c.Algorithm), c.Value)
	h.Set("X-Amz-Checksum-Type", string(c.Type))
}

// checksumXML are the checksum elements of a document.
type checksumXML struct {
	ChecksumCRC32     string `xml:",omitempty"`
	ChecksumCRC32C    string `xml:",omitempty"`
	ChecksumCRC64NVME string `xml:",omitempty"`
	ChecksumSHA1      string `xml:",omitempty"`
	ChecksumSHA256    string `xml:",omitempty"`
}

func (x *checksumXML) field(a blob.Algorithm) *string {
	switch a {
	case blob.CRC32:
		return &x.ChecksumCRC32
	case blob.CRC32C:
		return &x.ChecksumCRC32C
	case blob.CRC64NVME:
		return &x.ChecksumCRC64NVME
	case blob.SHA1:
		return &x.ChecksumSHA1
	case blob.SHA256:
		return &x.ChecksumSHA256
	}
	return new(string)
}

func checksumOf(c blob.Checksum) (x checksumXML) {
	*x.field(c.Algorithm) = c.Value
	return x
}

// value is the one that is set.
func (x *checksumXML) value() string {
	for _, a := range blob.Algorithms {
		if v := *x.field(a); v != "" {
			return v
		}
	}
	return ""
}

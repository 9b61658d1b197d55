package sigv4

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestSuiteVectors holds cases of AWS's published Signature Version 4 test
// suite.
func TestSuiteVectors(t *testing.T) {
	t.Parallel()
	const vanilla = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
	tests := []struct {
		name, line, headers, signed, body, signature string
	}{
		{"get-vanilla", "GET /", "", "host;x-amz-date", "", vanilla},
		{"get-slash", "GET //", "", "host;x-amz-date", "", vanilla},
		{"get-slash-dot-slash", "GET /./", "", "host;x-amz-date", "", vanilla},
		{"get-relative", "GET /example/..", "", "host;x-amz-date", "", vanilla},
		{"get-relative-relative", "GET /example1/example2/../..", "", "host;x-amz-date", "", vanilla},
		{"get-vanilla-empty-query-key", "GET /?Param1=value1", "", "host;x-amz-date", "", "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
		{"get-vanilla-query-order-key-case", "GET /?Param2=value2&Param1=value1", "", "host;x-amz-date", "", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
		{"get-unreserved", "GET /-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", "", "host;x-amz-date", "", "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
		{"get-header-value-trim", "GET /", "My-Header1: value1\nMy-Header2:  \"a   b   c\"\n", "host;my-header1;my-header2;x-amz-date", "", "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
		{"get-header-value-order", "GET /", "My-Header1:value4\nMy-Header1:value1\nMy-Header1:value3\nMy-Header1:value2\n", "host;my-header1;x-amz-date", "", "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"},
		{"post-vanilla", "POST /", "", "host;x-amz-date", "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
		{"post-header-key-sort", "POST /", "My-Header1:value1\n", "host;my-header1;x-amz-date", "", "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"},
		{"post-x-www-form-urlencoded", "POST /", "Content-Type:application/x-www-form-urlencoded\n", "content-type;host;x-amz-date", "Param1=value1", "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := parseRequest(t, test.line+" HTTP/1.1\nHost:example.amazonaws.com\n"+test.headers+
				"X-Amz-Date:20150830T123600Z\nAuthorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders="+
				test.signed+", Signature="+test.signature+"\n")
			v := newTestVerifier("service")
			v.Now = func() time.Time { return time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC) }
			if _, err := v.Verify(r, []byte(test.body)); err != nil {
				t.Fatal(err)
			}
			if _, err := v.Verify(r, []byte(test.body+"!")); err == nil {
				t.Fatal("another body is accepted")
			}
		})
	}
}

const (
	docAuth = "Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders="
	docHost = " HTTP/1.1\nHost: examplebucket.s3.amazonaws.com\n"
	docDate = "x-amz-date: 20130524T000000Z\n"
	docHash = "x-amz-content-sha256: " + EmptyPayload + "\n"
)

func newDocVerifier() *Verifier {
	v := newTestVerifier("s3")
	v.Now = func() time.Time { return time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC) }
	return v
}

// TestS3Documentation holds the examples of the S3 API reference.
func TestS3Documentation(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, request string }{
		{"get object", "GET /test.txt" + docHost + "Range: bytes=0-9\n" + docHash + docDate + docAuth +
			"host;range;x-amz-content-sha256;x-amz-date,Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41\n"},
		{"put object", "PUT /test$file.text" + docHost + "Date: Fri, 24 May 2013 00:00:00 GMT\n" + docDate +
			"x-amz-storage-class: REDUCED_REDUNDANCY\nx-amz-content-sha256: 44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072\n" + docAuth +
			"date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class,Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd\n"},
		{"get lifecycle", "GET /?lifecycle" + docHost + docDate + docHash + docAuth +
			"host;x-amz-content-sha256;x-amz-date,Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543\n"},
		{"list objects", "GET /?max-keys=2&prefix=J" + docHost + docDate + docHash + docAuth +
			"host;x-amz-content-sha256;x-amz-date,Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7\n"},
		{"presigned get", "GET /test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404" + docHost},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if _, err := newDocVerifier().VerifyS3(parseRequest(t, test.request)); err != nil {
				t.Fatal(err)
			}
			other := strings.Replace(test.request, "examplebucket", "otherbucket", 1)
			if _, err := newDocVerifier().VerifyS3(parseRequest(t, other)); err == nil {
				t.Fatal("another host is accepted")
			}
		})
	}
}

// docChunked is the chunked upload of the S3 API reference: 65 KiB in a chunk
// of 64 KiB and one of 1 KiB.
func docChunked(chunk1, chunk2, last string) string {
	return "10000;chunk-signature=" + chunk1 + "\r\n" + strings.Repeat("a", 65536) + "\r\n" +
		"400;chunk-signature=" + chunk2 + "\r\n" + strings.Repeat("a", 1024) + "\r\n" +
		"0;chunk-signature=" + last + "\r\n"
}

func docUpload(t *testing.T, payload, headers, signed, signature, body string) *http.Request {
	t.Helper()
	r := parseRequest(t, "PUT /examplebucket/chunkObject.txt HTTP/1.1\nHost: s3.amazonaws.com\n"+docDate+
		"x-amz-storage-class: REDUCED_REDUNDANCY\nx-amz-content-sha256: "+payload+"\nContent-Encoding: aws-chunked\n"+
		"x-amz-decoded-content-length: 66560\n"+headers+docAuth+signed+",Signature="+signature+"\n")
	r.Body = io.NopCloser(strings.NewReader(body))
	return r
}

func TestS3DocumentationChunked(t *testing.T) {
	t.Parallel()
	r := docUpload(t, StreamingPayload, "Content-Length: 66824\n",
		"content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class",
		"4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
		docChunked("ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
			"0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
			"b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9")+"\r\n")
	if _, err := newDocVerifier().VerifyS3(r); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(r.Body)
	if err != nil || string(got) != strings.Repeat("a", 66560) {
		t.Fatalf("read %d bytes, %v", len(got), err)
	}
	if r.ContentLength != 66560 || r.Header.Get("Content-Length") != "66560" || len(r.Header["Content-Encoding"]) != 0 {
		t.Errorf("length %d, headers %v", r.ContentLength, r.Header)
	}
}

func TestS3DocumentationTrailer(t *testing.T) {
	t.Parallel()
	r := docUpload(t, StreamingPayloadTrailer, "x-amz-trailer: x-amz-checksum-crc32c\n",
		"content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer",
		"106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
		docChunked("b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
			"1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
			"2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992")+
			"x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n")
	if _, err := newDocVerifier().VerifyS3(r); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(r.Body); err != nil {
		t.Fatal(err)
	}
	if got := r.Trailer.Get("X-Amz-Checksum-Crc32c"); got != "sOO8/Q==" {
		t.Errorf("trailer %q", got)
	}
}

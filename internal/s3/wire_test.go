package s3

import (
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"penstock/internal/sigv4"
)

// send signs a request by hand and returns the answer with its body.
func (e *endpoint) send(t *testing.T, method, target, payload, body string, header map[string]string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, e.url+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range header {
		r.Header.Set(name, value)
	}
	if payload == "" {
		payload = sigv4.PayloadHash([]byte(body))
	}
	sigv4.Sign(r, payload, sigv4.Credentials{AccessKeyID: testKey, SecretAccessKey: testSecret}, testRegion, "s3", time.Now())
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(text)
}

func TestErrorsOnTheWire(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t)
	b := e.bucket(t)
	for _, tc := range []struct {
		name, method, target, body string
		header                     map[string]string
		status                     int
		code                       string
	}{
		{"absent bucket", "GET", "/no-such-bucket/k", "", nil, 404, "NoSuchBucket"},
		{"absent key", "GET", "/" + b + "/k", "", nil, 404, "NoSuchKey"},
		{"absent version", "GET", "/" + b + "/k?versionId=x", "", nil, 404, "NoSuchVersion"},
		{"absent upload", "PUT", "/" + b + "/k?partNumber=1&uploadId=x", "", nil, 404, "NoSuchUpload"},
		{"part number of letters", "PUT", "/" + b + "/k?partNumber=a&uploadId=x", "", nil, 400, "InvalidArgument"},
		{"long key", "GET", "/" + b + "/" + strings.Repeat("k", 1025), "", nil, 400, "KeyTooLongError"},
		{"broken escape in copy source", "PUT", "/" + b + "/k", "", map[string]string{"X-Amz-Copy-Source": "a/%zz"}, 400, "InvalidArgument"},
		{"bad bucket name", "PUT", "/Bad_Name", "", nil, 400, "InvalidBucketName"},
		{"unserved sub-resource of a bucket", "GET", "/" + b + "?lifecycle", "", nil, 501, "NotImplemented"},
		{"unserved sub-resource of an object", "PUT", "/" + b + "/k?retention", "", nil, 501, "NotImplemented"},
		{"customer key", "PUT", "/" + b + "/k", "x", map[string]string{"X-Amz-Server-Side-Encryption-Customer-Algorithm": "AES256"}, 501, "NotImplemented"},
		{"object lock", "PUT", "/" + b + "/k", "x", map[string]string{"X-Amz-Object-Lock-Mode": "GOVERNANCE"}, 501, "NotImplemented"},
		{"public ACL", "PUT", "/" + b + "/k", "x", map[string]string{"X-Amz-Acl": "public-read"}, 400, "AccessControlListNotSupported"},
		{"unknown method", "PATCH", "/" + b + "/k", "", nil, 405, "MethodNotAllowed"},
		{"HTML form", "POST", "/" + b, "", nil, 501, "NotImplemented"},
		{"metadata too large", "PUT", "/" + b + "/k", "x", map[string]string{"X-Amz-Meta-Big": strings.Repeat("m", 2050)}, 400, "MetadataTooLarge"},
		{"MD5 that is none", "PUT", "/" + b + "/k", "x", map[string]string{"Content-Md5": "zzz"}, 400, "InvalidDigest"},
		{"unknown encryption", "PUT", "/" + b + "/k", "x", map[string]string{"X-Amz-Server-Side-Encryption": "rot13"}, 400, "InvalidArgument"},
		{"two checksums", "PUT", "/" + b + "/k", "x", map[string]string{"X-Amz-Checksum-Crc32": "AAAAAA==", "X-Amz-Checksum-Sha1": "AAAAAAAAAAAAAAAAAAAAAAAAAAA="}, 400, "InvalidRequest"},
		{"XML that is none", "POST", "/" + b + "?delete", "<Delete><Obj", nil, 400, "MalformedXML"},
		{"deleting nothing", "POST", "/" + b + "?delete", "<Delete></Delete>", nil, 400, "MalformedXML"},
		{"deleting too many", "POST", "/" + b + "?delete", "<Delete>" + strings.Repeat("<Object><Key>k</Key></Object>", 1001) + "</Delete>", nil, 400, "MalformedXML"},
		{"versioning off", "PUT", "/" + b + "?versioning", "<VersioningConfiguration><Status>Off</Status></VersioningConfiguration>", nil, 400, "MalformedXML"},
		{"max-keys of letters", "GET", "/" + b + "?max-keys=x", "", nil, 400, "InvalidArgument"},
		{"continuation of ours only", "GET", "/" + b + "?list-type=2&continuation-token=%21", "", nil, 400, "InvalidArgument"},
		{"too many tags", "PUT", "/" + b + "/k", "x", map[string]string{"X-Amz-Tagging": "1=&2=&3=&4=&5=&6=&7=&8=&9=&10=&11="}, 400, "BadRequest"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			answer, text := e.send(t, tc.method, tc.target, "", tc.body, tc.header)
			var body errorBody
			if err := xml.Unmarshal([]byte(text), &body); err != nil {
				t.Fatalf("%s: %v in %q", answer.Status, err, text)
			}
			if answer.StatusCode != tc.status || body.Code != tc.code || body.Message == "" {
				t.Errorf("%d %s, want %d %s", answer.StatusCode, text, tc.status, tc.code)
			}
			if id := answer.Header.Get("X-Amz-Request-Id"); id == "" || id != body.RequestID {
				t.Errorf("request id %q in the header, %q in the body", id, body.RequestID)
			}
		})
	}
	t.Run("HEAD has no body", func(t *testing.T) {
		answer, text := e.send(t, "HEAD", "/"+b+"/k", "", "", nil)
		if answer.StatusCode != 404 || text != "" {
			t.Errorf("%d %q", answer.StatusCode, text)
		}
	})
	t.Run("unsigned", func(t *testing.T) {
		answer, err := http.Get(e.url + "/" + b + "/k")
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != 403 {
			t.Errorf("%s, want 403", answer.Status)
		}
	})
}

func TestTrailerChecksums(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t)
	b := e.bucket(t)
	const content = "content that is sent in chunks"
	sum := crc32.ChecksumIEEE([]byte(content))
	right := base64.StdEncoding.EncodeToString([]byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)})
	for name, tc := range map[string]struct {
		trailer string
		status  int
	}{
		"right": {right, 200},
		"wrong": {"AAAAAA==", 400},
	} {
		t.Run(name, func(t *testing.T) {
			body := fmt.Sprintf("a\r\n%s\r\n%x\r\n%s\r\n0\r\nx-amz-checksum-crc32:%s\r\n\r\n", content[:10], len(content)-10, content[10:], tc.trailer)
			answer, text := e.send(t, "PUT", "/"+b+"/"+name, sigv4.StreamingUnsignedTrailer, body, map[string]string{
				"Content-Encoding": "aws-chunked", "X-Amz-Trailer": "x-amz-checksum-crc32",
				"X-Amz-Decoded-Content-Length": fmt.Sprint(len(content)),
			})
			if answer.StatusCode != tc.status {
				t.Fatalf("%s %s, want %d", answer.Status, text, tc.status)
			}
			info, err := e.store.Head(t.Context(), b, name, nil)
			if tc.status != 200 {
				if err == nil {
					t.Error("the refused object exists")
				}
				return
			}
			if err != nil || info.Size != int64(len(content)) || info.ContentEncoding != "" || info.Checksum.Value != right {
				t.Errorf("stored %+v, %v", info, err)
			}
			if got := answer.Header.Get("X-Amz-Checksum-Crc32"); got != right {
				t.Errorf("checksum %q in the answer", got)
			}
		})
	}
}

func TestPresignedURLs(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t)
	b := e.bucket(t)
	p := sdk.NewPresignClient(e.client())
	key := "a//b/../ü +%"
	up, err := p.PresignPutObject(t.Context(), &sdk.PutObjectInput{Bucket: &b, Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest(up.Method, up.URL, strings.NewReader("by link"))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != 200 {
		t.Fatal(answer.Status)
	}
	down, err := p.PresignGetObject(t.Context(), &sdk.GetObjectInput{Bucket: &b, Key: &key,
		ResponseContentType: aws.String("text/x-special"), ResponseContentDisposition: aws.String(`attachment; filename="x"`)})
	if err != nil {
		t.Fatal(err)
	}
	answer, err = http.Get(down.URL)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(answer.Body)
	answer.Body.Close()
	if string(text) != "by link" || answer.Header.Get("Content-Type") != "text/x-special" || answer.Header.Get("Content-Disposition") == "" {
		t.Errorf("%s %q %v", answer.Status, text, answer.Header)
	}
	answer, err = http.Get(strings.Replace(down.URL, "text%2Fx-special", "text%2Fhtml", 1))
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != 403 {
		t.Errorf("a URL that was changed: %s", answer.Status)
	}
}

// TestPresignedURLsOfVersion2 checks what must not pass; that the AWS CLI's
// own URLs do is in TestCLISyncListPresignRemove.
func TestPresignedURLsOfVersion2(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t)
	b := e.bucket(t)
	if _, err := e.store.Put(t.Context(), b, "k", strings.NewReader("v"), nil); err != nil {
		t.Fatal(err)
	}
	later := fmt.Sprint(time.Now().Add(time.Hour).Unix())
	for name, query := range map[string]string{
		"wrong signature":   "AWSAccessKeyId=" + testKey + "&Signature=AAAA&Expires=" + later,
		"unknown key":       "AWSAccessKeyId=AKIAUNKNOWN&Signature=AAAA&Expires=" + later,
		"expired":           "AWSAccessKeyId=" + testKey + "&Signature=AAAA&Expires=1000",
		"without signature": "AWSAccessKeyId=" + testKey + "&Expires=" + later,
		"without expiry":    "AWSAccessKeyId=" + testKey + "&Signature=AAAA",
	} {
		answer, err := http.Get(e.url + "/" + b + "/k?" + query)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != 403 {
			t.Errorf("%s: %s, want 403", name, answer.Status)
		}
	}
}

func TestListingsOnTheWire(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t)
	b, c := e.bucket(t), e.client()
	for i := range 5 {
		for _, folder := range []string{"a b/", "c+d/", ""} {
			if _, err := e.store.Put(t.Context(), b, fmt.Sprint(folder, i), strings.NewReader("x"), nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	var keys []string
	pages := sdk.NewListObjectsV2Paginator(c, &sdk.ListObjectsV2Input{Bucket: &b, MaxKeys: aws.Int32(4)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range page.Contents {
			keys = append(keys, *o.Key)
		}
	}
	if len(keys) != 15 || keys[0] != "0" || keys[5] != "a b/0" || keys[14] != "c+d/4" {
		t.Errorf("V2: %q", keys)
	}
	keys = nil
	in := &sdk.ListObjectsInput{Bucket: &b, MaxKeys: aws.Int32(2), Delimiter: aws.String("/")}
	for {
		page, err := c.ListObjects(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range page.Contents {
			keys = append(keys, *o.Key)
		}
		for _, p := range page.CommonPrefixes {
			keys = append(keys, *p.Prefix)
		}
		if !*page.IsTruncated {
			break
		}
		in.Marker = page.NextMarker
	}
	if fmt.Sprint(keys) != "[0 1 2 3 4 a b/ c+d/]" {
		t.Errorf("V1: %q", keys)
	}
	page, err := c.ListObjectsV2(t.Context(), &sdk.ListObjectsV2Input{Bucket: &b, Delimiter: aws.String("/"), EncodingType: types.EncodingTypeUrl})
	if err != nil || len(page.CommonPrefixes) != 2 || *page.CommonPrefixes[0].Prefix != "a%20b/" || *page.CommonPrefixes[1].Prefix != "c%2Bd/" {
		t.Errorf("encoded: %+v, %v", page, err)
	}
	none, err := c.ListObjectsV2(t.Context(), &sdk.ListObjectsV2Input{Bucket: &b, MaxKeys: aws.Int32(0)})
	if err != nil || len(none.Contents) != 0 || *none.IsTruncated {
		t.Errorf("max-keys 0: %+v, %v", none, err)
	}
}

func TestDeleteObjects(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t)
	b, c := e.bucket(t), e.client()
	var version string
	for _, key := range []string{"a", "b", "b"} {
		info, err := e.store.Put(t.Context(), b, key, strings.NewReader("x"), nil)
		if err != nil {
			t.Fatal(err)
		}
		version = info.VersionID
	}
	out, err := c.DeleteObjects(t.Context(), &sdk.DeleteObjectsInput{Bucket: &b, Delete: &types.Delete{Objects: []types.ObjectIdentifier{
		{Key: aws.String("a")}, {Key: aws.String("b"), VersionId: &version}, {Key: aws.String("never")}, {Key: aws.String(strings.Repeat("k", 1025))},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Deleted) != 3 || len(out.Errors) != 1 || *out.Errors[0].Code != "KeyTooLongError" {
		t.Fatalf("%+v", out)
	}
	if d := out.Deleted[0]; !*d.DeleteMarker || d.DeleteMarkerVersionId == nil {
		t.Errorf("a: %+v", d)
	}
	if d := out.Deleted[1]; *d.VersionId != version || d.DeleteMarker != nil {
		t.Errorf("b: %+v", d)
	}
	if _, err := e.store.Head(t.Context(), b, "b", nil); err != nil {
		t.Errorf("the older version of b: %v", err)
	}
	versions, err := c.ListObjectVersions(t.Context(), &sdk.ListObjectVersionsInput{Bucket: &b})
	if err != nil || len(versions.Versions) != 2 || len(versions.DeleteMarkers) != 2 {
		t.Errorf("versions: %+v, %v", versions, err)
	}
}

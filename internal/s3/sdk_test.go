package s3

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

// awkward are names that path cleaning, decoding or a file system would hurt.
var awkward = []string{
	"plain", "a/b/c", "//", "/leading", "double//slash", "trailing/", "../../../etc/passwd", "a/../b", "./x", ".",
	"..", "with space", "plus+sign", "per%cent", "%2F", "a%2Fb", "question?mark", "hash#tag", "amp&er=sand;semi",
	"ünïcödé/日本語", "quote\"'<>", "tab\tand\nnewline", "~!@$^*()_-=[]{}|\\:,.`", "a?versionId=x",
}

func TestAwkwardKeysRoundTrip(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t)
	b := e.bucket(t)
	for style, c := range map[string]*sdk.Client{
		"path": e.client(),
		"virtual host": e.client(func(o *sdk.Options) {
			o.UsePathStyle = false
			o.BaseEndpoint = aws.String(strings.Replace(e.url, "127.0.0.1", "localhost", 1))
			o.HTTPClient = &http.Client{Transport: dialTo(e.url)}
		}),
	} {
		for _, key := range awkward {
			t.Run(style+"/"+key, func(t *testing.T) {
				content := style + key
				_, err := c.PutObject(t.Context(), &sdk.PutObjectInput{Bucket: &b, Key: &key, Body: strings.NewReader(content)})
				if err != nil {
					t.Fatal(err)
				}
				stored, err := e.store.Head(t.Context(), b, key, nil)
				if err != nil || stored.Size != int64(len(content)) {
					t.Fatalf("store has %+v, %v", stored, err)
				}
				if got := read(t, c, b, key); got != content {
					t.Errorf("read %q, want %q", got, content)
				}
				page, err := c.ListObjectsV2(t.Context(), &sdk.ListObjectsV2Input{Bucket: &b, Prefix: &key, EncodingType: types.EncodingTypeUrl, MaxKeys: aws.Int32(1)})
				if err != nil || len(page.Contents) != 1 {
					t.Fatalf("list: %v, %v", page, err)
				}
				copied := key + "-copy"
				_, err = c.CopyObject(t.Context(), &sdk.CopyObjectInput{Bucket: &b, Key: &copied, CopySource: aws.String(escapeSource(b, key))})
				if err != nil {
					t.Fatal(err)
				}
				if got := read(t, c, b, copied); got != content {
					t.Errorf("copy is %q, want %q", got, content)
				}
			})
		}
	}
}

func TestConditionalWrites(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t)
	b, c := e.bucket(t), e.client()
	put := func(body string, o sdk.PutObjectInput) (*sdk.PutObjectOutput, error) {
		o.Bucket, o.Key, o.Body = &b, aws.String("k"), strings.NewReader(body)
		return c.PutObject(t.Context(), &o)
	}
	if _, err := put("0", sdk.PutObjectInput{IfMatch: aws.String(`"abc"`)}); code(err) != "NoSuchKey" {
		t.Errorf("If-Match on an absent key: %v", err)
	}
	first, err := put("1", sdk.PutObjectInput{IfNoneMatch: aws.String("*")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := put("2", sdk.PutObjectInput{IfNoneMatch: aws.String("*")}); code(err) != "PreconditionFailed" {
		t.Errorf("If-None-Match on a present key: %v", err)
	}
	if _, err := put("3", sdk.PutObjectInput{IfMatch: first.ETag}); err != nil {
		t.Errorf("If-Match with the current ETag: %v", err)
	}
	if _, err := put("4", sdk.PutObjectInput{IfMatch: first.ETag}); code(err) != "PreconditionFailed" {
		t.Errorf("If-Match with an old ETag: %v", err)
	}
	if got := read(t, c, b, "k"); got != "3" {
		t.Errorf("content is %q, want that of the last write that held", got)
	}
}

func TestChecksums(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t)
	b, c := e.bucket(t), e.client()
	// CRC64NVME is tested in package blob: this SDK does not compute it.
	for _, a := range []types.ChecksumAlgorithm{types.ChecksumAlgorithmCrc32, types.ChecksumAlgorithmCrc32c, types.ChecksumAlgorithmSha1, types.ChecksumAlgorithmSha256} {
		t.Run(string(a), func(t *testing.T) {
			out, err := c.PutObject(t.Context(), &sdk.PutObjectInput{Bucket: &b, Key: aws.String(string(a)), Body: strings.NewReader("content"), ChecksumAlgorithm: a})
			if err != nil {
				t.Fatal(err)
			}
			in, err := c.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: &b, Key: aws.String(string(a)), ChecksumMode: types.ChecksumModeEnabled})
			if err != nil {
				t.Fatal(err)
			}
			// The SDK verifies the checksum as it reads.
			if text, err := io.ReadAll(in.Body); err != nil || string(text) != "content" {
				t.Errorf("read %q, %v", text, err)
			}
			if aws.ToString(out.ChecksumCRC32) != aws.ToString(in.ChecksumCRC32) || aws.ToString(out.ChecksumSHA256) != aws.ToString(in.ChecksumSHA256) {
				t.Errorf("checksum of the read is not that of the write")
			}
		})
	}
	_, err := c.PutObject(t.Context(), &sdk.PutObjectInput{Bucket: &b, Key: aws.String("bad"), Body: strings.NewReader("content"), ChecksumCRC32: aws.String("AAAAAA==")})
	if code(err) != "BadDigest" {
		t.Errorf("a wrong checksum: %v, want BadDigest", err)
	}
	_, err = c.PutObject(t.Context(), &sdk.PutObjectInput{Bucket: &b, Key: aws.String("bad"), Body: strings.NewReader("content"), ContentMD5: aws.String("AAAAAAAAAAAAAAAAAAAAAA==")})
	if code(err) != "BadDigest" {
		t.Errorf("a wrong MD5: %v, want BadDigest", err)
	}
	if _, err := e.store.Head(t.Context(), b, "bad", nil); err == nil {
		t.Error("the refused object exists")
	}
}

func TestMultipart(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t)
	b, c := e.bucket(t), e.client()
	for _, tc := range []struct {
		name      string
		algorithm types.ChecksumAlgorithm
		kind      types.ChecksumType
	}{
		{"default", "", ""},
		{"composite SHA256", types.ChecksumAlgorithmSha256, types.ChecksumTypeComposite},
		{"full CRC32", types.ChecksumAlgorithmCrc32, types.ChecksumTypeFullObject},
		{"full CRC32C", types.ChecksumAlgorithmCrc32c, types.ChecksumTypeFullObject},
	} {
		t.Run(tc.name, func(t *testing.T) {
			key := tc.name
			u, err := c.CreateMultipartUpload(t.Context(), &sdk.CreateMultipartUploadInput{
				Bucket: &b, Key: &key, ChecksumAlgorithm: tc.algorithm, ChecksumType: tc.kind,
				ServerSideEncryption: types.ServerSideEncryptionAwsKms, Metadata: map[string]string{"who": "me"},
			})
			if err != nil {
				t.Fatal(err)
			}
			bodies := [][]byte{bytes.Repeat([]byte("abc"), 2<<20), bytes.Repeat([]byte("z"), 5<<20), []byte("the end")}
			var done []types.CompletedPart
			for i, body := range bodies {
				n := aws.Int32(int32(i*3 + 1))
				p, err := c.UploadPart(t.Context(), &sdk.UploadPartInput{
					Bucket: &b, Key: &key, UploadId: u.UploadId, PartNumber: n, Body: bytes.NewReader(body), ChecksumAlgorithm: tc.algorithm,
				})
				if err != nil {
					t.Fatal(err)
				}
				done = append(done, types.CompletedPart{PartNumber: n, ETag: p.ETag,
					ChecksumCRC32: p.ChecksumCRC32, ChecksumCRC32C: p.ChecksumCRC32C, ChecksumSHA256: p.ChecksumSHA256})
			}
			parts, err := c.ListParts(t.Context(), &sdk.ListPartsInput{Bucket: &b, Key: &key, UploadId: u.UploadId, MaxParts: aws.Int32(2)})
			if err != nil || len(parts.Parts) != 2 || !*parts.IsTruncated || *parts.NextPartNumberMarker != "4" {
				t.Fatalf("ListParts: %+v, %v", parts, err)
			}
			in := &sdk.CompleteMultipartUploadInput{Bucket: &b, Key: &key, UploadId: u.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: done}}
			wrong := *in
			wrong.MultipartUpload = &types.CompletedMultipartUpload{Parts: []types.CompletedPart{done[1], done[0]}}
			if _, err := c.CompleteMultipartUpload(t.Context(), &wrong); code(err) != "InvalidPartOrder" {
				t.Errorf("parts out of order: %v", err)
			}
			whole, err := c.CompleteMultipartUpload(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasSuffix(*whole.ETag, `-3"`) {
				t.Errorf("ETag %s, want the form md5-3", *whole.ETag)
			}
			got, err := c.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: &b, Key: &key, ChecksumMode: types.ChecksumModeEnabled})
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(got.Body)
			if err != nil || !bytes.Equal(text, bytes.Join(bodies, nil)) {
				t.Errorf("read %d bytes, %v", len(text), err)
			}
			if got.ServerSideEncryption != types.ServerSideEncryptionAwsKms || got.Metadata["who"] != "me" {
				t.Errorf("attributes are lost: %v %v", got.ServerSideEncryption, got.Metadata)
			}
			part, err := c.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: &b, Key: &key, PartNumber: aws.Int32(3)})
			if err != nil {
				t.Fatal(err)
			}
			if text, _ := io.ReadAll(part.Body); string(text) != "the end" || *part.PartsCount != 3 {
				t.Errorf("part 3 is %q of %v", text, part.PartsCount)
			}
			if _, err := c.CompleteMultipartUpload(t.Context(), in); code(err) != "NoSuchUpload" {
				t.Errorf("completing twice: %v", err)
			}
		})
	}
	t.Run("copy and abort", func(t *testing.T) {
		key := "target"
		u, err := c.CreateMultipartUpload(t.Context(), &sdk.CreateMultipartUploadInput{Bucket: &b, Key: &key})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.UploadPartCopy(t.Context(), &sdk.UploadPartCopyInput{Bucket: &b, Key: &key, UploadId: u.UploadId, PartNumber: aws.Int32(1),
			CopySource: aws.String(b + "/default"), CopySourceRange: aws.String("bytes=6291456-6291460")})
		if err != nil {
			t.Fatal(err)
		}
		page, err := c.ListMultipartUploads(t.Context(), &sdk.ListMultipartUploadsInput{Bucket: &b})
		if err != nil || len(page.Uploads) != 1 || *page.Uploads[0].Key != key {
			t.Fatalf("uploads: %+v, %v", page, err)
		}
		parts, err := c.ListParts(t.Context(), &sdk.ListPartsInput{Bucket: &b, Key: &key, UploadId: u.UploadId})
		if err != nil || len(parts.Parts) != 1 || *parts.Parts[0].Size != 5 {
			t.Fatalf("parts: %+v, %v", parts, err)
		}
		if _, err := c.AbortMultipartUpload(t.Context(), &sdk.AbortMultipartUploadInput{Bucket: &b, Key: &key, UploadId: u.UploadId}); err != nil {
			t.Fatal(err)
		}
		_, err = c.ListParts(t.Context(), &sdk.ListPartsInput{Bucket: &b, Key: &key, UploadId: u.UploadId})
		if code(err) != "NoSuchUpload" {
			t.Errorf("after abort: %v", err)
		}
	})
}

func TestRangesAndConditionalReads(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t)
	b, c := e.bucket(t), e.client()
	put, err := c.PutObject(t.Context(), &sdk.PutObjectInput{Bucket: &b, Key: aws.String("k"), Body: strings.NewReader("0123456789")})
	if err != nil {
		t.Fatal(err)
	}
	for header, want := range map[string]string{
		"bytes=0-0": "0", "bytes=2-4": "234", "bytes=7-": "789", "bytes=-3": "789", "bytes=5-100": "56789", "bytes=-100": "0123456789",
		"bytes=4-2": "0123456789", "bytes=0-1,3-4": "0123456789", "lines=1-2": "0123456789",
	} {
		got, err := c.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: &b, Key: aws.String("k"), Range: &header})
		if err != nil {
			t.Errorf("%s: %v", header, err)
			continue
		}
		if text, _ := io.ReadAll(got.Body); string(text) != want {
			t.Errorf("%s: read %q, want %q", header, text, want)
		}
	}
	for _, header := range []string{"bytes=10-", "bytes=10-11", "bytes=-0"} {
		if _, err := c.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: &b, Key: aws.String("k"), Range: &header}); code(err) != "InvalidRange" {
			t.Errorf("%s: %v, want InvalidRange", header, err)
		}
	}
	hour := time.Hour
	for _, tc := range []struct {
		name   string
		in     sdk.GetObjectInput
		status int
	}{
		{"If-Match holds", sdk.GetObjectInput{IfMatch: put.ETag}, 200},
		{"If-Match fails", sdk.GetObjectInput{IfMatch: aws.String(`"x"`)}, 412},
		{"If-None-Match holds", sdk.GetObjectInput{IfNoneMatch: aws.String(`"x"`)}, 200},
		{"If-None-Match fails", sdk.GetObjectInput{IfNoneMatch: put.ETag}, 304},
		{"If-Modified-Since fails", sdk.GetObjectInput{IfModifiedSince: aws.Time(time.Now().Add(hour))}, 304},
		{"If-Modified-Since holds", sdk.GetObjectInput{IfModifiedSince: aws.Time(time.Now().Add(-hour))}, 200},
		{"If-Unmodified-Since fails", sdk.GetObjectInput{IfUnmodifiedSince: aws.Time(time.Now().Add(-hour))}, 412},
		{"If-Match beats If-Unmodified-Since", sdk.GetObjectInput{IfMatch: put.ETag, IfUnmodifiedSince: aws.Time(time.Now().Add(-hour))}, 200},
		{"If-None-Match beats If-Modified-Since", sdk.GetObjectInput{IfNoneMatch: aws.String(`"x"`), IfModifiedSince: aws.Time(time.Now().Add(hour))}, 200},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.in.Bucket, tc.in.Key = &b, aws.String("k")
			_, err := c.GetObject(t.Context(), &tc.in)
			status := 200
			var re interface{ HTTPStatusCode() int }
			if errors.As(err, &re) {
				status = re.HTTPStatusCode()
			}
			if status != tc.status {
				t.Errorf("status %d, want %d (%v)", status, tc.status, err)
			}
		})
	}
}

func read(t *testing.T, c *sdk.Client, bucket, key string) string {
	t.Helper()
	got, err := c.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func code(err error) string {
	var e smithy.APIError
	if errors.As(err, &e) {
		return e.ErrorCode()
	}
	return ""
}

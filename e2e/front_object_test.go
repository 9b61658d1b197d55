package e2e

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// storeHost is the name under which buckets are addressed as BUCKET.HOST.
const storeHost = "s3.penstock.test"

// random is an archive's worth of bytes that nothing can compress.
func random(size int) []byte {
	content := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(content)
	return content
}

// carriesObjects moves objects to and from a store behind a front in the ways
// that clients have: what they sign has to arrive as they sent it.
func (s *server) carriesObjects() {
	s.t.Helper()
	t, ctx := s.t, s.t.Context()
	s.bucket("front-objects")
	front, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	named := awss3.New(s.s3().Options(), func(o *awss3.Options) { // BUCKET.HOST, whatever that resolves to
		o.UsePathStyle, o.BaseEndpoint = false, aws.String("http://"+storeHost)
		o.HTTPClient = &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, front.Host)
		}}}
	})
	same := func(what string, got []byte, err error, want []byte) {
		t.Helper()
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes came back, want %d as they were sent: %v", what, len(got), len(want), err)
		}
	}

	large := random(8 << 20)
	for style, c := range map[string]*awss3.Client{"path": s.s3(), "host": named} {
		for _, key := range []string{"large.zip", "//a//b c/%2F+ü=&?.zip"} {
			in := &awss3.PutObjectInput{Bucket: aws.String("front-objects"), Key: &key, Body: bytes.NewReader(large),
				Metadata: map[string]string{"under_score": "1", "dot.ted": "2"}}
			if _, err := c.PutObject(ctx, in); err != nil {
				t.Fatalf("%s style: %v", style, err)
			}
			got, err := fetch(ctx, c, "front-objects", key)
			same(style+" style", got, err, large)
			head, err := c.HeadObject(ctx, &awss3.HeadObjectInput{Bucket: in.Bucket, Key: &key})
			if err != nil || aws.ToInt64(head.ContentLength) != int64(len(large)) || fmt.Sprint(head.Metadata) != fmt.Sprint(in.Metadata) {
				t.Errorf("%s style: the head is %s, %v", style, asJSON(head), err)
			}
		}
	}

	parts := &awss3.CreateMultipartUploadInput{Bucket: aws.String("front-objects"), Key: aws.String("parts.zip")}
	upload, err := named.CreateMultipartUpload(ctx, parts)
	if err != nil {
		t.Fatal(err)
	}
	var done s3types.CompletedMultipartUpload
	for i, part := range [][]byte{large[:5<<20], large[5<<20:]} {
		number := aws.Int32(int32(i + 1))
		out, err := named.UploadPart(ctx, &awss3.UploadPartInput{Bucket: parts.Bucket, Key: parts.Key, UploadId: upload.UploadId, PartNumber: number, Body: bytes.NewReader(part)})
		if err != nil {
			t.Fatal(err)
		}
		done.Parts = append(done.Parts, s3types.CompletedPart{PartNumber: number, ETag: out.ETag})
	}
	_, err = named.CompleteMultipartUpload(ctx, &awss3.CompleteMultipartUploadInput{Bucket: parts.Bucket, Key: parts.Key, UploadId: upload.UploadId, MultipartUpload: &done})
	if err != nil {
		t.Fatal(err)
	}
	part, err := s.s3().GetObject(ctx, &awss3.GetObjectInput{Bucket: parts.Bucket, Key: parts.Key, Range: aws.String("bytes=5242000-5243999")})
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(part.Body)
	part.Body.Close()
	same("a range", got, err, large[5242000:5244000])

	link, err := awss3.NewPresignClient(named).PresignGetObject(ctx, &awss3.GetObjectInput{Bucket: parts.Bucket, Key: parts.Key})
	if err != nil {
		t.Fatal(err)
	}
	resp, err := named.Options().HTTPClient.(*http.Client).Get(link.URL)
	if err != nil {
		t.Fatal(err)
	}
	got, err = io.ReadAll(resp.Body)
	resp.Body.Close()
	same("a presigned link", got, err, large)

	// A client that asks first is bidden to go on, or told why not.
	if status, asked, err := s.send("asked.zip", large, secretKey, true); err != nil || status != http.StatusOK || !asked {
		t.Errorf("Expect: 100-continue is answered with %d, asked to go on: %v, %v", status, asked, err)
	}
	got, err = fetch(ctx, s.s3(), "front-objects", "asked.zip")
	same("Expect: 100-continue", got, err, large)
	if status, _, err := s.send("refused.zip", nil, "wrong", true); err != nil || status != http.StatusForbidden {
		t.Errorf("a wrong signature is answered with %d, %v", status, err)
	}
	if status, _, err := s.send("chunked.zip", large, secretKey, false); err != nil || status != http.StatusOK {
		t.Errorf("a body in chunks is answered with %d, %v", status, err)
	}
	got, err = fetch(ctx, s.s3(), "front-objects", "chunked.zip")
	same("a body in chunks", got, err, large)
}

// send puts an object as a program without an SDK does: one that asks first, or
// one that sends chunks and does not say how many. It tells whether the server
// bade it go on.
func (s *server) send(key string, content []byte, secret string, asks bool) (status int, asked bool, err error) {
	ctx := httptrace.WithClientTrace(s.t.Context(), &httptrace.ClientTrace{Got100Continue: func() { asked = true }})
	hash, header := "UNSIGNED-PAYLOAD", http.Header{}
	var body io.Reader = bytes.NewReader(content)
	if !asks {
		hash = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
		header.Set("Content-Encoding", "aws-chunked")
		header.Set("X-Amz-Decoded-Content-Length", fmt.Sprint(len(content)))
		header.Set("X-Amz-Trailer", "x-amz-checksum-crc32")
		check := crc32.NewIEEE()
		_, _ = check.Write(content)
		body = io.MultiReader(strings.NewReader(fmt.Sprintf("%x\r\n", len(content))), body, // net/http does not know its length
			strings.NewReader("\r\n0\r\nx-amz-checksum-crc32:"+base64.StdEncoding.EncodeToString(check.Sum(nil))+"\r\n\r\n"))
	}
	header.Set("X-Amz-Content-Sha256", hash)
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, s.url+"/front-objects/"+key, body)
	if err != nil {
		return 0, false, err
	}
	r.Header = header
	keys := aws.Credentials{AccessKeyID: keyID, SecretAccessKey: secret}
	err = v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }).SignHTTP(ctx, keys, r, hash, "s3", region, time.Now())
	if err != nil {
		return 0, false, err
	}
	if asks { // a header for the next server, and so not signed
		r.Header.Set("Expect", "100-continue")
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ExpectContinueTimeout = patience
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(r)
	if err != nil {
		return 0, asked, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, asked, err
}

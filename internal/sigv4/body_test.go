package sigv4

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
)

// encoder makes aws-chunked bodies, in a way of its own.
type encoder struct {
	r         *http.Request
	key       *signingKey
	signature string
}

// newUpload returns a signed request to upload length bytes and the encoder
// for its body.
func newUpload(t testing.TB, payload string, length int, trailers ...string) *encoder {
	t.Helper()
	r := newRequest(t, "PUT", "http://localhost/bucket/key", nil)
	r.Header.Set("Content-Encoding", "gzip, aws-chunked")
	r.Header.Set("X-Amz-Decoded-Content-Length", strconv.Itoa(length))
	for _, trailer := range trailers {
		r.Header.Add("X-Amz-Trailer", trailer)
	}
	Sign(r, payload, testCredentials, "us-east-1", "s3", testTime)
	_, signature, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
	key := deriveKey(testSecret, scope{testID, "20130609", "us-east-1", "s3"})
	return &encoder{receive(t, r), key, signature}
}

func (e *encoder) sign(kind, rest string) string {
	text := kind + "\n20130609T100015Z\n20130609/us-east-1/s3/aws4_request\n" + e.signature + "\n" + rest
	e.signature = string(e.key.appendMAC(nil, []byte(text)))
	return e.signature
}

func (e *encoder) chunk(data string) string {
	signature := e.sign("AWS4-HMAC-SHA256-PAYLOAD", EmptyPayload+"\n"+PayloadHash([]byte(data)))
	head := fmt.Sprintf("%x;chunk-signature=%s\r\n", len(data), signature)
	if data == "" {
		return head
	}
	return head + data + "\r\n"
}

func (e *encoder) trailer(canonical string) string {
	return "x-amz-trailer-signature:" + e.sign("AWS4-HMAC-SHA256-TRAILER", PayloadHash([]byte(canonical))) + "\r\n"
}

func TestChunkedBody(t *testing.T) {
	t.Parallel()
	const crc = "x-amz-checksum-crc32"
	signed := func(change func(e *encoder) string) func(testing.TB) (*http.Request, string) {
		return func(t testing.TB) (*http.Request, string) {
			e := newUpload(t, StreamingPayload, 11)
			return e.r, change(e)
		}
	}
	signedTrailer := func(change func(e *encoder) string) func(testing.TB) (*http.Request, string) {
		return func(t testing.TB) (*http.Request, string) {
			e := newUpload(t, StreamingPayloadTrailer, 11, crc)
			return e.r, change(e)
		}
	}
	unsigned := func(body string) func(testing.TB) (*http.Request, string) {
		return func(t testing.TB) (*http.Request, string) {
			return newUpload(t, StreamingUnsignedTrailer, 11, crc).r, body
		}
	}
	tests := []struct {
		name    string
		request func(testing.TB) (*http.Request, string)
		reason  Reason // 0: the body is "hello world"
		trailer string
	}{
		{"signed, one chunk", signed(func(e *encoder) string { return e.chunk("hello world") + e.chunk("") + "\r\n" }), 0, ""},
		{"signed, two chunks", signed(func(e *encoder) string { return e.chunk("hello ") + e.chunk("world") + e.chunk("") + "\r\n" }), 0, ""},
		{"signed, last line left out", signed(func(e *encoder) string { return e.chunk("hello world") + e.chunk("") }), 0, ""},
		{"signed, data changed", signed(func(e *encoder) string {
			return strings.Replace(e.chunk("hello world"), "hello", "jello", 1) + e.chunk("") + "\r\n"
		}), ChunkMismatch, ""},
		{"signed, chunks swapped", signed(func(e *encoder) string {
			a, b := e.chunk("hello "), e.chunk("world")
			return b + a + e.chunk("") + "\r\n"
		}), ChunkMismatch, ""},
		{"signed, end forged", signed(func(e *encoder) string {
			return e.chunk("hello world") + "0;chunk-signature=" + strings.Repeat("0", 64) + "\r\n\r\n"
		}), ChunkMismatch, ""},
		{"signed, signature absent", signed(func(e *encoder) string { return "b\r\nhello world\r\n0\r\n\r\n" }), MalformedChunk, ""},
		{"signed, end absent", signed(func(e *encoder) string { return e.chunk("hello world") }), ShortBody, ""},
		{"signed, too short", signed(func(e *encoder) string { return e.chunk("hello") + e.chunk("") + "\r\n" }), ShortBody, ""},
		{"signed, too long", signed(func(e *encoder) string { return e.chunk("hello world!") + e.chunk("") + "\r\n" }), ShortBody, ""},
		{"signed, more behind the end", signed(func(e *encoder) string { return e.chunk("hello world") + e.chunk("") + "\r\nx" }), MalformedChunk, ""},
		{"signed, trailer not announced", signed(func(e *encoder) string { return e.chunk("hello world") + e.chunk("") + crc + ":x\r\n\r\n" }), MalformedChunk, ""},

		{"signed trailer", signedTrailer(func(e *encoder) string {
			return e.chunk("hello world") + e.chunk("") + crc + ":DUoRhQ==\r\n" + e.trailer(crc+":DUoRhQ==\n") + "\r\n"
		}), 0, "DUoRhQ=="},
		{"signed trailer, blank line before its signature", signedTrailer(func(e *encoder) string {
			return e.chunk("hello world") + e.chunk("") + crc + ":DUoRhQ==\n\r\n" + e.trailer(crc+":DUoRhQ==\n") + "\r\n"
		}), 0, "DUoRhQ=="},
		{"signed trailer, changed", signedTrailer(func(e *encoder) string {
			return e.chunk("hello world") + e.chunk("") + crc + ":AAAAAA==\r\n" + e.trailer(crc+":DUoRhQ==\n") + "\r\n"
		}), ChunkMismatch, ""},
		{"signed trailer, signature absent", signedTrailer(func(e *encoder) string {
			return e.chunk("hello world") + e.chunk("") + crc + ":DUoRhQ==\r\n\r\n"
		}), ChunkMismatch, ""},

		{"unsigned", unsigned("b\r\nhello world\r\n0\r\n" + crc + ":DUoRhQ==\r\n\r\n"), 0, "DUoRhQ=="},
		{"unsigned, two chunks, upper case", unsigned("1\r\nh\r\nA\r\nello world\r\n0\r\nX-Amz-Checksum-CRC32: DUoRhQ== \r\n\r\n"), 0, "DUoRhQ=="},
		{"unsigned, last line left out", unsigned("b\r\nhello world\r\n0\r\n" + crc + ":DUoRhQ==\r\n"), 0, "DUoRhQ=="},
		{"unsigned, trailer absent", unsigned("b\r\nhello world\r\n0\r\n\r\n"), MalformedTrailer, ""},
		{"unsigned, trailer twice", unsigned("b\r\nhello world\r\n0\r\n" + crc + ":a\r\n" + crc + ":b\r\n\r\n"), MalformedTrailer, ""},
		{"unsigned, trailer not announced", unsigned("b\r\nhello world\r\n0\r\nx-amz-acl:public\r\n" + crc + ":b\r\n\r\n"), MalformedTrailer, ""},
		{"unsigned, trailer is no pair", unsigned("b\r\nhello world\r\n0\r\nabc\r\n\r\n"), MalformedTrailer, ""},
		{"unsigned, trailers without end", unsigned("b\r\nhello world\r\n0\r\n" + strings.Repeat(crc+":b\r\n", 100)), MalformedTrailer, ""},
		{"unsigned, no line end behind data", unsigned("b\r\nhello worldxx0\r\n\r\n"), MalformedChunk, ""},
		{"unsigned, size is no number", unsigned("zz\r\nhello world\r\n0\r\n\r\n"), MalformedChunk, ""},
		{"unsigned, size is negative", unsigned("-b\r\nhello world\r\n0\r\n\r\n"), MalformedChunk, ""},
		{"unsigned, size overflows", unsigned("ffffffffffffffff1\r\nhello world\r\n0\r\n\r\n"), MalformedChunk, ""},
		{"unsigned, size is huge", unsigned("7fffffffffffffff\r\nhello world\r\n0\r\n\r\n"), ShortBody, ""},
		{"unsigned, line without end", unsigned(strings.Repeat("0", 2*maxLine)), MalformedChunk, ""},
		{"unsigned, cut in the data", unsigned("b\r\nhello"), ShortBody, ""},
		{"unsigned, nothing", unsigned(""), ShortBody, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			readers := map[string]func(io.Reader) io.Reader{
				"whole":           func(r io.Reader) io.Reader { return r },
				"bytes":           iotest.OneByteReader,
				"data with error": iotest.DataErrReader,
			}
			for name, wrap := range readers {
				r, body := test.request(t)
				r.Body = io.NopCloser(wrap(strings.NewReader(body)))
				if _, err := newTestVerifier("s3").VerifyS3(r); err != nil {
					t.Fatal(err)
				}
				if got := r.Header.Get("Content-Encoding"); got != "gzip" {
					t.Errorf("Content-Encoding %q, want gzip", got)
				}
				got, err := io.ReadAll(r.Body)
				if test.reason != 0 {
					if e, ok := errors.AsType[*Error](err); !ok || e.Reason != test.reason {
						t.Errorf("%s: got %v, want reason %d", name, err, test.reason)
					}
					if _, again := r.Body.Read(make([]byte, 1)); again != err {
						t.Errorf("%s: second read: %v", name, again)
					}
					continue
				}
				if err != nil || string(got) != "hello world" {
					t.Errorf("%s: read %q, %v", name, got, err)
				}
				if got := r.Trailer.Get("X-Amz-Checksum-Crc32"); got != test.trailer {
					t.Errorf("%s: trailer %q, want %q", name, got, test.trailer)
				}
			}
		})
	}
}

// TestVerdictWithLastBytes makes sure that a caller that reads no further than
// the declared length learns of a wrong body.
func TestVerdictWithLastBytes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		request func() *http.Request
		reason  Reason
	}{
		{"hashed", func() *http.Request {
			r := newRequest(t, "PUT", "http://localhost/b/k", []byte("jello world"))
			Sign(r, PayloadHash([]byte("hello world")), testCredentials, "us-east-1", "s3", testTime)
			return receive(t, r)
		}, PayloadMismatch},
		{"chunked", func() *http.Request {
			e := newUpload(t, StreamingPayload, 11)
			e.r.Body = io.NopCloser(strings.NewReader(strings.Replace(e.chunk("hello world")+e.chunk("")+"\r\n", "hello", "jello", 1)))
			return e.r
		}, ChunkMismatch},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := test.request()
			if _, err := newTestVerifier("s3").VerifyS3(r); err != nil {
				t.Fatal(err)
			}
			n, err := io.CopyN(io.Discard, r.Body, r.ContentLength)
			if e, ok := errors.AsType[*Error](err); err != nil && (!ok || e.Reason != test.reason) {
				t.Fatalf("copied %d, %v", n, err)
			}
			if err == nil {
				_, err = r.Body.Read(make([]byte, 1))
			}
			if e, ok := errors.AsType[*Error](err); !ok || e.Reason != test.reason {
				t.Fatalf("got %v, want reason %d", err, test.reason)
			}
		})
	}
}

func TestHashedBody(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, signed, sent string
		unknownLength      bool
		ok                 bool
	}{
		{"same", "hello", "hello", false, true},
		{"same, unknown length", "hello", "hello", true, true},
		{"other", "hello", "jello", false, false},
		{"other, unknown length", "hello", "jello", true, false},
		{"nothing instead of something", "hello", "", false, false},
		{"something instead of nothing", "", "hello", false, false},
		{"nothing", "", "", false, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newRequest(t, "PUT", "http://localhost/b/k", []byte(test.sent))
			if test.unknownLength {
				r.ContentLength = -1
			}
			Sign(r, PayloadHash([]byte(test.signed)), testCredentials, "us-east-1", "s3", testTime)
			r = receive(t, r)
			if _, err := newTestVerifier("s3").VerifyS3(r); err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(r.Body)
			if test.ok && (err != nil || string(got) != test.sent) {
				t.Fatalf("read %q, %v", got, err)
			}
			if e, ok := errors.AsType[*Error](err); !test.ok && (!ok || e.Reason != PayloadMismatch) {
				t.Fatalf("read %q, %v, want a mismatch", got, err)
			}
		})
	}
}

// TestChecksums holds the published check values of the five algorithms for
// the digits 1 to 9.
func TestChecksums(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"crc32":     "y/Q5Jg==",
		"CRC32C":    "4waSgw==",
		"CRC64NVME": "rosUhgp5mIg=",
		"SHA1":      "98O8HYCOBHMq32eZZczDTKeuNEE=",
		"sha256":    "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=",
	} {
		h, ok := NewChecksum(name)
		if !ok {
			t.Errorf("%s is unknown", name)
			continue
		}
		io.WriteString(h, "123456789")
		if got := base64.StdEncoding.EncodeToString(h.Sum(nil)); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if _, ok := NewChecksum("MD5"); ok {
		t.Error("MD5 is known")
	}
}

func FuzzChunkedBody(f *testing.F) {
	f.Add("b\r\nhello world\r\n0\r\nx-amz-checksum-crc32:DUoRhQ==\r\n\r\n", int64(11), true)
	f.Add("b;chunk-signature=00\r\nhello world\r\n0\r\n\r\n", int64(11), false)
	f.Fuzz(func(t *testing.T, text string, length int64, trailers bool) {
		if length < 0 {
			return
		}
		payload := StreamingPayload
		if trailers {
			payload = StreamingUnsignedTrailer
		}
		r := newRequest(t, "PUT", "http://localhost/", []byte(text))
		r.Header.Set("X-Amz-Decoded-Content-Length", strconv.FormatInt(length, 10))
		r.Header.Set("X-Amz-Trailer", "x-amz-checksum-crc32")
		sign := &signing{key: deriveKey(testSecret, scope{}), signature: "00"}
		if err := replaceBody(r, payload, sign); err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r.Body)
		if err == nil && int64(len(got)) != length {
			t.Fatalf("read %d bytes of %d and no error", len(got), length)
		}
		if _, ok := errors.AsType[*Error](err); err != nil && !ok {
			t.Fatalf("error %v is no *Error", err)
		}
	})
}

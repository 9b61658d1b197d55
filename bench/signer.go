package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"time"
)

// credentials of the measured servers; they see no other key.
const (
	accessKeyID     = "AKIABENCHBENCHBENCH0"
	secretAccessKey = "bench/secret/key/bench/secret/key/bench0"
	account         = "000000000000"
	region          = "us-east-1"
	scopeService    = "codepipeline"
)

// signer makes Signature Version 4 signatures for one connection. It keeps the
// key of the day and its HMAC state: the load generator shares the processors
// with the server, so it must cost little. It is not safe for concurrent use.
type signer struct {
	host  string
	mac   hash.Hash
	sum   [sha256.Size]byte
	buf   []byte
	scope string // date/region/service/aws4_request
	unix  int64
	stamp string // X-Amz-Date of the second
}

const signedHeaders = "content-type;host;x-amz-date;x-amz-target"

// clock moves the signer to the present second.
func (s *signer) clock(now time.Time) {
	if now.Unix() == s.unix {
		return
	}
	s.unix, s.stamp = now.Unix(), now.UTC().Format("20060102T150405Z")
	date := s.stamp[:8]
	scope := date + "/" + region + "/" + scopeService + "/aws4_request"
	if scope == s.scope {
		return
	}
	key := []byte("AWS4" + secretAccessKey)
	for _, part := range []string{date, region, scopeService, "aws4_request"} {
		m := hmac.New(sha256.New, key)
		m.Write([]byte(part))
		key = m.Sum(nil)
	}
	s.scope, s.mac = scope, hmac.New(sha256.New, key)
}

// appendSignature appends the hex signature of a call at the second of clock.
func (s *signer) appendSignature(dst []byte, target string, body []byte) []byte {
	b := append(s.buf[:0], "POST\n/\n\ncontent-type:"+contentType+"\nhost:"...)
	b = append(b, s.host...)
	b = append(b, "\nx-amz-date:"...)
	b = append(b, s.stamp...)
	b = append(b, "\nx-amz-target:"...)
	b = append(b, target...)
	b = append(b, "\n\n"+signedHeaders+"\n"...)
	sum := sha256.Sum256(body)
	b = hex.AppendEncode(b, sum[:])
	sum = sha256.Sum256(b)
	b = append(b[:0], "AWS4-HMAC-SHA256\n"...)
	b = append(b, s.stamp...)
	b = append(b, '\n')
	b = append(b, s.scope...)
	b = append(b, '\n')
	b = hex.AppendEncode(b, sum[:])
	s.mac.Reset()
	s.mac.Write(b)
	s.buf = b
	return hex.AppendEncode(dst, s.mac.Sum(s.sum[:0]))
}

package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"
)

const (
	contentType  = "application/x-amz-json-1.1"
	targetPrefix = "CodePipeline_20150709."
)

// conn is one keep-alive connection that signs and sends calls, one at a time.
type conn struct {
	net  net.Conn
	sign signer
	out  []byte
	in   []byte
}

func dial(addr string) (*conn, error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	return &conn{net: c, sign: signer{host: addr}, in: make([]byte, 16<<10)}, nil
}

// call sends one operation and returns the body of its answer, which is good
// until the next call. A wait above 0 becomes the header Prefer. An answer
// other than 200 is an error.
func (c *conn) call(operation string, body []byte, wait int) ([]byte, error) {
	target := targetPrefix + operation
	c.sign.clock(time.Now())
	b := append(c.out[:0], "POST / HTTP/1.1\r\nHost: "...)
	b = append(b, c.sign.host...)
	b = append(b, "\r\nContent-Type: "+contentType+"\r\nX-Amz-Target: "...)
	b = append(b, target...)
	b = append(b, "\r\nX-Amz-Date: "...)
	b = append(b, c.sign.stamp...)
	if wait > 0 {
		b = append(b, "\r\nPrefer: wait="...)
		b = strconv.AppendInt(b, int64(wait), 10)
	}
	b = append(b, "\r\nAuthorization: AWS4-HMAC-SHA256 Credential="+accessKeyID+"/"...)
	b = append(b, c.sign.scope...)
	b = append(b, ", SignedHeaders="+signedHeaders+", Signature="...)
	b = c.sign.appendSignature(b, target, body)
	b = append(b, "\r\nContent-Length: "...)
	b = strconv.AppendInt(b, int64(len(body)), 10)
	b = append(b, "\r\n\r\n"...)
	b = append(b, body...)
	c.out = b
	if _, err := c.net.Write(b); err != nil {
		return nil, fmt.Errorf("%s: %w", operation, err)
	}
	status, answer, err := c.answer()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", operation, err)
	}
	if status != 200 {
		return nil, fmt.Errorf("%s: status %d: %s", operation, status, answer)
	}
	return answer, nil
}

var lengthHeader = []byte("\r\nContent-Length: ")

// answer reads one response with a Content-Length.
func (c *conn) answer() (status int, body []byte, err error) {
	n, head, length := 0, -1, 0
	for head < 0 || n < head+length {
		if n == len(c.in) {
			c.in = append(c.in, make([]byte, len(c.in))...)
		}
		m, err := c.net.Read(c.in[n:])
		n += m
		if err != nil {
			return 0, nil, err
		}
		if head >= 0 {
			continue
		}
		if head = bytes.Index(c.in[:n], []byte("\r\n\r\n")); head < 0 {
			continue
		}
		header := c.in[:head+2]
		head += 4
		if len(header) < len("HTTP/1.1 200") {
			return 0, nil, errors.New("the answer is no HTTP")
		}
		if status, err = strconv.Atoi(string(header[9:12])); err != nil {
			return 0, nil, errors.New("the answer has no status")
		}
		i := bytes.Index(header, lengthHeader)
		if i < 0 {
			return 0, nil, errors.New("the answer has no Content-Length")
		}
		digits, _, _ := bytes.Cut(header[i+len(lengthHeader):], []byte("\r"))
		if length, err = strconv.Atoi(string(digits)); err != nil {
			return 0, nil, err
		}
	}
	return status, c.in[head : head+length], nil
}

// text finds a string in an answer by what is before it, a member's name say.
// That costs less than a decoder; the values looked for need no escaping.
func text(body []byte, name string) []byte {
	i := bytes.Index(body, []byte(name))
	if i < 0 {
		return nil
	}
	rest := body[i+len(name):]
	end := bytes.IndexByte(rest, '"')
	if end < 0 {
		return nil
	}
	return rest[:end]
}

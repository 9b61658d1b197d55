package sigv4

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"hash"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

const (
	maxLine     = 4096 // bytes of a chunk header or trailer line
	maxTrailers = 16   // lines
)

// chunkedBody decodes the content encoding aws-chunked and verifies its
// signatures; see "Signature calculations: transferring payload in multiple
// chunks" and "Including trailing headers" in the S3 API reference. Bytes are
// handed out before the signature of their chunk is known: they count only
// when Read has ended with io.EOF.
type chunkedBody struct {
	body    io.Closer
	in      *bufio.Reader
	sign    *signing    // nil: chunks are unsigned
	hash    hash.Hash   // of the current chunk, nil when unsigned
	trailer http.Header // nil: no trailers; keys are the declared names
	left    int64       // decoded bytes to come
	chunk   int64       // bytes of the current chunk to come
	claimed string      // signature of the current chunk
	inside  bool        // a chunk has begun and not ended
	err     error       // sticky
}

var (
	errMalformedChunk   = &Error{Reason: MalformedChunk, Message: "The request body is not valid aws-chunked data."}
	errMalformedTrailer = &Error{Reason: MalformedTrailer, Message: "The request contained trailing data that was not well-formed or did not conform to our published schema."}
	errShortBody        = &Error{Reason: ShortBody, Message: "You did not provide the number of bytes specified by the Content-Length HTTP header"}
	errChunkSignature   = &Error{Reason: ChunkMismatch, Message: "The chunk signature we calculated does not match the signature you provided."}
)

// Read implements io.Reader.
func (b *chunkedBody) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.read(p)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = errShortBody
	}
	b.err = err
	return n, err
}

func (b *chunkedBody) read(p []byte) (int, error) {
	if !b.inside {
		if err := b.beginChunk(); err != nil {
			return 0, err
		}
	}
	if len(p) == 0 {
		return 0, nil
	}
	n, err := b.in.Read(p[:min(int64(len(p)), b.chunk)])
	if b.hash != nil {
		b.hash.Write(p[:n])
	}
	b.chunk -= int64(n)
	b.left -= int64(n)
	if err == io.EOF && b.chunk > 0 {
		return n, io.ErrUnexpectedEOF
	}
	if err != nil && err != io.EOF {
		return n, err
	}
	if b.chunk > 0 {
		return n, nil
	}
	if err := b.endChunk(); err != nil {
		return n, err
	}
	if b.left == 0 {
		// The verdict comes with the last bytes, for callers that stop
		// reading at the declared length.
		return n, b.beginChunk()
	}
	return n, nil
}

// beginChunk reads a chunk's header line; for the last chunk it goes on to the
// end of the body and returns io.EOF.
func (b *chunkedBody) beginChunk() error {
	line, err := b.line()
	if err != nil {
		return err
	}
	size, extension, _ := strings.Cut(line, ";")
	n, err := strconv.ParseUint(size, 16, 63)
	if err != nil {
		return errMalformedChunk
	}
	b.claimed = ""
	if b.sign != nil {
		signature, ok := strings.CutPrefix(strings.TrimSpace(extension), "chunk-signature=")
		if !ok {
			return errMalformedChunk
		}
		b.claimed = signature
		b.hash.Reset()
	}
	if int64(n) > b.left {
		return errShortBody
	}
	if n > 0 {
		b.chunk, b.inside = int64(n), true
		return nil
	}
	if b.left != 0 {
		return errShortBody
	}
	if err := b.checkChunk(); err != nil {
		return err
	}
	return b.end()
}

func (b *chunkedBody) endChunk() error {
	b.inside = false
	line, err := b.line()
	if err != nil {
		return err
	}
	if line != "" {
		return errMalformedChunk
	}
	return b.checkChunk()
}

func (b *chunkedBody) checkChunk() error {
	if b.sign == nil {
		return nil
	}
	var sum [sha256.Size]byte
	msg := b.sign.appendPrefix(nil, "AWS4-HMAC-SHA256-PAYLOAD")
	msg = append(msg, EmptyPayload+"\n"...)
	msg = appendHex(msg, b.hash.Sum(sum[:0]))
	return b.sign.next(msg, b.claimed)
}

// end reads what follows the last chunk: trailers, if any, and an empty line
// that some clients leave out.
func (b *chunkedBody) end() error {
	if b.trailer == nil {
		line, err := b.line()
		if err == io.ErrUnexpectedEOF || err == nil && line == "" {
			return b.nothingMore()
		}
		return errMalformedChunk
	}
	signature := ""
	for range maxTrailers {
		line, err := b.line()
		if err != nil && err != io.ErrUnexpectedEOF {
			return err
		}
		if err != nil || line == "" {
			if err == nil && b.sign != nil && signature == "" {
				continue // an empty line stands before the signature, too
			}
			return b.endTrailers(signature)
		}
		name, value, ok := strings.Cut(line, ":")
		key := http.CanonicalHeaderKey(strings.TrimSpace(name))
		value = strings.TrimSpace(value)
		switch values, declared := b.trailer[key]; {
		case !ok:
			return errMalformedTrailer
		case key == "X-Amz-Trailer-Signature" && b.sign != nil:
			signature = value
		case !declared || values != nil:
			return errMalformedTrailer
		default:
			b.trailer[key] = []string{value}
		}
	}
	return errMalformedTrailer
}

func (b *chunkedBody) endTrailers(signature string) error {
	for _, values := range b.trailer {
		if values == nil {
			return errMalformedTrailer
		}
	}
	if b.sign != nil {
		h := sha256.New()
		for _, key := range slices.Sorted(maps.Keys(b.trailer)) {
			io.WriteString(h, strings.ToLower(key)+":"+b.trailer[key][0]+"\n")
		}
		var sum [sha256.Size]byte
		msg := b.sign.appendPrefix(nil, "AWS4-HMAC-SHA256-TRAILER")
		msg = appendHex(msg, h.Sum(sum[:0]))
		if err := b.sign.next(msg, signature); err != nil {
			return err
		}
	}
	return b.nothingMore()
}

func (b *chunkedBody) nothingMore() error {
	if _, err := b.in.ReadByte(); err != nil {
		return err // io.EOF, when all is well
	}
	return errMalformedChunk
}

// line reads a line without its end. The end of the body is unexpected here.
func (b *chunkedBody) line() (string, error) {
	line, err := b.in.ReadSlice('\n')
	switch {
	case err == io.EOF && len(line) == 0:
		return "", io.ErrUnexpectedEOF
	case err == io.EOF, errors.Is(err, bufio.ErrBufferFull):
		return "", errMalformedChunk
	case err != nil:
		return "", err
	}
	return string(bytes.TrimRight(line, "\r\n")), nil
}

// Close implements io.Closer.
func (b *chunkedBody) Close() error { return b.body.Close() }

// appendPrefix appends what the strings to sign of chunks and trailers begin
// with: each goes on from the signature before it.
func (s *signing) appendPrefix(dst []byte, algorithm string) []byte {
	for _, part := range [...]string{algorithm, s.timestamp, s.scope, s.signature} {
		dst = append(dst, part...)
		dst = append(dst, '\n')
	}
	return dst
}

// next compares the signature of msg with the claimed one and goes on from it.
func (s *signing) next(msg []byte, claimed string) error {
	signature := s.key.appendMAC(nil, msg)
	if subtle.ConstantTimeCompare(signature, []byte(claimed)) != 1 {
		return errChunkSignature
	}
	s.signature = claimed
	return nil
}

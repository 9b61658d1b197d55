package sigv4

import (
	"bytes"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// scratch holds the buffers of one verification.
type scratch struct {
	buf   []byte // canonical request, then string to sign
	query []byte // encoded names and values, one after the other
	pairs []pair
	name  []byte // a header name in net/http's spelling
	sig   [64]byte
}

// pair is one parameter of a query: query[start:eq] is its name and
// query[eq:end] its value.
type pair struct{ start, eq, end int }

var scratches = sync.Pool{New: func() any {
	return &scratch{buf: make([]byte, 0, 2048), name: make([]byte, 0, 64)}
}}

// appendRequest appends the canonical request of r. A raw path is that of S3:
// encoded once and otherwise as it came. The payload is the hash or the word
// that stands for it.
func (s *scratch) appendRequest(dst []byte, r *http.Request, signedHeaders, payload string, rawPath bool) []byte {
	dst = append(dst, r.Method...)
	dst = append(dst, '\n')
	dst = appendURI(dst, r.URL.EscapedPath(), rawPath)
	dst = append(dst, '\n')
	dst = s.appendQuery(dst, r.URL.RawQuery)
	dst = append(dst, '\n')
	for rest, more := signedHeaders, true; more; {
		var name string
		name, rest, more = strings.Cut(rest, ";")
		dst = append(dst, name...)
		dst = append(dst, ':')
		dst = s.appendHeader(dst, r, name)
		dst = append(dst, '\n')
	}
	dst = append(dst, '\n')
	dst = append(dst, signedHeaders...)
	dst = append(dst, '\n')
	return append(dst, payload...)
}

func appendURI(dst []byte, p string, raw bool) []byte {
	if p == "" || p == "/" {
		return append(dst, '/')
	}
	if raw {
		return appendPathOnce(dst, p)
	}
	if strings.Contains(p, "//") || strings.Contains(p, "/.") {
		clean := path.Clean(p)
		if clean != "/" && (strings.HasSuffix(p, "/") || strings.HasSuffix(p, "/.") || strings.HasSuffix(p, "/..")) {
			clean += "/"
		}
		p = clean
	}
	return appendPath(dst, p)
}

// appendQuery appends the parameters sorted by encoded name, then value,
// without the signature itself.
func (s *scratch) appendQuery(dst []byte, raw string) []byte {
	if raw == "" {
		return dst
	}
	s.query, s.pairs = s.query[:0], s.pairs[:0]
	for rest, more := raw, true; more; {
		var param string
		param, rest, more = strings.Cut(rest, "&")
		if param == "" {
			continue
		}
		name, value, _ := strings.Cut(param, "=")
		p := pair{start: len(s.query)}
		s.query = appendQuery(s.query, name)
		if string(s.query[p.start:]) == "X-Amz-Signature" {
			s.query = s.query[:p.start]
			continue
		}
		p.eq = len(s.query)
		s.query = appendQuery(s.query, value)
		p.end = len(s.query)
		s.pairs = append(s.pairs, p)
	}
	slices.SortFunc(s.pairs, func(a, b pair) int {
		if c := bytes.Compare(s.query[a.start:a.eq], s.query[b.start:b.eq]); c != 0 {
			return c
		}
		return bytes.Compare(s.query[a.eq:a.end], s.query[b.eq:b.end])
	})
	for i, p := range s.pairs {
		if i > 0 {
			dst = append(dst, '&')
		}
		dst = append(dst, s.query[p.start:p.eq]...)
		dst = append(dst, '=')
		dst = append(dst, s.query[p.eq:p.end]...)
	}
	return dst
}

// appendHeader appends the value of a signed header. net/http keeps some of
// them outside of the header map.
func (s *scratch) appendHeader(dst []byte, r *http.Request, name string) []byte {
	switch name {
	case "host":
		host := r.Host
		if host == "" {
			host = r.URL.Host
		}
		return appendFolded(dst, host)
	case "transfer-encoding":
		return append(dst, strings.Join(r.TransferEncoding, ",")...)
	}
	s.name = appendCanonicalKey(s.name[:0], name)
	values := r.Header[string(s.name)]
	if values == nil && name == "content-length" && r.ContentLength >= 0 {
		return strconv.AppendInt(dst, r.ContentLength, 10)
	}
	for i, v := range values {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendFolded(dst, v)
	}
	return dst
}

// appendCanonicalKey spells a lower-case header name as net/http's map does.
func appendCanonicalKey(dst []byte, name string) []byte {
	upper := true
	for i := range len(name) {
		c := name[i]
		if upper && 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		dst = append(dst, c)
		upper = c == '-'
	}
	return dst
}

// appendFolded appends v without blanks around it and with runs of spaces
// made one.
func appendFolded(dst []byte, v string) []byte {
	for v != "" && isBlank(v[0]) {
		v = v[1:]
	}
	for v != "" && isBlank(v[len(v)-1]) {
		v = v[:len(v)-1]
	}
	if !strings.Contains(v, "  ") {
		return append(dst, v...)
	}
	for i := range len(v) {
		if v[i] != ' ' || v[i-1] != ' ' {
			dst = append(dst, v[i])
		}
	}
	return dst
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

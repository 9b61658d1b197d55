package sigv4

const upperHex = "0123456789ABCDEF"

// plain marks the bytes that RFC 3986 calls unreserved.
var plain = func() (t [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~") {
		t[c] = true
	}
	return t
}()

func appendByte(dst []byte, c byte) []byte {
	if plain[c] {
		return append(dst, c)
	}
	return append(dst, '%', upperHex[c>>4], upperHex[c&15])
}

// appendPath percent-encodes every byte of s but unreserved ones and slashes.
func appendPath(dst []byte, s string) []byte {
	for i := range len(s) {
		if s[i] == '/' {
			dst = append(dst, '/')
		} else {
			dst = appendByte(dst, s[i])
		}
	}
	return dst
}

// appendPathOnce brings a path that is percent-encoded in whichever way to
// the one canonical encoding, slashes kept.
func appendPathOnce(dst []byte, s string) []byte {
	for i := 0; i < len(s); {
		c, n := unescape(s, i)
		if c == '/' {
			dst = append(dst, '/')
		} else {
			dst = appendByte(dst, c)
		}
		i += n
	}
	return dst
}

// appendQuery does the same for a name or value of a query, where a plus is a
// space.
func appendQuery(dst []byte, s string) []byte {
	for i := 0; i < len(s); {
		c, n := unescape(s, i)
		if c == '+' && n == 1 {
			c = ' '
		}
		dst = appendByte(dst, c)
		i += n
	}
	return dst
}

// decodeQuery returns the bytes that a name or value of a query stands for.
func decodeQuery(s string) string {
	i := 0
	for i < len(s) && s[i] != '%' && s[i] != '+' {
		i++
	}
	if i == len(s) {
		return s
	}
	out := append(make([]byte, 0, len(s)), s[:i]...)
	for i < len(s) {
		c, n := unescape(s, i)
		if c == '+' && n == 1 {
			c = ' '
		}
		out = append(out, c)
		i += n
	}
	return string(out)
}

// unescape returns the byte that s[i:] begins with and how long its spelling
// is. A percent sign that begins no escape stands for itself.
func unescape(s string, i int) (byte, int) {
	if s[i] == '%' && i+2 < len(s) {
		hi, ok1 := hexDigit(s[i+1])
		lo, ok2 := hexDigit(s[i+2])
		if ok1 && ok2 {
			return hi<<4 | lo, 3
		}
	}
	return s[i], 1
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

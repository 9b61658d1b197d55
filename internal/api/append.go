package api

import (
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// closeObject ends an object whose members each left a comma behind.
func closeObject(b []byte) []byte { return closeWith(b, '}') }

func closeWith(b []byte, end byte) []byte {
	if last := len(b) - 1; b[last] == ',' {
		b[last] = end
		return b
	}
	return append(b, end)
}

// plainByte marks the bytes that stand for themselves in a JSON string. Bytes
// above ASCII do not: they are looked at rune by rune.
var plainByte = func() (t [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// appendText appends s as a JSON string, without HTML escaping and as valid
// UTF-8 whatever s holds.
func appendText(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if plainByte[c] {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r != utf8.RuneError || n > 1 {
				i += n
				continue
			}
			b = append(b, s[start:i]...)
			b = utf8.AppendRune(b, utf8.RuneError)
		} else {
			b = append(b, s[start:i]...)
			b = appendEscape(b, c)
		}
		i++
		start = i
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}

func appendEscape(b []byte, c byte) []byte {
	const hex = "0123456789abcdef"
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\n':
		return append(b, '\\', 'n')
	case '\r':
		return append(b, '\\', 'r')
	case '\t':
		return append(b, '\\', 't')
	}
	return append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
}

// appendTime appends seconds since the epoch with up to three decimals.
func appendTime(b []byte, t time.Time) []byte {
	ms := t.UnixMilli()
	if ms < 0 {
		b = append(b, '-')
		ms = -ms
	}
	b = strconv.AppendInt(b, ms/1000, 10)
	rest := ms % 1000
	if rest == 0 {
		return b
	}
	b = append(b, '.', byte('0'+rest/100), byte('0'+rest/10%10), byte('0'+rest%10))
	for b[len(b)-1] == '0' {
		b = b[:len(b)-1]
	}
	return b
}

func appendTexts(b []byte, list []string) []byte {
	b = append(b, '[')
	for _, s := range list {
		b = append(appendText(b, s), ',')
	}
	return closeWith(b, ']')
}

func appendStructs[T any, P shape[T]](b []byte, list []T) []byte {
	b = append(b, '[')
	for i := range list {
		b = append(P(&list[i]).appendJSON(b), ',')
	}
	return closeWith(b, ']')
}

// appendTextMap appends the entries in the order of their keys, so that equal
// values have equal bytes.
func appendTextMap(b []byte, m map[string]string) []byte {
	b = append(b, '{')
	var room [16]string
	for _, key := range sortedKeys(m, room[:0]) {
		b = append(appendText(b, key), ':')
		b = append(appendText(b, m[key]), ',')
	}
	return closeObject(b)
}

func appendStructMap[T any, P shape[T]](b []byte, m map[string]T) []byte {
	b = append(b, '{')
	for _, key := range sortedKeys(m, nil) {
		value := m[key]
		b = append(appendText(b, key), ':')
		b = append(P(&value).appendJSON(b), ',')
	}
	return closeObject(b)
}

func sortedKeys[T any](m map[string]T, keys []string) []string {
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

package blob

import (
	"net/netip"
	"strings"
	"unicode/utf8"
)

// MaxKey is the longest key in bytes.
const MaxKey = 1024

// CheckKey refuses keys that S3 refuses: empty, above 1024 bytes, not UTF-8.
// Everything else is a name as good as any: "..", "//" and control characters
// too.
func CheckKey(bucket, key string) error {
	switch {
	case key == "":
		return Errorf(InvalidArgument, bucket, key, "The key must not be empty.")
	case len(key) > MaxKey:
		return Errorf(KeyTooLong, bucket, "", "Your key is too long")
	case !utf8.ValidString(key):
		return Errorf(InvalidArgument, bucket, "", "The key is not valid UTF-8.")
	}
	return nil
}

// CheckBucket applies the naming rules for general purpose buckets: 3 to 63 of
// a-z, 0-9, "." and "-", letter or digit at both ends, no "..", no IP address.
func CheckBucket(name string) error {
	ok := len(name) >= 3 && len(name) <= 63 && !strings.Contains(name, "..")
	for i := 0; ok && i < len(name); i++ {
		c := name[i]
		alnum := c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
		inner := i > 0 && i < len(name)-1
		ok = alnum || inner && (c == '-' || c == '.')
	}
	if ok {
		_, err := netip.ParseAddr(name)
		ok = err != nil
	}
	if !ok {
		return Errorf(InvalidBucketName, name, "", "The specified bucket is not valid.")
	}
	return nil
}

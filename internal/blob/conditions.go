package blob

import (
	"strings"
	"time"
)

// Conditions are the conditional headers of a request. The zero value always
// holds.
type Conditions struct {
	IfMatch           string // ETags separated by commas, or "*"
	IfNoneMatch       string
	IfModifiedSince   time.Time // whole seconds, as HTTP dates are
	IfUnmodifiedSince time.Time
}

// ForRead applies the conditions to a read of info, in the order of RFC 9110
// section 13.2.2: If-Match beats If-Unmodified-Since, and If-None-Match beats
// If-Modified-Since. The error's code is PreconditionFailed or NotModified.
func (c Conditions) ForRead(info *Info) error {
	modified := info.Modified.Truncate(time.Second)
	if c.IfMatch != "" {
		if !etagIn(c.IfMatch, info.ETag) {
			return c.failed(info.Bucket, info.Key, "If-Match")
		}
	} else if !c.IfUnmodifiedSince.IsZero() && modified.After(c.IfUnmodifiedSince) {
		return c.failed(info.Bucket, info.Key, "If-Unmodified-Since")
	}
	if c.IfNoneMatch != "" {
		if etagIn(c.IfNoneMatch, info.ETag) {
			return Errorf(NotModified, info.Bucket, info.Key, "Not Modified")
		}
	} else if !c.IfModifiedSince.IsZero() && !modified.After(c.IfModifiedSince) {
		return Errorf(NotModified, info.Bucket, info.Key, "Not Modified")
	}
	return nil
}

// ForCopy applies the conditions to the source of a copy: whatever fails is
// PreconditionFailed.
func (c Conditions) ForCopy(info *Info) error {
	err := c.ForRead(info)
	if CodeOf(err) == NotModified {
		return c.failed(info.Bucket, info.Key, "x-amz-copy-source-If-*")
	}
	return err
}

// ForWrite applies If-Match and If-None-Match to the current version of a key
// that is about to be written or deleted; nil means that there is none. As in
// S3, If-Match on an absent key is NoSuchKey.
func (c Conditions) ForWrite(bucket, key string, current *Info) error {
	if c.IfMatch != "" {
		if current == nil {
			return Errorf(NoSuchKey, bucket, key, "The specified key does not exist.")
		}
		if !etagIn(c.IfMatch, current.ETag) {
			return c.failed(bucket, key, "If-Match")
		}
	}
	if c.IfNoneMatch != "" && current != nil && etagIn(c.IfNoneMatch, current.ETag) {
		return c.failed(bucket, key, "If-None-Match")
	}
	return nil
}

func (c Conditions) failed(bucket, key, condition string) error {
	return Errorf(PreconditionFailed, bucket, key,
		"At least one of the pre-conditions you specified did not hold: %s", condition)
}

func etagIn(list, etag string) bool {
	for one := range strings.SplitSeq(list, ",") {
		one = strings.TrimPrefix(strings.TrimSpace(one), "W/")
		if one == "*" || strings.Trim(one, `"`) == strings.Trim(etag, `"`) {
			return true
		}
	}
	return false
}

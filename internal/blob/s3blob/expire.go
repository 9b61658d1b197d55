package s3blob

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"penstock/internal/blob"
)

// RemoveObject removes all versions of an object, and its delete markers. One
// that is not there is no error, nor is a bucket. It needs s3:ListBucketVersions,
// s3:DeleteObject and, where the bucket has versions, s3:DeleteObjectVersion;
// without them the error is AccessDenied, and nothing was hidden behind a marker.
func (s *Store) RemoveObject(ctx context.Context, bucket, key string) error {
	err := s.versions(ctx, bucket, key, func(page []blob.Info) (bool, error) {
		var doomed []blob.Info
		for _, v := range page {
			if v.Key != key { // one that begins like it
				return false, s.deleteAll(ctx, bucket, doomed)
			}
			doomed = append(doomed, v)
		}
		return true, s.deleteAll(ctx, bucket, doomed)
	})
	if blob.CodeOf(err) == blob.NoSuchBucket {
		return nil
	}
	return err
}

// RemoveBefore removes the versions that were written before t, of keys below
// the given one that are ours, at most a thousand with a call. A bucket that is
// not there is no error.
func (s *Store) RemoveBefore(ctx context.Context, bucket, below string, t time.Time, ours func(key string) bool) error {
	err := s.versions(ctx, bucket, "", func(page []blob.Info) (bool, error) {
		var doomed []blob.Info
		more := true
		for _, v := range page {
			if v.Key >= below {
				more = false
				break
			}
			if v.Modified.Before(t) && ours(v.Key) {
				doomed = append(doomed, v)
			}
		}
		return more, s.deleteAll(ctx, bucket, doomed)
	})
	if blob.CodeOf(err) == blob.NoSuchBucket {
		return nil
	}
	return err
}

// Usage calls add for each version in the bucket whose key begins with the
// prefix. It takes long when there are many.
func (s *Store) Usage(ctx context.Context, bucket, prefix string, add func(v blob.Info)) error {
	return s.versions(ctx, bucket, prefix, func(page []blob.Info) (bool, error) {
		for _, v := range page {
			add(v)
		}
		return true, nil
	})
}

// versions calls each with the versions and delete markers of keys that begin
// with the prefix, in the order of the keys, a page at a time, for as long as it
// wants more.
func (s *Store) versions(ctx context.Context, bucket, prefix string, each func(page []blob.Info) (more bool, err error)) error {
	in := &s3.ListObjectVersionsInput{Bucket: &bucket, Prefix: text(prefix), EncodingType: types.EncodingTypeUrl, MaxKeys: s.page}
	for {
		out, err := s.client.ListObjectVersions(ctx, in)
		if status(err) == http.StatusNotImplemented {
			return s.plain(ctx, bucket, prefix, each)
		}
		if err != nil {
			return translate(err, bucket, "", "")
		}
		page, err := versionsOf(bucket, out)
		if err != nil {
			return err
		}
		if more, err := each(page); err != nil || !more || !aws.ToBool(out.IsTruncated) {
			return err
		}
		// The markers are encoded as the keys are.
		next, err := url.QueryUnescape(aws.ToString(out.NextKeyMarker))
		if err != nil {
			return fmt.Errorf("s3blob: listed key: %w", err)
		}
		in.KeyMarker, in.VersionIdMarker = &next, out.NextVersionIdMarker
	}
}

// versionsOf puts versions and markers, which are listed apart, in the order of
// their keys. Which of a key comes first is of no interest.
func versionsOf(bucket string, out *s3.ListObjectVersionsOutput) ([]blob.Info, error) {
	page := make([]blob.Info, 0, len(out.Versions)+len(out.DeleteMarkers))
	markers := out.DeleteMarkers
	takeMarkers := func(upTo string, all bool) error {
		for len(markers) > 0 {
			m := markers[0]
			key, err := url.QueryUnescape(aws.ToString(m.Key))
			if err != nil || !all && key > upTo {
				return err
			}
			page = append(page, blob.Info{Bucket: bucket, Key: key, VersionID: aws.ToString(m.VersionId), Marker: true, Modified: aws.ToTime(m.LastModified)})
			markers = markers[1:]
		}
		return nil
	}
	for _, v := range out.Versions {
		key, err := url.QueryUnescape(aws.ToString(v.Key))
		if err == nil {
			err = takeMarkers(key, false)
		}
		if err != nil {
			return nil, fmt.Errorf("s3blob: listed key: %w", err)
		}
		page = append(page, blob.Info{
			Bucket: bucket, Key: key, VersionID: aws.ToString(v.VersionId), Latest: aws.ToBool(v.IsLatest),
			Size: aws.ToInt64(v.Size), Modified: aws.ToTime(v.LastModified),
		})
	}
	return page, takeMarkers("", true)
}

// plain is versions on a server that knows none.
func (s *Store) plain(ctx context.Context, bucket, prefix string, each func(page []blob.Info) (more bool, err error)) error {
	o := &blob.ListOptions{Prefix: prefix}
	for {
		page, err := s.List(ctx, bucket, o)
		if err != nil {
			return err
		}
		if more, err := each(page.Objects); err != nil || !more || page.Next == "" {
			return err
		}
		o.After = page.Next
	}
}

// deleteAll deletes versions, at most a page of them.
func (s *Store) deleteAll(ctx context.Context, bucket string, versions []blob.Info) error {
	if len(versions) == 0 {
		return nil
	}
	list := make([]types.ObjectIdentifier, len(versions))
	for i := range versions {
		list[i] = types.ObjectIdentifier{Key: &versions[i].Key, VersionId: text(versions[i].VersionID)}
	}
	out, err := s.client.DeleteObjects(ctx, &s3.DeleteObjectsInput{
		Bucket: &bucket, Delete: &types.Delete{Objects: list, Quiet: aws.Bool(true)},
	}, withMD5)
	if err != nil {
		return translate(err, bucket, "", "")
	}
	var errs []error
	for _, e := range out.Errors {
		switch code := blob.Code(aws.ToString(e.Code)); code {
		case blob.NoSuchKey, blob.NoSuchVersion: // somebody else was faster
		case blob.AccessDenied:
			return blob.Errorf(code, bucket, aws.ToString(e.Key), "%s", aws.ToString(e.Message))
		default:
			errs = append(errs, fmt.Errorf("s3blob: %s/%s: %s: %s", bucket, aws.ToString(e.Key), code, aws.ToString(e.Message)))
		}
	}
	return errors.Join(errs...)
}

// withMD5 adds the Content-MD5 that older servers want with DeleteObjects.
func withMD5(o *s3.Options) {
	o.APIOptions = append(o.APIOptions, smithyhttp.AddContentChecksumMiddleware)
}

package s3blob

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"penstock/internal/blob"
)

// rangeHeader writes a range as HTTP has it.
func rangeHeader(r *blob.Range) *string {
	switch {
	case r == nil:
		return nil
	case r.Offset < 0:
		return aws.String(fmt.Sprintf("bytes=%d", r.Offset))
	case r.Length < 0:
		return aws.String(fmt.Sprintf("bytes=%d-", r.Offset))
	}
	return aws.String(fmt.Sprintf("bytes=%d-%d", r.Offset, r.Offset+r.Length-1))
}

func partNumber(n int) *int32 {
	if n == 0 {
		return nil
	}
	return aws.Int32(int32(n))
}

// Head implements [blob.Store].
func (s *Store) Head(ctx context.Context, bucket, key string, o *blob.GetOptions) (blob.Info, error) {
	if o == nil {
		o = &blob.GetOptions{}
	}
	out, err := s.client.HeadObject(ctx, &s3.HeadObjectInput{
		Bucket: &bucket, Key: &key, VersionId: text(o.VersionID),
		IfMatch: text(o.If.IfMatch), IfNoneMatch: text(o.If.IfNoneMatch),
		IfModifiedSince: date(o.If.IfModifiedSince), IfUnmodifiedSince: date(o.If.IfUnmodifiedSince),
	})
	if err != nil {
		return blob.Info{}, translate(err, bucket, key, o.VersionID)
	}
	info := describe(bucket, key, out)
	info.Latest = o.VersionID == ""
	if o.Range != nil {
		_, _, err = (&blob.GetOptions{Range: o.Range}).Window(&info)
	}
	return info, err
}

// describe is also for answers to GET, which have the same headers.
func describe(bucket, key string, out *s3.HeadObjectOutput) blob.Info {
	return blob.Info{
		Bucket: bucket, Key: key, VersionID: aws.ToString(out.VersionId),
		Size: aws.ToInt64(out.ContentLength), ETag: aws.ToString(out.ETag), Modified: aws.ToTime(out.LastModified),
		Attributes: blob.Attributes{
			ContentType: aws.ToString(out.ContentType), CacheControl: aws.ToString(out.CacheControl),
			ContentDisposition: aws.ToString(out.ContentDisposition), ContentEncoding: aws.ToString(out.ContentEncoding),
			ContentLanguage: aws.ToString(out.ContentLanguage), Expires: aws.ToString(out.ExpiresString),
			WebsiteRedirect: aws.ToString(out.WebsiteRedirectLocation), Metadata: out.Metadata,
			Encryption: blob.Encryption{
				Algorithm: string(out.ServerSideEncryption), KMSKeyID: aws.ToString(out.SSEKMSKeyId), BucketKey: aws.ToBool(out.BucketKeyEnabled),
			},
		},
	}
}

// Get implements [blob.Store].
func (s *Store) Get(ctx context.Context, bucket, key string, o *blob.GetOptions) (*blob.Object, error) {
	if o == nil {
		o = &blob.GetOptions{}
	}
	out, err := s.client.GetObject(ctx, &s3.GetObjectInput{
		Bucket: &bucket, Key: &key, VersionId: text(o.VersionID), Range: rangeHeader(o.Range), PartNumber: partNumber(o.Part),
		IfMatch: text(o.If.IfMatch), IfNoneMatch: text(o.If.IfNoneMatch),
		IfModifiedSince: date(o.If.IfModifiedSince), IfUnmodifiedSince: date(o.If.IfUnmodifiedSince),
	})
	if err != nil {
		return nil, translate(err, bucket, key, o.VersionID)
	}
	object := &blob.Object{Body: out.Body, Length: aws.ToInt64(out.ContentLength), Info: describe(bucket, key, &s3.HeadObjectOutput{
		VersionId: out.VersionId, ContentLength: out.ContentLength, ETag: out.ETag, LastModified: out.LastModified,
		ContentType: out.ContentType, CacheControl: out.CacheControl, ContentDisposition: out.ContentDisposition,
		ContentEncoding: out.ContentEncoding, ContentLanguage: out.ContentLanguage, ExpiresString: out.ExpiresString,
		WebsiteRedirectLocation: out.WebsiteRedirectLocation, Metadata: out.Metadata,
		ServerSideEncryption: out.ServerSideEncryption, SSEKMSKeyId: out.SSEKMSKeyId, BucketKeyEnabled: out.BucketKeyEnabled,
	})}
	object.Latest = o.VersionID == ""
	if r := aws.ToString(out.ContentRange); r != "" {
		var last int64
		if _, err := fmt.Sscanf(r, "bytes %d-%d/%d", &object.Offset, &last, &object.Size); err != nil {
			out.Body.Close()
			return nil, fmt.Errorf("s3blob: Content-Range %q: %w", r, err)
		}
	}
	// An answer that breaks off must not look like an object that ends.
	object.Body = &exactly{ReadCloser: out.Body, left: object.Length}
	return object, nil
}

// exactly fails when a body ends before its length.
type exactly struct {
	io.ReadCloser
	left int64
}

// Read implements io.Reader.
func (e *exactly) Read(p []byte) (int, error) {
	n, err := e.ReadCloser.Read(p)
	e.left -= int64(n)
	if err == io.EOF && e.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// endOfPrefix sorts behind all that a common prefix stands for.
const endOfPrefix = "\U0010FFFF"

// List implements [blob.Store].
func (s *Store) List(ctx context.Context, bucket string, o *blob.ListOptions) (blob.Page, error) {
	if o == nil {
		o = &blob.ListOptions{}
	}
	in := &s3.ListObjectsV2Input{
		Bucket: &bucket, Prefix: text(o.Prefix), Delimiter: text(o.Delimiter), StartAfter: text(o.After),
		EncodingType: types.EncodingTypeUrl, // keys may hold what XML cannot
	}
	if o.Delimiter != "" && len(o.After) > len(o.Prefix) && strings.HasSuffix(o.After, o.Delimiter) {
		in.StartAfter = aws.String(o.After + endOfPrefix)
	}
	if o.Max > 0 {
		in.MaxKeys = aws.Int32(int32(min(o.Max, 1000)))
	}
	out, err := s.client.ListObjectsV2(ctx, in)
	if err != nil {
		return blob.Page{}, translate(err, bucket, "", "")
	}
	var page blob.Page
	last := ""
	for _, c := range out.Contents {
		key, err := url.QueryUnescape(aws.ToString(c.Key))
		if err != nil {
			return page, fmt.Errorf("s3blob: listed key: %w", err)
		}
		last = max(last, key)
		page.Objects = append(page.Objects, blob.Info{
			Bucket: bucket, Key: key, Latest: true, Size: aws.ToInt64(c.Size),
			ETag: aws.ToString(c.ETag), Modified: aws.ToTime(c.LastModified),
		})
	}
	for _, p := range out.CommonPrefixes {
		prefix, err := url.QueryUnescape(aws.ToString(p.Prefix))
		if err != nil {
			return page, fmt.Errorf("s3blob: listed prefix: %w", err)
		}
		last = max(last, prefix)
		page.Prefixes = append(page.Prefixes, prefix)
	}
	if aws.ToBool(out.IsTruncated) {
		page.Next = last
	}
	return page, nil
}

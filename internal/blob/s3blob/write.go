package s3blob

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/base64"
	"errors"
	"hash"
	"io"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"penstock/internal/blob"
)

// partSize is what is held in memory of a body: with 10,000 parts it is good
// for objects up to 80 GiB, and larger known lengths get larger parts.
const partSize = 8 << 20

// Put implements [blob.Store]: bodies up to one part go in one request, longer
// ones as a multipart upload, which is aborted when anything is wrong.
func (s *Store) Put(ctx context.Context, bucket, key string, body io.Reader, o *blob.PutOptions) (blob.Info, error) {
	if o == nil {
		o = &blob.PutOptions{}
	}
	if err := blob.CheckKey(bucket, key); err != nil {
		return blob.Info{}, err
	}
	in := newIntake(bucket, key, body, o)
	size := int64(partSize)
	if o.Length != nil {
		size = max(size, *o.Length/(blob.MaxParts-1)+1)
		if *o.Length < size {
			size = *o.Length + 1 // one more, to notice a body that is too long
		}
	}
	buffer := make([]byte, size)
	n, ended, err := in.fill(buffer)
	if err != nil {
		return blob.Info{}, err
	}
	info := blob.Info{Bucket: bucket, Key: key, Latest: true, Attributes: o.Attributes}
	if ended {
		err = s.putWhole(ctx, &info, buffer[:n], o)
	} else {
		err = s.putParts(ctx, &info, buffer, in, o)
	}
	if err != nil {
		return blob.Info{}, err
	}
	info.Size, info.Checksum, info.Modified = in.size, in.checksum, s.now().UTC()
	return info, nil
}

func (s *Store) putWhole(ctx context.Context, info *blob.Info, content []byte, o *blob.PutOptions) error {
	a := &o.Attributes
	out, err := s.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &info.Bucket, Key: &info.Key, Body: bytes.NewReader(content), ContentLength: aws.Int64(int64(len(content))),
		ContentType: text(a.ContentType), CacheControl: text(a.CacheControl), ContentDisposition: text(a.ContentDisposition),
		ContentEncoding: text(a.ContentEncoding), ContentLanguage: text(a.ContentLanguage), Metadata: a.Metadata,
		WebsiteRedirectLocation: text(a.WebsiteRedirect), Tagging: tagging(a.Tags),
		ServerSideEncryption: types.ServerSideEncryption(a.Encryption.Algorithm), SSEKMSKeyId: text(a.Encryption.KMSKeyID),
		IfMatch: text(o.If.IfMatch), IfNoneMatch: text(o.If.IfNoneMatch),
	})
	if err != nil {
		return translate(err, info.Bucket, info.Key, "")
	}
	info.ETag, info.VersionID = aws.ToString(out.ETag), aws.ToString(out.VersionId)
	return nil
}

func (s *Store) putParts(ctx context.Context, info *blob.Info, buffer []byte, in *intake, o *blob.PutOptions) (err error) {
	a := &o.Attributes
	u, err := s.client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
		Bucket: &info.Bucket, Key: &info.Key,
		ContentType: text(a.ContentType), CacheControl: text(a.CacheControl), ContentDisposition: text(a.ContentDisposition),
		ContentEncoding: text(a.ContentEncoding), ContentLanguage: text(a.ContentLanguage), Metadata: a.Metadata,
		WebsiteRedirectLocation: text(a.WebsiteRedirect), Tagging: tagging(a.Tags),
		ServerSideEncryption: types.ServerSideEncryption(a.Encryption.Algorithm), SSEKMSKeyId: text(a.Encryption.KMSKeyID),
	})
	if err != nil {
		return translate(err, info.Bucket, info.Key, "")
	}
	defer func() {
		if err != nil {
			// The caller's context may be what ended the upload.
			_, aborted := s.client.AbortMultipartUpload(context.WithoutCancel(ctx), &s3.AbortMultipartUploadInput{
				Bucket: &info.Bucket, Key: &info.Key, UploadId: u.UploadId,
			})
			err = errors.Join(err, aborted)
		}
	}()
	var parts []types.CompletedPart
	for content, ended := buffer, false; ; {
		number := aws.Int32(int32(len(parts) + 1))
		p, err := s.client.UploadPart(ctx, &s3.UploadPartInput{
			Bucket: &info.Bucket, Key: &info.Key, UploadId: u.UploadId, PartNumber: number,
			Body: bytes.NewReader(content), ContentLength: aws.Int64(int64(len(content))),
		})
		if err != nil {
			return translate(err, info.Bucket, info.Key, "")
		}
		parts = append(parts, types.CompletedPart{PartNumber: number, ETag: p.ETag})
		if ended {
			break
		}
		var n int
		if n, ended, err = in.fill(buffer); err != nil {
			return err
		}
		if content = buffer[:n]; n == 0 {
			break
		}
	}
	out, err := s.client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &info.Bucket, Key: &info.Key, UploadId: u.UploadId,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
		IfMatch:         text(o.If.IfMatch), IfNoneMatch: text(o.If.IfNoneMatch),
	})
	if err != nil {
		return translate(err, info.Bucket, info.Key, "")
	}
	info.ETag, info.VersionID = aws.ToString(out.ETag), aws.ToString(out.VersionId)
	return nil
}

// intake reads a body and verifies it at its end, which is before anything of
// it becomes visible.
type intake struct {
	bucket, key string
	body        io.Reader
	o           *blob.PutOptions
	sum, extra  hash.Hash
	size        int64
	checksum    blob.Checksum
}

func newIntake(bucket, key string, body io.Reader, o *blob.PutOptions) *intake {
	in := &intake{bucket: bucket, key: key, body: body, o: o, sum: md5.New()}
	if o.Algorithm != "" {
		in.extra = o.Algorithm.New()
	}
	return in
}

// fill reads the next part; ended tells that it is the last.
func (in *intake) fill(buffer []byte) (n int, ended bool, err error) {
	refuse := func(code blob.Code, text string) (int, bool, error) {
		return 0, false, blob.Errorf(code, in.bucket, in.key, "%s", text)
	}
	for n < len(buffer) && err == nil {
		var m int
		m, err = in.body.Read(buffer[n:])
		n += m
	}
	if err != nil && err != io.EOF {
		return 0, false, err
	}
	in.size += int64(n)
	in.sum.Write(buffer[:n])
	if in.extra != nil {
		in.extra.Write(buffer[:n])
	}
	if l := in.o.Length; l != nil && (in.size > *l || err == io.EOF && in.size < *l) {
		return refuse(blob.IncompleteBody, "The body has not the length that was announced.")
	}
	if err == nil {
		return n, false, nil
	}
	if in.o.MD5 != nil && !bytes.Equal(in.o.MD5, in.sum.Sum(nil)) {
		return refuse(blob.BadDigest, "The Content-MD5 you specified did not match what we received.")
	}
	if in.extra != nil {
		in.checksum = blob.Checksum{
			Algorithm: in.o.Algorithm, Type: blob.FullObject, Value: base64.StdEncoding.EncodeToString(in.extra.Sum(nil)),
		}
	}
	if in.o.Check != nil {
		if err := in.o.Check(in.checksum); err != nil {
			return 0, false, err
		}
	}
	return n, true, nil
}

// Copy implements [blob.Store].
func (s *Store) Copy(ctx context.Context, from blob.Source, bucket, key string, o *blob.CopyOptions) (blob.Info, error) {
	if o == nil {
		o = &blob.CopyOptions{}
	}
	source := from.Bucket + "/" + escape(from.Key)
	if from.VersionID != "" {
		source += "?versionId=" + url.QueryEscape(from.VersionID)
	}
	in := &s3.CopyObjectInput{
		Bucket: &bucket, Key: &key, CopySource: &source,
		CopySourceIfMatch: text(from.If.IfMatch), CopySourceIfNoneMatch: text(from.If.IfNoneMatch),
		CopySourceIfModifiedSince: date(from.If.IfModifiedSince), CopySourceIfUnmodifiedSince: date(from.If.IfUnmodifiedSince),
		ServerSideEncryption: types.ServerSideEncryption(o.Encryption.Algorithm), SSEKMSKeyId: text(o.Encryption.KMSKeyID),
		IfMatch: text(o.If.IfMatch), IfNoneMatch: text(o.If.IfNoneMatch),
	}
	if a := o.Replace; a != nil {
		in.MetadataDirective = types.MetadataDirectiveReplace
		in.ContentType, in.CacheControl, in.ContentDisposition = text(a.ContentType), text(a.CacheControl), text(a.ContentDisposition)
		in.ContentEncoding, in.ContentLanguage, in.Metadata = text(a.ContentEncoding), text(a.ContentLanguage), a.Metadata
		in.WebsiteRedirectLocation = text(a.WebsiteRedirect)
		if o.Encryption.Algorithm == "" {
			in.ServerSideEncryption, in.SSEKMSKeyId = types.ServerSideEncryption(a.Encryption.Algorithm), text(a.Encryption.KMSKeyID)
		}
	}
	if o.Tags != nil {
		in.TaggingDirective, in.Tagging = types.TaggingDirectiveReplace, tagging(*o.Tags)
	}
	out, err := s.client.CopyObject(ctx, in)
	if err != nil {
		return blob.Info{}, translate(err, from.Bucket, from.Key, from.VersionID)
	}
	info, err := s.Head(ctx, bucket, key, &blob.GetOptions{VersionID: aws.ToString(out.VersionId)})
	info.Latest = true
	return info, err
}

// Delete implements [blob.Store].
func (s *Store) Delete(ctx context.Context, bucket, key string, o *blob.DeleteOptions) (blob.Deleted, error) {
	if o == nil {
		o = &blob.DeleteOptions{}
	}
	out, err := s.client.DeleteObject(ctx, &s3.DeleteObjectInput{
		Bucket: &bucket, Key: &key, VersionId: text(o.VersionID), IfMatch: text(o.If.IfMatch),
	})
	if err != nil {
		return blob.Deleted{}, translate(err, bucket, key, o.VersionID)
	}
	return blob.Deleted{VersionID: aws.ToString(out.VersionId), Marker: aws.ToBool(out.DeleteMarker)}, nil
}

// escape writes a key so that no byte of it has a meaning in a header or URL.
func escape(key string) string { return strings.ReplaceAll(url.QueryEscape(key), "+", "%20") }

func tagging(tags []blob.Tag) *string {
	v := url.Values{}
	for _, t := range tags {
		v.Add(t.Key, t.Value)
	}
	return text(v.Encode())
}

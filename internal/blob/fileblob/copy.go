package fileblob

import (
	"context"
	"encoding/hex"

	"penstock/internal/blob"
)

// Copy implements [blob.Store]. An object of one piece is copied by giving its
// file a second name; a multipart object is read, because its copy has one
// piece and the ETag of one.
func (s *Store) Copy(ctx context.Context, from blob.Source, bucket, key string, o *blob.CopyOptions) (blob.Info, error) {
	if o == nil {
		o = &blob.CopyOptions{}
	}
	if err := blob.CheckKey(bucket, key); err != nil {
		return blob.Info{}, err
	}
	if _, err := s.Bucket(ctx, bucket); err != nil {
		return blob.Info{}, err
	}
	source, err := s.Get(ctx, from.Bucket, from.Key, &blob.GetOptions{VersionID: from.VersionID})
	if err != nil {
		return blob.Info{}, err
	}
	defer source.Body.Close()
	if err := from.If.ForCopy(&source.Info); err != nil {
		return blob.Info{}, err
	}
	if source.Size > blob.MaxPartSize {
		return blob.Info{}, blob.Errorf(blob.InvalidRequest, from.Bucket, from.Key,
			"The specified copy source is larger than the maximum allowable size for a copy source: %d", int64(blob.MaxPartSize))
	}
	content, ok := s.alias(source, o.Algorithm)
	if !ok {
		algorithm := o.Algorithm
		if algorithm == "" {
			algorithm = source.Checksum.Algorithm
		}
		content, err = s.receive(bucket, key, source.Body, &blob.PutOptions{Length: &source.Length, Algorithm: algorithm})
		if err != nil {
			return blob.Info{}, err
		}
	}
	return s.publish(ctx, "CopyObject", bucket, key, content, o.Apply(source.Attributes), o.If)
}

// alias makes the second name where that is all that a copy needs. Where the
// file system has no hard links the copy is an ordinary one.
func (s *Store) alias(source *blob.Object, algorithm blob.Algorithm) (stored, bool) {
	content := source.Body.(*reader).all
	if source.Parts != nil || len(content) != 1 || algorithm != "" && algorithm != source.Checksum.Algorithm {
		return stored{}, false
	}
	sum, err := hex.DecodeString(source.ETag[1 : len(source.ETag)-1])
	if err != nil {
		return stored{}, false
	}
	name, err := s.files.link(content[0].file)
	if err != nil {
		return stored{}, false
	}
	return stored{file: name, size: source.Size, md5: sum, checksum: source.Checksum}, true
}

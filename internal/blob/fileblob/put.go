package fileblob

import (
	"context"
	"crypto/md5"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"sync"

	"penstock/internal/blob"
	"penstock/internal/sqlite"
)

// stored is a body that is durable in a file without a row.
type stored struct {
	file     string
	size     int64
	md5      []byte
	checksum blob.Checksum
}

func (b *stored) etag() string { return `"` + hex.EncodeToString(b.md5) + `"` }

// Put implements [blob.Store].
func (s *Store) Put(ctx context.Context, bucket, key string, body io.Reader, o *blob.PutOptions) (blob.Info, error) {
	if o == nil {
		o = &blob.PutOptions{}
	}
	if err := blob.CheckKey(bucket, key); err != nil {
		return blob.Info{}, err
	}
	// Asked before the body is read, to refuse early, and again at the end.
	err := s.db.View(ctx, func(tx *sqlite.Tx) error {
		_, err := s.writable(tx, bucket, key, o.If)
		return err
	})
	if err != nil {
		return blob.Info{}, err
	}
	content, err := s.receive(bucket, key, body, o)
	if err != nil {
		return blob.Info{}, err
	}
	return s.publish(ctx, "PutObject", bucket, key, content, o.Attributes, o.If)
}

// writable finds the bucket and applies the conditions of a write.
func (s *Store) writable(tx *sqlite.Tx, bucket, key string, c blob.Conditions) (bucketRow, error) {
	b, err := findBucket(tx, bucket)
	if err != nil || c == (blob.Conditions{}) {
		return b, err
	}
	now, err := current(tx, b, key)
	if err != nil {
		return b, err
	}
	return b, c.ForWrite(bucket, key, now)
}

// publish makes a stored body the newest version of a key, by an operation of S3.
func (s *Store) publish(ctx context.Context, operation, bucket, key string, content stored, a blob.Attributes, c blob.Conditions) (blob.Info, error) {
	info := blob.Info{
		Bucket: bucket, Key: key, Size: content.size, ETag: content.etag(),
		Modified: s.stamp(), Attributes: a, Checksum: content.checksum,
	}
	var b bucketRow
	err := s.db.Update(ctx, func(tx *sqlite.Tx) (err error) {
		if b, err = s.writable(tx, bucket, key, c); err != nil {
			return err
		}
		return s.insert(tx, b, &info, false, []piece{{content.file, content.size}})
	})
	if err := s.adopted(content.file, err); err != nil {
		return blob.Info{}, err
	}
	s.written(b, &info, operation)
	return info, nil
}

// written follows the commit of a new version.
func (s *Store) written(b bucketRow, info *blob.Info, operation string) {
	if b.Versioning == blob.Suspended {
		s.wakeCleaner() // it may have replaced one
	}
	s.announce(b, info, operation)
}

// adopted ends the time of a file without a row. After a refusal the file is
// removed; after a failure of the database it stays until the next start,
// when it is known for sure whether the row is there.
func (s *Store) adopted(file string, err error) error {
	if blob.CodeOf(err) != "" || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		s.files.discard(file)
	} else {
		s.files.settled(file)
	}
	return err
}

var buffers = sync.Pool{New: func() any { return new([256 << 10]byte) }}

// receive writes a body to a file and verifies it.
func (s *Store) receive(bucket, key string, body io.Reader, o *blob.PutOptions) (stored, error) {
	var got stored
	refuse := func(code blob.Code, text string) error { return blob.Errorf(code, bucket, key, "%s", text) }
	if o.Length != nil && *o.Length > blob.MaxPartSize {
		return got, refuse(blob.EntityTooLarge, "Your proposed upload exceeds the maximum allowed size")
	}
	name, err := s.files.store(func(file io.Writer) error {
		sum := md5.New()
		var extra hash.Hash
		to := io.MultiWriter(file, sum)
		if o.Algorithm != "" {
			if extra = o.Algorithm.New(); extra == nil {
				return refuse(blob.InvalidRequest, "Checksum algorithm provided is unsupported.")
			}
			to = io.MultiWriter(file, sum, extra)
		}
		buffer := buffers.Get().(*[256 << 10]byte)
		defer buffers.Put(buffer)
		var err error
		got.size, err = io.CopyBuffer(struct{ io.Writer }{to}, struct{ io.Reader }{io.LimitReader(body, blob.MaxPartSize+1)}, buffer[:])
		switch {
		case errors.Is(err, io.ErrUnexpectedEOF), err == nil && o.Length != nil && got.size != *o.Length:
			return refuse(blob.IncompleteBody, "You did not provide the number of bytes specified by the Content-Length HTTP header")
		case err != nil:
			return err
		case got.size > blob.MaxPartSize:
			return refuse(blob.EntityTooLarge, "Your proposed upload exceeds the maximum allowed size")
		}
		got.md5 = sum.Sum(nil)
		if o.MD5 != nil && subtle.ConstantTimeCompare(o.MD5, got.md5) != 1 {
			return refuse(blob.BadDigest, "The Content-MD5 you specified did not match what we received.")
		}
		if extra != nil {
			got.checksum = blob.Checksum{
				Algorithm: o.Algorithm, Type: blob.FullObject,
				Value: base64.StdEncoding.EncodeToString(extra.Sum(nil)),
			}
		}
		if o.Check != nil {
			return o.Check(got.checksum)
		}
		return nil
	})
	got.file = name
	return got, err
}

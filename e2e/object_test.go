package e2e

import (
	"archive/zip"
	"bytes"
	"context"
	"io"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// bucket makes a bucket.
func (s *server) bucket(name string) {
	s.t.Helper()
	if _, err := s.s3().CreateBucket(s.t.Context(), &awss3.CreateBucketInput{Bucket: &name}); err != nil {
		s.t.Fatal(err)
	}
}

// versioned makes a bucket that keeps versions, as a source needs one.
func (s *server) versioned(name string) {
	s.t.Helper()
	s.bucket(name)
	_, err := s.s3().PutBucketVersioning(s.t.Context(), &awss3.PutBucketVersioningInput{Bucket: &name,
		VersioningConfiguration: &s3types.VersioningConfiguration{Status: s3types.BucketVersioningStatusEnabled}})
	if err != nil {
		s.t.Fatal(err)
	}
}

// put stores an object and returns its version.
func (s *server) put(bucket, key string, content []byte) string {
	s.t.Helper()
	out, err := s.s3().PutObject(s.t.Context(), &awss3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(content)})
	if err != nil {
		s.t.Fatal(err)
	}
	return aws.ToString(out.VersionId)
}

// get reads an object.
func (s *server) get(bucket, key string) []byte {
	s.t.Helper()
	content, err := fetch(s.t.Context(), s.s3(), bucket, key)
	if err != nil {
		s.t.Fatalf("%s/%s: %v", bucket, key, err)
	}
	return content
}

func fetch(ctx context.Context, client *awss3.Client, bucket, key string) ([]byte, error) {
	out, err := client.GetObject(ctx, &awss3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return nil, err
	}
	defer out.Body.Close()
	return io.ReadAll(out.Body)
}

// zipped packs files.
func zipped(t testing.TB, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, text := range files {
		entry, err := w.Create(name)
		if err == nil {
			_, err = entry.Write([]byte(text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// unzipped reads an archive.
func unzipped(t testing.TB, archive []byte) map[string]string {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range r.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		in.Close()
		files[f.Name] = string(text)
	}
	return files
}

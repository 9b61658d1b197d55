package runlocal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// copyOut copies what was deployed to Options.Out and returns how many files
// that were. No key leads out of the folder.
func (r *run) copyOut(ctx context.Context) (files int, err error) {
	if err := os.MkdirAll(r.Out, 0o755); err != nil {
		return 0, err
	}
	root, err := os.OpenRoot(r.Out)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	for _, bucket := range r.buckets {
		pages := s3.NewListObjectsV2Paginator(r.s3, &s3.ListObjectsV2Input{Bucket: &bucket})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return files, err
			}
			for _, o := range page.Contents {
				if err := r.copyObject(ctx, root, bucket, *o.Key); err != nil {
					return files, fmt.Errorf("s3://%s/%s: %w", bucket, *o.Key, err)
				}
				files++
			}
		}
	}
	return files, nil
}

func (r *run) copyObject(ctx context.Context, root *os.Root, bucket, key string) error {
	name := path.Join(bucket, key)
	if strings.HasSuffix(key, "/") { // it stands for a folder
		return root.MkdirAll(name, 0o755)
	}
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	object, err := r.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return err
	}
	file, err := root.Create(name)
	if err != nil {
		return errors.Join(err, object.Body.Close())
	}
	return errors.Join(copyWith(file, object.Body), file.Close())
}

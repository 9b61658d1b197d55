package app

import (
	"context"
	"errors"
	"io"

	"penstock/internal/blob"
	"penstock/internal/obs"
)

// counted is an artifact store whose calls show in the metrics.
type counted struct {
	blob.Store
	metrics *obs.Metrics
}

// note counts a call. Calls that were given up are nobody's failure.
func (c counted) note(ctx context.Context, operation string, err error) {
	if err == nil || !errors.Is(ctx.Err(), context.Canceled) {
		_, refused := errors.AsType[*blob.Error](err)
		c.metrics.Artifact(operation, err, refused)
	}
}

// EnsureBucket implements blob.Store.
func (c counted) EnsureBucket(ctx context.Context, bucket string, o *blob.BucketOptions) error {
	err := c.Store.EnsureBucket(ctx, bucket, o)
	c.note(ctx, "EnsureBucket", err)
	return err
}

// Head implements blob.Store.
func (c counted) Head(ctx context.Context, bucket, key string, o *blob.GetOptions) (blob.Info, error) {
	info, err := c.Store.Head(ctx, bucket, key, o)
	c.note(ctx, "Head", err)
	return info, err
}

// Get implements blob.Store.
func (c counted) Get(ctx context.Context, bucket, key string, o *blob.GetOptions) (*blob.Object, error) {
	object, err := c.Store.Get(ctx, bucket, key, o)
	c.note(ctx, "Get", err)
	return object, err
}

// Put implements blob.Store.
func (c counted) Put(ctx context.Context, bucket, key string, body io.Reader, o *blob.PutOptions) (blob.Info, error) {
	info, err := c.Store.Put(ctx, bucket, key, body, o)
	c.note(ctx, "Put", err)
	return info, err
}

// Copy implements blob.Store.
func (c counted) Copy(ctx context.Context, from blob.Source, bucket, key string, o *blob.CopyOptions) (blob.Info, error) {
	info, err := c.Store.Copy(ctx, from, bucket, key, o)
	c.note(ctx, "Copy", err)
	return info, err
}

// Delete implements blob.Store.
func (c counted) Delete(ctx context.Context, bucket, key string, o *blob.DeleteOptions) (blob.Deleted, error) {
	deleted, err := c.Store.Delete(ctx, bucket, key, o)
	c.note(ctx, "Delete", err)
	return deleted, err
}

// List implements blob.Store.
func (c counted) List(ctx context.Context, bucket string, o *blob.ListOptions) (blob.Page, error) {
	page, err := c.Store.List(ctx, bucket, o)
	c.note(ctx, "List", err)
	return page, err
}

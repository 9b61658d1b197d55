package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"penstock/internal/actionlog"
	"penstock/internal/blob"
	"penstock/internal/control"
	"penstock/internal/core/pipeline"
	"penstock/internal/scheduler"
	"penstock/internal/store"
)

// removeExternal removes an object that the server has named on the external S3.
func (a *App) removeExternal(ctx context.Context, bucket, key string) error {
	return a.removed(ctx, a.external.RemoveObject(ctx, bucket, key))
}

// removeExternalLogs removes logs from the bucket for them on the external S3,
// which may hold more than ours.
func (a *App) removeExternalLogs(ctx context.Context, t time.Time, _ int) (bool, error) {
	return false, a.removed(ctx, a.external.RemoveBefore(ctx, logBucket(a.cfg), store.IDBefore(t), t, actionlog.IsKey))
}

// removed counts a removal, and tells refusals that an operator has to end.
func (a *App) removed(ctx context.Context, err error) error {
	counted{metrics: a.metrics}.note(ctx, "Remove", err)
	if blob.CodeOf(err) == blob.AccessDenied {
		return fmt.Errorf("%w; it needs s3:ListBucketVersions, s3:DeleteObject and s3:DeleteObjectVersion: %w", scheduler.ErrDenied, err)
	}
	return err
}

// externalUsage tells what lies on the external S3 under the names that the
// server gives to artifacts and logs.
func (a *App) externalUsage(ctx context.Context, folders bool) ([]control.Usage, error) {
	places, err := a.artifactPlaces(ctx)
	if err != nil {
		return nil, err
	}
	var list []control.Usage
	whole := -1 // the bucket's line
	for i, p := range places {
		name := "bucket " + p.bucket
		if i == 0 || p.bucket != places[i-1].bucket {
			whole = len(list)
			list = append(list, control.Usage{Kind: name})
		}
		one, err := a.measure(ctx, p.bucket, p.folder, func(blob.Info) (ours, expired bool) { return true, false })
		if blob.CodeOf(err) == blob.AccessDenied {
			list[whole].Kind = name + " (may not be listed)"
			continue
		}
		if err != nil {
			return nil, err
		}
		sum(&list[whole], one)
		if one.Kind = name + "/" + strings.TrimSuffix(p.folder, "/"); folders && one.Count > 0 {
			list = append(list, one)
		}
	}
	now := a.store.Now()
	keep := a.cfg.Keep.Logs
	logs, err := a.measure(ctx, logBucket(a.cfg), "", func(v blob.Info) (ours, expired bool) {
		return actionlog.IsKey(v.Key), keep > 0 && v.Key < store.IDBefore(now.Add(-keep)) && v.Modified.Before(now.Add(-keep))
	})
	if logs.Kind = "action logs"; keep > 0 {
		logs.Keep = keep.String()
	}
	if blob.CodeOf(err) == blob.AccessDenied {
		logs.Kind, err = "action logs (may not be listed)", nil
	}
	return append(list, logs), err
}

// artifactPlace is where artifacts of pipelines lie.
type artifactPlace struct{ bucket, folder string }

// artifactPlaces are those of all pipelines, in the order of their buckets.
func (a *App) artifactPlaces(ctx context.Context) (list []artifactPlace, err error) {
	seen := map[artifactPlace]bool{}
	var last store.PipelineVersion
	for more := true; more && err == nil; {
		err = a.store.View(ctx, func(r store.Reader) error {
			page, err := r.PipelineVersions(time.Time{}, last, 100)
			for _, v := range page {
				d, err := r.Declaration(v.PipelineID, v.Version)
				if errors.Is(err, store.ErrNotFound) { // the pipeline was deleted
					continue
				}
				if err != nil {
					return err
				}
				for _, s := range pipeline.Stores(d) {
					seen[artifactPlace{s.Bucket, pipeline.ArtifactFolder(d.Name)}] = true
				}
			}
			if more = len(page) > 0; more {
				last = page[len(page)-1]
			}
			return err
		})
	}
	for p := range seen {
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b artifactPlace) int {
		return cmp.Or(cmp.Compare(a.bucket, b.bucket), cmp.Compare(a.folder, b.folder))
	})
	return list, err
}

// measure counts the versions in a bucket whose keys begin with the prefix.
func (a *App) measure(ctx context.Context, bucket, prefix string, look func(v blob.Info) (ours, expired bool)) (control.Usage, error) {
	var u control.Usage
	err := a.external.Usage(ctx, bucket, prefix, func(v blob.Info) {
		ours, expired := look(v)
		if !ours {
			return
		}
		sum(&u, control.Usage{Count: 1, Bytes: v.Size, Oldest: v.Modified, Newest: v.Modified})
		if expired && u.Expired < control.MaxExpired {
			u.Expired++
		}
	})
	if blob.CodeOf(err) == blob.NoSuchBucket {
		err = nil
	}
	if err != nil {
		err = fmt.Errorf("bucket %s on the external S3: %w", bucket, err)
	}
	return u, err
}

// sum adds one of the same kind to u.
func sum(u *control.Usage, one control.Usage) {
	u.Count += one.Count
	u.Bytes += one.Bytes
	if u.Oldest.IsZero() || !one.Oldest.IsZero() && one.Oldest.Before(u.Oldest) {
		u.Oldest = one.Oldest
	}
	if one.Newest.After(u.Newest) {
		u.Newest = one.Newest
	}
}

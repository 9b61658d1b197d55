package app

import (
	"context"
	"time"

	"penstock/internal/control"
	"penstock/internal/scheduler"
	"penstock/internal/store"
)

// retention removes what is too old. Objects on an external S3 are left to its
// own rules.
func (a *App) retention() *scheduler.Retention {
	keep := a.cfg.Keep
	r := &scheduler.Retention{
		Store: a.store, Log: a.log, Interval: time.Hour,
		History: keep.History, Artifacts: keep.Artifacts, Logs: keep.Logs, Audit: keep.Audit,
	}
	if a.embedded != nil {
		r.RemoveObject = a.embedded.RemoveObject
		r.RemoveLogs = func(ctx context.Context, t time.Time, limit int) (bool, error) {
			// The key of a log is the id of its action execution.
			return a.embedded.RemoveBefore(ctx, reservedBucket, store.IDBefore(t), t, limit)
		}
	}
	return r
}

// usage tells what the embedded store keeps; nil with another.
func (a *App) usage() func(context.Context) ([]control.Usage, error) {
	if a.embedded == nil {
		return nil
	}
	return func(ctx context.Context) ([]control.Usage, error) {
		buckets, err := a.embedded.Usage(ctx)
		var list []control.Usage
		for _, b := range buckets {
			u := control.Usage{Kind: "bucket " + b.Bucket, Count: b.Objects, Bytes: b.Bytes, Oldest: b.Oldest, Newest: b.Newest}
			if b.Bucket == reservedBucket {
				u.Kind = "action logs"
				if a.cfg.Keep.Logs > 0 {
					u.Keep = a.cfg.Keep.Logs.String()
				}
			}
			list = append(list, u)
		}
		return list, err
	}
}

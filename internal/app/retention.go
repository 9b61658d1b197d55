package app

import (
	"cmp"
	"context"
	"slices"
	"time"

	"penstock/internal/blob/fileblob"
	"penstock/internal/control"
	"penstock/internal/scheduler"
	"penstock/internal/store"
)

// retention removes what is too old.
func (a *App) retention() *scheduler.Retention {
	keep := a.cfg.Keep
	r := &scheduler.Retention{
		Store: a.store, Log: a.log, Interval: time.Hour,
		History: keep.History, Artifacts: keep.Artifacts, Logs: keep.Logs, Audit: keep.Audit,
	}
	if a.external != nil {
		r.RemoveObject, r.RemoveLogs = a.removeExternal, a.removeExternalLogs
	} else {
		r.RemoveObject = a.embedded.RemoveObject
		r.RemoveLogs = func(ctx context.Context, t time.Time, limit int) (bool, error) {
			// The key of a log is the id of its action execution.
			return a.embedded.RemoveBefore(ctx, reservedBucket, store.IDBefore(t), t, limit)
		}
	}
	return r
}

// usage tells what the artifact store keeps.
func (a *App) usage() func(context.Context, bool) ([]control.Usage, error) {
	if a.external != nil {
		return a.externalUsage
	}
	return func(ctx context.Context, folders bool) (list []control.Usage, err error) {
		buckets, err := a.embedded.Usage(ctx, false)
		if err == nil && folders {
			var more []fileblob.Usage
			more, err = a.embedded.Usage(ctx, true)
			buckets = append(buckets, more...)
			slices.SortStableFunc(buckets, func(a, b fileblob.Usage) int { return cmp.Compare(a.Bucket, b.Bucket) })
		}
		if err != nil {
			return nil, err
		}
		for _, b := range buckets {
			u := control.Usage{Kind: "bucket " + b.Bucket, Count: b.Objects, Bytes: b.Bytes, Oldest: b.Oldest, Newest: b.Newest}
			if b.Folder != "" {
				u.Kind += "/" + b.Folder
			}
			if b.Bucket == reservedBucket {
				u.Kind = "action logs"
				if keep := a.cfg.Keep.Logs; keep > 0 {
					u.Keep = keep.String()
					before := a.store.Now().Add(-keep)
					if u.Expired, err = a.embedded.CountBefore(ctx, reservedBucket, store.IDBefore(before), before, control.MaxExpired); err != nil {
						return nil, err
					}
				}
			}
			list = append(list, u)
		}
		return list, nil
	}
}

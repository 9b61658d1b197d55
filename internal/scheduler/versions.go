package scheduler

import (
	"context"
	"slices"
	"time"

	"penstock/internal/store"
)

// versions removes the versions of pipelines that were replaced before t and
// that no execution in the history ran.
func (r *Retention) versions(ctx context.Context, t time.Time) error {
	var last store.PipelineVersion
	for {
		var page []store.PipelineVersion
		err := r.Store.View(ctx, func(v store.Reader) (err error) {
			page, err = v.PipelineVersions(t, last, retentionStep)
			return err
		})
		if err != nil || len(page) == 0 {
			return err
		}
		last = page[len(page)-1]
		unused := slices.DeleteFunc(page, func(v store.PipelineVersion) bool { return !v.Unused })
		for some := range slices.Chunk(unused, removedAtOnce) {
			err := r.Store.Update(ctx, func(tx store.Tx) error {
				for _, v := range some {
					if _, err := tx.RemoveVersion(v.PipelineID, v.Version); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
	}
}

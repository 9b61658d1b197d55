package scheduler

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"penstock/internal/core/engine"
	"penstock/internal/store"
)

// Retention removes history, artifacts, logs and audit records that are older
// than the operator wants, in steps small enough that nothing waits for them.
// What a live execution, a retry or a rollback may need stays (store.Pinned).
type Retention struct {
	Store    *store.Store
	Log      *slog.Logger
	Interval time.Duration
	// How long things are kept after their end; 0 is for ever.
	History, Artifacts, Logs, Audit time.Duration

	// RemoveObject removes all versions of an object; nil when objects are none
	// of this server's business.
	RemoveObject func(ctx context.Context, bucket, key string) error
	// RemoveLogs removes at most limit logs of actions that began and ended
	// before t, and reports whether there may be more.
	RemoveLogs func(ctx context.Context, t time.Time, limit int) (more bool, err error)
}

const (
	retentionStep = 100
	// removedAtOnce bounds the executions that one transaction removes.
	removedAtOnce = 10
)

// Run removes what is too old, at once and then every Interval, until ctx ends.
func (r *Retention) Run(ctx context.Context) {
	tick := time.NewTicker(r.Interval)
	defer tick.Stop()
	for {
		if err := r.Round(ctx); err != nil && ctx.Err() == nil {
			r.Log.Error("retention failed; it is tried again later", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Round removes all that is too old by now.
func (r *Retention) Round(ctx context.Context) error {
	now := r.Store.Now()
	err := errors.Join(r.audit(ctx, now), r.logs(ctx, now))
	if keep := r.Artifacts; keep > 0 && r.RemoveObject != nil {
		if r.History > 0 {
			keep = min(keep, r.History) // the history tells whose they are
		}
		err = errors.Join(err, r.walk(ctx, now.Add(-keep), r.removeArtifacts))
	}
	if err == nil && r.History > 0 {
		err = errors.Join(err, r.walk(ctx, now.Add(-r.History), r.removeHistory), r.versions(ctx, now.Add(-r.History)))
	}
	return err
}

func (r *Retention) audit(ctx context.Context, now time.Time) error {
	for more := r.Audit > 0; more; {
		err := r.Store.Update(ctx, func(tx store.Tx) (err error) {
			more, err = tx.PurgeAudit(now.Add(-r.Audit), retentionStep)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *Retention) logs(ctx context.Context, now time.Time) (err error) {
	for more := r.Logs > 0 && r.RemoveLogs != nil; more && err == nil; {
		more, err = r.RemoveLogs(ctx, now.Add(-r.Logs), retentionStep)
	}
	return err
}

// walk goes through the executions that ended before t and calls remove for
// those that are not pinned, some at a time.
func (r *Retention) walk(ctx context.Context, t time.Time, remove func(context.Context, []store.OldExecution) error) error {
	above := ""
	for {
		var old []store.OldExecution
		var doomed []store.OldExecution
		err := r.Store.View(ctx, func(v store.Reader) (err error) {
			if old, err = v.OldExecutions(t, above, retentionStep); err != nil {
				return err
			}
			doomed, err = unpinned(v, old, t)
			return err
		})
		if err != nil || len(old) == 0 {
			return err
		}
		above = old[len(old)-1].ID
		for some := range slices.Chunk(doomed, removedAtOnce) {
			if err := remove(ctx, some); err != nil {
				return err
			}
		}
	}
}

// unpinned are those that ended before t and that nothing needs.
func unpinned(v store.Reader, old []store.OldExecution, t time.Time) (free []store.OldExecution, err error) {
	pins := map[int64]map[string]bool{}
	for _, e := range old {
		pinned, ok := pins[e.PipelineID]
		if !ok {
			if pinned, err = store.Pinned(v, e.PipelineID); errors.Is(err, store.ErrNotFound) {
				pinned = nil // Purge removes what a deleted pipeline leaves
			} else if err != nil {
				return nil, err
			}
			pins[e.PipelineID] = pinned
		}
		if pinned != nil && !pinned[e.ID] && e.Updated.Before(t) {
			free = append(free, e)
		}
	}
	return free, nil
}

func (r *Retention) removeHistory(ctx context.Context, doomed []store.OldExecution) error {
	return r.Store.Update(ctx, func(tx store.Tx) error {
		for _, e := range doomed {
			if _, err := tx.RemoveExecution(e.PipelineID, e.Execution); err != nil && !errors.Is(err, store.ErrNotFound) { // the pipeline was deleted
				return err
			}
		}
		return nil
	})
}

func (r *Retention) removeArtifacts(ctx context.Context, doomed []store.OldExecution) error {
	for _, e := range doomed {
		if err := r.removeArtifactsOf(ctx, e); err != nil && !errors.Is(err, store.ErrNotFound) { // the pipeline was deleted
			return err
		}
	}
	return nil
}

// removeArtifactsOf removes the objects that the actions of an execution had for
// their outputs, but for those that a pinned execution has taken over in a
// rollback.
func (r *Retention) removeArtifactsOf(ctx context.Context, e store.OldExecution) error {
	var doomed []engine.Artifact
	err := r.Store.View(ctx, func(v store.Reader) error {
		used, err := objectsInUse(v, e.PipelineID)
		if err != nil {
			return err
		}
		doomed = doomed[:0]
		for below := ""; ; {
			actions, err := v.Actions(e.PipelineID, e.ID, below, retentionStep)
			if err != nil || len(actions) == 0 {
				return err
			}
			below = actions[len(actions)-1].ID
			for _, a := range actions {
				for _, o := range a.Outputs {
					if o.Key != "" && !used[object{o.Bucket, o.Key}] {
						doomed = append(doomed, o)
					}
				}
			}
		}
	})
	if err != nil {
		return err
	}
	for _, o := range doomed {
		if err := r.RemoveObject(ctx, o.Bucket, o.Key); err != nil {
			return err
		}
	}
	return nil
}

type object struct{ bucket, key string }

// objectsInUse are the artifacts of all pinned executions of a pipeline.
func objectsInUse(v store.Reader, pipelineID int64) (map[object]bool, error) {
	pinned, err := store.Pinned(v, pipelineID)
	if err != nil {
		return nil, err
	}
	used := map[object]bool{}
	for id := range pinned {
		e, err := v.Execution(pipelineID, id)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, a := range e.Artifacts {
			used[object{a.Bucket, a.Key}] = true
		}
	}
	return used, nil
}

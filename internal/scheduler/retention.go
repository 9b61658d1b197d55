package scheduler

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"penstock/internal/store"
)

// Retention removes history, artifacts, logs and audit records that are older
// than the operator wants, in steps small enough that nothing waits for them.
// What a live execution, a retry or a rollback may need stays (store.Pinned).
// What cannot be removed now is tried again in the next round, and keeps nothing
// else from being removed.
type Retention struct {
	Store    *store.Store
	Log      *slog.Logger
	Interval time.Duration
	// How long things are kept after their end; 0 is for ever.
	History, Artifacts, Logs, Audit time.Duration

	// RemoveObject removes all versions of an object; nil when objects are none
	// of this server's business. The error wraps ErrDenied when an operator has
	// to permit it first.
	RemoveObject func(ctx context.Context, bucket, key string) error
	// RemoveLogs removes at most limit logs of actions that began and ended
	// before t, and reports whether there may be more. The error is like that
	// of RemoveObject.
	RemoveLogs func(ctx context.Context, t time.Time, limit int) (more bool, err error)

	cleared cleared
	told    map[string]bool // what was refused, and said so in the log
}

// ErrDenied says that the server may not remove something.
var ErrDenied = errors.New("the server may not remove it")

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
	keep := r.Artifacts
	clear := keep > 0 && r.RemoveObject != nil
	if clear {
		if r.History > 0 {
			keep = min(keep, r.History) // the history tells whose they are
		}
		err = errors.Join(err, r.clear(ctx, now.Add(-keep)))
	}
	if r.History == 0 {
		return err
	}
	t := now.Add(-r.History)
	return errors.Join(err, r.walk(ctx, t, func(old []store.OldExecution, free map[string]bool) error {
		doomed := slices.DeleteFunc(old, func(e store.OldExecution) bool {
			return !free[e.ID] || clear && !r.cleared.has(e.ID) && e.Updated.After(t.Add(-artifactsGrace))
		})
		for some := range slices.Chunk(doomed, removedAtOnce) {
			if err := r.removeHistory(ctx, some); err != nil {
				return err
			}
		}
		return nil
	}), r.versions(ctx, t))
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
	if r.denied("action logs", err) {
		return nil
	}
	return err
}

// denied reports whether the server may not remove something, and says so in the
// log once.
func (r *Retention) denied(what string, err error) bool {
	if !errors.Is(err, ErrDenied) {
		return false
	}
	if !r.told[what] {
		if r.told == nil {
			r.told = map[string]bool{}
		}
		r.told[what] = true
		r.Log.Error("retention is not permitted to remove what is too old; it goes on trying, and does not say so again", "what", what, "error", err)
	}
	return true
}

// walk goes through the executions that began before t, some at a time; free are
// those that have also ended before t and that nothing needs.
func (r *Retention) walk(ctx context.Context, t time.Time, do func(old []store.OldExecution, free map[string]bool) error) error {
	above := ""
	for {
		var old []store.OldExecution
		var free map[string]bool
		err := r.Store.View(ctx, func(v store.Reader) (err error) {
			if old, err = v.OldExecutions(t, above, retentionStep); err != nil {
				return err
			}
			free, err = unpinned(v, old, t)
			return err
		})
		if err != nil || len(old) == 0 {
			return err
		}
		above = old[len(old)-1].ID
		if err := do(old, free); err != nil {
			return err
		}
	}
}

// unpinned are those that ended before t and that nothing needs.
func unpinned(v store.Reader, old []store.OldExecution, t time.Time) (free map[string]bool, err error) {
	free = map[string]bool{}
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
			free[e.ID] = true
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

package scheduler

import (
	"context"
	"errors"
	"time"

	"penstock/internal/core/engine"
	"penstock/internal/store"
)

const (
	// artifactsGrace is how much longer the history is kept that tells of
	// artifacts which cannot be removed.
	artifactsGrace = 30 * 24 * time.Hour
	// failuresInRow end a round: the store is away.
	failuresInRow = 5
)

// cleared says which executions have no artifacts any more, so that those that
// are kept for their history are not asked for again and again: those up to an
// id, but for some. A new process begins anew.
type cleared struct {
	upTo string
	but  map[string]bool
}

func (c *cleared) has(id string) bool { return id <= c.upTo && !c.but[id] }

// clear removes the artifacts of the executions that ended before t.
func (r *Retention) clear(ctx context.Context, t time.Time) error {
	next := cleared{but: map[string]bool{}}
	denied := map[string]bool{}
	failed := 0
	err := r.walk(ctx, t, func(old []store.OldExecution, free map[string]bool) error {
		for _, e := range old {
			var err error
			switch {
			case !free[e.ID]:
				next.but[e.ID] = true
			case !r.cleared.has(e.ID):
				err = r.removeArtifactsOf(ctx, e, denied)
				if err != nil {
					next.but[e.ID] = true
				}
			}
			if next.upTo = e.ID; err == nil || errors.Is(err, ErrDenied) {
				failed = 0
				continue
			}
			if failed++; failed == failuresInRow || ctx.Err() != nil {
				return err
			}
			r.Log.Warn("artifacts could not be removed; that is tried again later", "execution", e.ID, "error", err)
		}
		return nil
	})
	if err != nil { // those behind are as they were
		for id := range r.cleared.but {
			if id > next.upTo {
				next.but[id] = true
			}
		}
		next.upTo = max(next.upTo, r.cleared.upTo)
	}
	r.cleared = next
	return err
}

// removeArtifactsOf removes the objects that the actions of an execution had for
// their outputs, but for those that a pinned execution has taken over in a
// rollback. Buckets in which the server may remove nothing are left alone for the
// round.
func (r *Retention) removeArtifactsOf(ctx context.Context, e store.OldExecution, denied map[string]bool) error {
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
	if errors.Is(err, store.ErrNotFound) { // the pipeline was deleted
		return nil
	}
	if err != nil {
		return err
	}
	for _, o := range doomed {
		if denied[o.Bucket] {
			err = ErrDenied
			continue
		}
		one := r.RemoveObject(ctx, o.Bucket, o.Key)
		denied[o.Bucket] = r.denied("artifacts in bucket "+o.Bucket, one)
		err = errors.Join(err, one)
	}
	return err
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

package scheduler

import (
	"context"
	"log/slog"
	"time"

	"penstock/internal/store"
)

// Sources looks at the source actions that poll. Changes in the embedded store
// are announced and looked at at once; all are looked at every Interval.
type Sources struct {
	Store    *store.Store
	Log      *slog.Logger
	Interval time.Duration
	// Revision returns the present revision of an object, "" when there is
	// none or it cannot be read.
	Revision func(ctx context.Context, w store.Watch) (string, error)
	// Changed starts an execution for a revision that has not been seen.
	Changed func(ctx context.Context, w store.Watch, revision string) (bool, error)

	hints chan hint
}

// hint says what may have changed: the sources of a pipeline or an object.
type hint struct {
	pipelineID  int64
	bucket, key string
}

// NewSources returns Sources that take hints before they run.
func NewSources(s Sources) *Sources {
	s.hints = make(chan hint, 1024)
	return &s
}

// PipelineChanged hints that the sources of a pipeline should be looked at.
// A hint that finds no room is dropped: the next round sees the change.
func (s *Sources) PipelineChanged(id int64) { s.hint(hint{pipelineID: id}) }

// ObjectChanged hints that an object has a new version.
func (s *Sources) ObjectChanged(bucket, key string) { s.hint(hint{bucket: bucket, key: key}) }

func (s *Sources) hint(h hint) {
	select {
	case s.hints <- h:
	default:
	}
}

// Run looks until ctx ends.
func (s *Sources) Run(ctx context.Context) {
	tick := time.NewTicker(s.Interval)
	defer tick.Stop()
	s.look(ctx, hint{})
	for {
		select {
		case <-ctx.Done():
			return
		case h := <-s.hints:
			s.look(ctx, h)
		case <-tick.C:
			s.look(ctx, hint{})
		}
	}
}

// look checks the watches that the hint concerns; an empty one concerns all.
func (s *Sources) look(ctx context.Context, h hint) {
	var watches []store.Watch
	err := s.Store.View(ctx, func(r store.Reader) (err error) {
		if h.bucket != "" {
			watches, err = r.WatchesOf(h.bucket, h.key)
		} else {
			watches, err = r.Watches()
		}
		return err
	})
	if err != nil {
		s.Log.Error("polling sources could not be read", "error", err)
		return
	}
	for _, w := range watches {
		if ctx.Err() != nil {
			return
		}
		if h.pipelineID != 0 && w.PipelineID != h.pipelineID {
			continue
		}
		revision, err := s.Revision(ctx, w)
		if err != nil {
			s.Log.Warn("source could not be polled", "pipeline", w.Name, "action", w.Action, "error", err)
			continue
		}
		if revision == "" || revision == w.Seen {
			continue
		}
		if _, err := s.Changed(ctx, w, revision); err != nil {
			s.Log.Warn("source change started no execution", "pipeline", w.Name, "action", w.Action, "error", err)
		}
	}
}

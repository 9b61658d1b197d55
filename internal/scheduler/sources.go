package scheduler

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"time"

	"penstock/internal/store"
)

// Sources looks at the source actions that poll. Changes in the embedded store
// are announced and looked at at once; all are looked at every Interval.
type Sources struct {
	Store    *store.Store
	Log      *slog.Logger
	Interval time.Duration
	// Revision returns the present revision of an object. The error is
	// *Unreadable when the pipeline's owner must do something about it.
	Revision func(ctx context.Context, w store.Watch) (string, error)
	// Changed starts an execution for a revision that has not been seen.
	Changed func(ctx context.Context, w store.Watch, revision string) (bool, error)

	hints chan hint
	*lanes
}

// lanes are the looks that go on.
type lanes struct {
	lane  chan struct{} // places of a round
	apart chan struct{} // places of sources that were slow

	mu      sync.Mutex
	busy    map[source]bool // is looked at
	slow    map[source]bool // kept a round waiting when it was looked at last
	looking sync.WaitGroup
}

// Unreadable says why a source cannot be read: a code of errorDetails and a
// sentence for people.
type Unreadable struct{ Code, Message string }

// Error implements error.
func (u *Unreadable) Error() string { return u.Code + ": " + u.Message }

const (
	lookAtOnce  = 16
	slowAtOnce  = 4
	patience    = 2 * time.Second  // that a round has with one source
	lookTimeout = 30 * time.Second // after which a look has failed
)

// source names a watch.
type source struct {
	pipelineID int64
	action     string
}

// hint says what may have changed: the sources of a pipeline or an object.
type hint struct {
	pipelineID  int64
	bucket, key string
}

// NewSources returns Sources that take hints before they run.
func NewSources(s Sources) *Sources {
	s.hints = make(chan hint, 1024)
	s.lanes = &lanes{
		lane: make(chan struct{}, lookAtOnce), apart: make(chan struct{}, slowAtOnce),
		busy: map[source]bool{}, slow: map[source]bool{},
	}
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
	defer s.looking.Wait()
	s.Round(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case h := <-s.hints:
			s.hinted(ctx, h)
		case <-tick.C:
			s.Round(ctx)
		}
	}
}

// Round looks at all sources, and then ends the polling of pipelines that had
// no execution for long.
func (s *Sources) Round(ctx context.Context) {
	all, err := s.watches(ctx, store.Reader.Watches)
	if err != nil {
		return
	}
	there := make(map[source]bool, len(all))
	for _, w := range all {
		there[source{w.PipelineID, w.Action}] = true
	}
	s.mu.Lock()
	maps.DeleteFunc(s.slow, func(k source, _ bool) bool { return !there[k] })
	s.mu.Unlock()
	s.look(ctx, all)
	s.retire(ctx, all)
}

func (s *Sources) hinted(ctx context.Context, h hint) {
	watches, err := s.watches(ctx, func(r store.Reader) ([]store.Watch, error) {
		if h.bucket != "" {
			return r.WatchesOf(h.bucket, h.key)
		}
		return r.PipelineWatches(h.pipelineID)
	})
	if err == nil {
		s.look(ctx, watches)
	}
}

func (s *Sources) watches(ctx context.Context, read func(store.Reader) ([]store.Watch, error)) (list []store.Watch, err error) {
	err = s.Store.View(ctx, func(r store.Reader) (err error) {
		list, err = read(r)
		return err
	})
	if err != nil && ctx.Err() == nil {
		s.Log.Error("polling sources could not be read", "error", err)
	}
	return list, err
}

// look looks at sources, several at a time, and returns when all are done but
// those that are slow: these go on by themselves, and from then on have places
// of their own until they answer in time again. One that is still looked at is
// left to the next round.
func (s *Sources) look(ctx context.Context, watches []store.Watch) {
	var round sync.WaitGroup
	for _, w := range watches {
		slow, free := s.take(w)
		if !free {
			continue
		}
		if slow {
			s.looking.Go(func() {
				select {
				case s.apart <- struct{}{}:
					s.one(ctx, w)
					<-s.apart
				case <-ctx.Done():
					s.release(w, true)
				}
			})
			continue
		}
		s.lane <- struct{}{}
		round.Go(func() {
			defer func() { <-s.lane }()
			done := make(chan struct{})
			s.looking.Go(func() {
				defer close(done)
				s.one(ctx, w)
			})
			late := time.NewTimer(patience)
			defer late.Stop()
			select {
			case <-done:
			case <-late.C:
			}
		})
	}
	round.Wait()
}

// take reserves a source for a look.
func (s *Sources) take(w store.Watch) (slow, free bool) {
	k := source{w.PipelineID, w.Action}
	s.mu.Lock()
	defer s.mu.Unlock()
	free = !s.busy[k]
	s.busy[k] = true
	return s.slow[k], free
}

func (s *Sources) release(w store.Watch, slow bool) {
	k := source{w.PipelineID, w.Action}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.busy, k)
	if slow {
		s.slow[k] = true
	} else {
		delete(s.slow, k)
	}
}

// one looks at a source that was taken, and gives it free.
func (s *Sources) one(ctx context.Context, w store.Watch) {
	begin := time.Now()
	defer func() { s.release(w, time.Since(begin) >= patience) }()
	limited, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	revision, err := s.Revision(limited, w)
	if ctx.Err() != nil {
		return
	}
	broken, ok := errors.AsType[*Unreadable](err)
	switch {
	case ok:
		err = s.problem(ctx, w, store.WatchProblem{Code: broken.Code, Message: broken.Message, Since: s.Store.Now()})
	case err != nil:
	case revision != w.Seen:
		if _, err := s.Changed(ctx, w, revision); err != nil {
			s.Log.Warn("source change started no execution", "pipeline", w.Name, "action", w.Action, "error", err)
		}
	default:
		err = s.problem(ctx, w, store.WatchProblem{})
	}
	if err != nil {
		s.Log.Warn("source could not be polled", "pipeline", w.Name, "action", w.Action, "error", err)
	}
}

// problem keeps what is new about a source that cannot be read, or can again.
func (s *Sources) problem(ctx context.Context, w store.Watch, p store.WatchProblem) error {
	if p.Code == w.Problem.Code && p.Message == w.Problem.Message {
		return nil
	}
	return s.Store.Update(ctx, func(tx store.Tx) error { return tx.SetWatchProblem(w, p) })
}

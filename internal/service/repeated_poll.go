package service

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"penstock/internal/api"
	"penstock/internal/core/job"
	"penstock/internal/store"
)

const (
	// maxAnswers is how many answers to polls are remembered, and answerLife for
	// how long; SDKs repeat a call within 20 s.
	maxAnswers = 4096
	answerLife = 30 * time.Second
)

// pollAnswers remembers which jobs polls were answered with. An SDK that loses
// an answer polls again by itself and calls both requests the same
// (amz-sdk-invocation-id): it is given the jobs of the lost answer, which would
// be hidden from everybody until their window ends.
type pollAnswers struct {
	mu    sync.Mutex
	given map[pollKey]pollAnswer
	order []pollKey // oldest first
}

// pollKey is one poll, however often it is sent.
type pollKey struct{ accessKey, queue, invocation string }

type pollAnswer struct {
	at   time.Time
	jobs []handedOut
}

type handedOut struct {
	id     string
	nonces job.Nonces
}

// poll hands out jobs of the queue, those of a lost answer to the same poll
// first. fresh says that nobody can have seen this hand-out yet.
func (s *Service) poll(ctx context.Context, queue string, size *int) (jobs []*job.Job, fresh bool, err error) {
	key := pollKey{caller(ctx).AccessKeyID, queue, api.InvocationID(ctx)}
	if jobs, err := s.givenBefore(ctx, key); len(jobs) > 0 || err != nil {
		return jobs, false, err
	}
	jobs, err = s.store.Poll(ctx, queue, batch(size), api.PreferWait(ctx))
	if len(jobs) > 0 && key.invocation != "" {
		s.answers.put(key, jobs, s.store.Now())
	}
	return jobs, true, err
}

// handOver is the last moment of a poll before its answer: err is what was in
// the way of it. Jobs that the caller does not get, because of an error or
// because it has gone, are other workers' at once. Once an answer was sent it
// may have arrived, whatever happened to the connection: such jobs, which a
// repeated poll returns, stay hidden until their window ends.
func (s *Service) handOver(ctx context.Context, jobs []*job.Job, fresh bool, err error) error {
	if err == nil {
		err = ctx.Err()
	}
	if err == nil || !fresh {
		return err
	}
	return errors.Join(err, s.store.Return(ctx, jobs))
}

// givenBefore returns the jobs that the poll was answered with and that nobody
// has touched since.
func (s *Service) givenBefore(ctx context.Context, key pollKey) (jobs []*job.Job, err error) {
	given := s.answers.get(key, s.store.Now())
	if len(given) == 0 {
		return nil, nil
	}
	err = s.store.View(ctx, func(r store.Reader) error {
		for _, g := range given {
			j, err := r.Job(g.id)
			if errors.Is(err, store.ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			if j.State == job.Dispatched && j.Nonces == g.nonces {
				jobs = append(jobs, j)
			}
		}
		return nil
	})
	return jobs, err
}

func (a *pollAnswers) get(key pollKey, now time.Time) []handedOut {
	a.mu.Lock()
	defer a.mu.Unlock()
	answer := a.given[key]
	if now.Sub(answer.at) > answerLife {
		return nil
	}
	return answer.jobs
}

func (a *pollAnswers) put(key pollKey, jobs []*job.Job, now time.Time) {
	given := make([]handedOut, len(jobs))
	for i, j := range jobs {
		given[i] = handedOut{j.ID, j.Nonces}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.given == nil {
		a.given = map[pollKey]pollAnswer{}
	}
	if _, again := a.given[key]; again {
		a.order = slices.DeleteFunc(a.order, func(k pollKey) bool { return k == key })
	}
	for len(a.order) > 0 && (len(a.order) >= maxAnswers || now.Sub(a.given[a.order[0]].at) > answerLife) {
		delete(a.given, a.order[0])
		a.order = a.order[1:]
	}
	a.given[key] = pollAnswer{now, given}
	a.order = append(a.order, key)
}

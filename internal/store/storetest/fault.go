package storetest

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"penstock/internal/core/job"
	"penstock/internal/store"
	"penstock/internal/trouble"
)

// When is the moment at which a call of a faulty driver fails.
type When int

// A call fails before it has an effect (an update when all of it was written and
// nothing committed), or after, so that only its answer is lost.
const (
	Never When = iota
	Before
	After
)

func (w When) String() string { return [...]string{"never", "before", "after"}[w] }

// ErrFault is what a call that was made to fail returns.
var ErrFault error = &trouble.Error{Text: "The database was made to fail.", Err: errors.New("storetest: a fault")}

// Faults is a driver that fails as a test wants it to. It is safe for concurrent
// use.
type Faults struct {
	store.Driver

	mu     sync.Mutex
	method string // whose calls count, "" = all
	skip   int    // calls before the one that fails
	when   When
	fired  string // the method that failed

	failed [3]map[string]bool // by When: methods of transactions in updates that failed
}

// Arm makes the call of the method fail that comes after skip others of it; ""
// stands for any method.
func (f *Faults) Arm(method string, skip int, when When) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.method, f.skip, f.when, f.fired = method, skip, when, ""
}

// Disarm ends the wait for the call and returns the method that has failed, ""
// if none did.
func (f *Faults) Disarm() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.when = Never
	return f.fired
}

// turn says when the call fails.
func (f *Faults) turn(method string) When {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.when == Never || f.method != "" && f.method != method {
		return Never
	}
	if f.skip > 0 {
		f.skip--
		return Never
	}
	when := f.when
	f.when, f.fired = Never, method
	return when
}

// Update implements store.Driver.
func (f *Faults) Update(ctx context.Context, fn func(store.Tx) error) error {
	var used methods
	when := f.turn("Update")
	var err error
	switch when {
	case Never:
		return f.Driver.Update(ctx, fn)
	case Before:
		err = undone(ctx, f.Driver, fn, used.note)
	case After:
		err = answerLost(f.Driver.Update(ctx, func(tx store.Tx) error { return fn(observe(tx, used.note)) }))
	}
	if errors.Is(err, ErrFault) {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.failed[when] == nil {
			f.failed[when] = map[string]bool{}
		}
		maps.Copy(f.failed[when], used.seen)
	}
	return err
}

// Failed are the methods of transactions that were used in updates which failed
// at that moment.
func (f *Faults) Failed(when When) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Sorted(maps.Keys(f.failed[when]))
}

// methods are names that are noted.
type methods struct {
	mu   sync.Mutex
	seen map[string]bool
}

func (m *methods) note(method string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.seen == nil {
		m.seen = map[string]bool{}
	}
	m.seen[method] = true
}

// lacks are the methods of the interface that were not noted.
func (m *methods) lacks(of reflect.Type) (names []string) {
	for method := range of.Methods() {
		if !m.seen[method.Name] {
			names = append(names, method.Name)
		}
	}
	return names
}

// undone runs an update that fails when everything is written.
func undone(ctx context.Context, d store.Driver, fn func(store.Tx) error, note func(method string)) error {
	return d.Update(ctx, func(tx store.Tx) error {
		if err := fn(observe(tx, note)); err != nil {
			return err
		}
		return ErrFault
	})
}

func answerLost(err error) error {
	if err != nil {
		return err
	}
	return ErrFault
}

// View implements store.Driver.
func (f *Faults) View(ctx context.Context, fn func(store.Reader) error) error {
	if f.turn("View") != Never {
		return ErrFault
	}
	return f.Driver.View(ctx, fn)
}

// Claim implements store.Driver.
func (f *Faults) Claim(ctx context.Context, queue string, max int, now time.Time, window time.Duration) ([]*job.Job, error) {
	when := f.turn("Claim")
	if when == Before {
		return nil, ErrFault
	}
	jobs, err := f.Driver.Claim(ctx, queue, max, now, window)
	if when == After {
		return nil, answerLost(err)
	}
	return jobs, err
}

// GiveBack implements store.Driver.
func (f *Faults) GiveBack(ctx context.Context, jobs []*job.Job) error {
	when := f.turn("GiveBack")
	if when == Before {
		return ErrFault
	}
	err := f.Driver.GiveBack(ctx, jobs)
	if when == After {
		return answerLost(err)
	}
	return err
}

// Await implements store.Driver.
func (f *Faults) Await(ctx context.Context, queue string) error {
	if f.turn("Await") != Never {
		return ErrFault
	}
	return f.Driver.Await(ctx, queue)
}

// IssueNonce implements store.Driver.
func (f *Faults) IssueNonce(ctx context.Context, jobID string) (string, error) {
	when := f.turn("IssueNonce")
	if when == Before {
		return "", ErrFault
	}
	nonce, err := f.Driver.IssueNonce(ctx, jobID)
	if when == After {
		return "", answerLost(err)
	}
	return nonce, err
}

// AwaitOutbox implements store.Driver.
func (f *Faults) AwaitOutbox(ctx context.Context, after int64) error {
	if f.turn("AwaitOutbox") != Never {
		return ErrFault
	}
	return f.Driver.AwaitOutbox(ctx, after)
}

// Nodes implements store.Driver.
func (f *Faults) Nodes(ctx context.Context) ([]store.Node, error) {
	if f.turn("Nodes") != Never {
		return nil, ErrFault
	}
	return f.Driver.Nodes(ctx)
}

// Waiting implements store.Driver.
func (f *Faults) Waiting(ctx context.Context) (map[job.Kind]store.Waiting, error) {
	if f.turn("Waiting") != Never {
		return nil, ErrFault
	}
	return f.Driver.Waiting(ctx)
}

// twice is a driver whose updates all fail once before their commit, and are
// then made. It notes what was used of them.
type twice struct {
	store.Driver
	used *methods
}

// Update implements store.Driver.
func (d twice) Update(ctx context.Context, fn func(store.Tx) error) error {
	if err := undone(ctx, d.Driver, fn, d.used.note); !errors.Is(err, ErrFault) {
		return err
	}
	return d.Driver.Update(ctx, fn)
}

// View implements store.Driver.
func (d twice) View(ctx context.Context, fn func(store.Reader) error) error {
	return d.Driver.View(ctx, func(r store.Reader) error { return fn(watchedReader{r, d.used.note}) })
}

// RunFaults runs the suite with every update failing once, after everything in
// it was written and before it is committed. Whatever method it used, and
// whatever the driver keeps in memory: nothing of it may remain. There is no
// method of a transaction that the suite does not use.
func RunFaults(t *testing.T, open Open) {
	var used methods
	all := run(t, func(t *testing.T) (store.Driver, func() store.Driver) {
		d, reopen := open(t)
		return twice{d, &used}, func() store.Driver { return twice{reopen(), &used} }
	}, "work is counted") // and it counts what fails, too
	t.Cleanup(func() { // when the tests have ended
		if lacks := used.lacks(reflect.TypeFor[store.Tx]()); len(lacks) > 0 && all() && !t.Failed() {
			t.Errorf("the suite does not use %q", lacks)
		}
	})
}

package storetest

import (
	"context"
	"errors"
	"time"

	"penstock/internal/core/job"
	"penstock/internal/store"
)

func (f *fixture) giveBack(jobs ...*job.Job) {
	f.Helper()
	if err := f.d.GiveBack(f.Context(), jobs); err != nil {
		f.Fatalf("GiveBack: %v", err)
	}
}

// givenBack has jobs come back that were handed out to nobody: at once, at their
// old places, and to those who wait.
func givenBack(f *fixture) {
	for _, name := range []string{"a", "b", "c"} {
		f.startExecution(f.pipeline(name))
	}
	first := f.claim(sourceLine, 2)
	f.equal("jobs", len(first), 2)
	f.giveBack(first...)
	f.equal("state of one that was given back", f.job(first[0].ID).State, job.Queued)
	again := f.claim(sourceLine, 3)
	f.equal("jobs", len(again), 3)
	for i, j := range first {
		f.equal("order", again[i].ID, j.ID)
		if nonce(f, again[i]) <= nonce(f, j) {
			f.Errorf("nonces %d, %d do not grow", nonce(f, j), nonce(f, again[i]))
		}
		_, err := f.acknowledge(j.ID, j.Nonces.String())
		invalidNonce(f, "the nonce that reached nobody", err)
		f.mustAcknowledge(again[i])
	}

	ctx, cancel := context.WithTimeout(f.Context(), patience)
	defer cancel()
	f.equal("jobs while all are hidden", len(f.claim(sourceLine, 1)), 0)
	woken := f.waiters(ctx, 1)
	f.giveBack(again[2])
	if err := <-woken; err != nil {
		f.Errorf("Await: %v", err)
	}
	f.equal("job", f.claimOne(sourceLine).ID, again[2].ID)
}

// givenBackLate gives jobs back that somebody has in hand, or had.
func givenBackLate(f *fixture) {
	p := f.pipeline("p")
	f.startExecution(p)
	first := f.claimOne(sourceLine)
	f.advance(window)
	second := f.claimOne(sourceLine)
	f.giveBack(first)
	f.equal("jobs while another has it", len(f.claim(sourceLine, 1)), 0)
	f.equal("state", f.job(first.ID).State, job.Dispatched)
	f.mustAcknowledge(second)
	f.giveBack(second)
	f.equal("acknowledged jobs", len(f.claim(sourceLine, 1)), 0)
	f.equal("state", f.job(first.ID).State, job.InProgress)
	f.succeed(second.ID, "")
	f.giveBack(second)
	f.equal("ended jobs", len(f.claim(sourceLine, 1)), 0)

	// A partner has asked for the nonce: it knows of the job.
	third := f.claimOne(buildLine)
	if _, err := f.d.IssueNonce(f.Context(), third.ID); err != nil {
		f.Fatal(err)
	}
	f.giveBack(third)
	f.equal("jobs of which somebody has a nonce", len(f.claim(buildLine, 1)), 0)

	f.update(func(tx store.Tx) error { return tx.DeletePipeline(p) })
	f.giveBack(third)
	f.giveBack()
}

// leaving is a driver whose caller goes during a claim.
type leaving struct {
	store.Driver
	leave func()
}

// Claim implements store.Driver.
func (d leaving) Claim(ctx context.Context, queue string, max int, now time.Time, window time.Duration) ([]*job.Job, error) {
	jobs, err := d.Driver.Claim(ctx, queue, max, now, window)
	d.leave()
	return jobs, err
}

// callerGoes has a poll lose its caller when it has found a job.
func callerGoes(f *fixture) {
	f.startExecution(f.pipeline("p"))
	ctx, cancel := context.WithCancel(f.Context())
	s := store.New(leaving{f.d, cancel}, store.Options{Now: f.now, AckWindow: window})
	if jobs, err := s.Poll(ctx, sourceLine, 1, 0); len(jobs) > 0 || !errors.Is(err, context.Canceled) {
		f.Errorf("a poll without a caller: %v, %v", jobs, err)
	}
	f.claimOne(sourceLine)
}

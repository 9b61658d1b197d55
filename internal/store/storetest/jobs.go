package storetest

import (
	"errors"
	"strconv"
	"strings"
	"sync"
	"time"

	"penstock/internal/core/engine"
	"penstock/internal/core/fault"
	"penstock/internal/core/job"
	"penstock/internal/core/pipeline"
	"penstock/internal/store"
)

func claimOrder(f *fixture) {
	var want []string
	for i := range 5 {
		f.startExecution(f.pipeline(strconv.Itoa(i)))
		f.advance(time.Millisecond)
	}
	for _, j := range f.claim(sourceLine, 3) {
		want = append(want, j.Pipeline)
	}
	f.equal("first claim", want, []string{"0", "1", "2"})
	want = nil
	for _, j := range f.claim(sourceLine, 3) {
		want = append(want, j.Pipeline)
	}
	f.equal("second claim", want, []string{"3", "4"})
	f.advance(window + time.Second)
	f.startExecution(f.pipeline("young"))
	f.equal("a job that comes back stands at its old place", f.claim(sourceLine, 1)[0].Pipeline, "0")
}

// claimExclusive lets many workers poll at once; each job must reach one.
func claimExclusive(f *fixture) {
	const jobs, workers = 60, 12
	for i := range jobs {
		f.startExecution(f.pipeline("p" + strconv.Itoa(i)))
	}
	var mu sync.Mutex
	seen := map[string]int{}
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for {
				got, err := f.d.Claim(f.Context(), sourceLine, 1+w%3, f.now(), window)
				if err != nil {
					f.Errorf("Claim: %v", err)
					return
				}
				if len(got) == 0 {
					return
				}
				mu.Lock()
				for _, j := range got {
					seen[j.ID]++
				}
				mu.Unlock()
				for _, j := range got {
					if _, err := f.acknowledge(j.ID, j.Nonces.String()); err != nil {
						f.Errorf("acknowledge: %v", err)
					}
				}
			}
		})
	}
	wg.Wait()
	f.equal("jobs handed out", len(seen), jobs)
	for id, n := range seen {
		if n != 1 {
			f.Errorf("job %s was handed out %d times", id, n)
		}
	}
	f.advance(window + time.Second)
	f.equal("jobs after the window", len(f.claim(sourceLine, jobs)), 0)
}

func nonce(f *fixture, j *job.Job) int64 {
	f.Helper()
	n, err := strconv.ParseInt(j.Nonces.String(), 10, 64)
	if err != nil {
		f.Fatal(err)
	}
	return n
}

func invalidNonce(f *fixture, what string, err error) {
	f.Helper()
	if e := new(fault.Error); !errors.As(err, &e) || e.Code != "InvalidNonceException" {
		f.Errorf("%s: %v, want InvalidNonceException", what, err)
	}
}

func claimWindow(f *fixture) {
	f.startExecution(f.pipeline("p"))
	first := f.claimOne(sourceLine)
	f.equal("state while hidden", f.job(first.ID).State, job.Dispatched)
	f.equal("nonce while hidden", f.job(first.ID).Nonces.String(), first.Nonces.String())
	f.advance(window - time.Millisecond)
	f.equal("jobs within the window", len(f.claim(sourceLine, 1)), 0)
	f.advance(time.Millisecond)
	second := f.claimOne(sourceLine)
	f.equal("job", second.ID, first.ID)
	if nonce(f, second) <= nonce(f, first) {
		f.Errorf("nonces %d, %d do not grow", nonce(f, first), nonce(f, second))
	}
}

// lateAcknowledgement comes after the window, but before anybody else got the
// job.
func lateAcknowledgement(f *fixture) {
	f.startExecution(f.pipeline("p"))
	j := f.claimOne(sourceLine)
	f.advance(window + time.Hour)
	f.mustAcknowledge(j)
	f.mustAcknowledge(j) // again
	f.equal("jobs", len(f.claim(sourceLine, 1)), 0)
	_, err := f.acknowledge(j.ID, "999")
	invalidNonce(f, "a nonce never issued", err)
}

func overtaken(f *fixture) {
	f.startExecution(f.pipeline("p"))
	slow := f.claimOne(sourceLine)
	f.advance(window)
	quick := f.claimOne(sourceLine)
	_, err := f.acknowledge(slow.ID, slow.Nonces.String())
	invalidNonce(f, "the overtaken worker", err)
	f.mustAcknowledge(quick)
	_, err = f.acknowledge(slow.ID, slow.Nonces.String())
	invalidNonce(f, "the overtaken worker, later", err)
}

// noncesAcrossReopen checks that a restart, which may forget who holds a job,
// neither voids a nonce nor issues one twice.
func noncesAcrossReopen(f *fixture) {
	f.startExecution(f.pipeline("p"))
	before := f.claimOne(sourceLine)
	f.reopen()
	f.mustAcknowledge(before)

	f.startExecution(f.pipeline("q"))
	slow := f.claimOne(sourceLine)
	f.reopen()
	f.advance(window) // a driver need not forget
	quick := f.claimOne(sourceLine)
	f.equal("job", quick.ID, slow.ID)
	if nonce(f, quick) <= nonce(f, slow) {
		f.Errorf("nonces %d, %d do not grow", nonce(f, slow), nonce(f, quick))
	}
	_, err := f.acknowledge(slow.ID, slow.Nonces.String())
	invalidNonce(f, "the worker of before the restart", err)
	f.mustAcknowledge(quick)
}

func acknowledgedAcrossReopen(f *fixture) {
	f.startExecution(f.pipeline("p"))
	j := f.claimOne(sourceLine)
	f.mustAcknowledge(j)
	f.reopen()
	f.advance(window + time.Second)
	f.equal("jobs", len(f.claim(sourceLine, 1)), 0)
	f.mustAcknowledge(j) // a repeat
	f.succeed(j.ID, "")
}

func issueNonce(f *fixture) {
	f.startExecution(f.pipeline("p"))
	j := f.claimOne(sourceLine)
	more, err := f.d.IssueNonce(f.Context(), j.ID)
	if err != nil {
		f.Fatal(err)
	}
	if more == j.Nonces.String() {
		f.Error("the nonce is not a new one")
	}
	f.mustAcknowledge(j) // the first is as good
	_, err = f.acknowledge(j.ID, more)
	invalidNonce(f, "the nonce that lost", err)
	got, err := f.d.IssueNonce(f.Context(), j.ID)
	if err != nil || got != j.Nonces.String() {
		f.Errorf("nonce after the acknowledgement: %s, %v", got, err)
	}
	f.succeed(j.ID, "")
	for _, id := range []string{j.ID, "none"} {
		if _, err := f.d.IssueNonce(f.Context(), id); !errors.Is(err, store.ErrNotFound) {
			f.Errorf("IssueNonce of %s: %v", id, err)
		}
	}
}

// bigJob has more data than a driver may want to keep in memory.
func bigJob(f *fixture) {
	d := declaration("p", 2)
	d.Stages[0].Actions[0].Configuration["Repo"] = strings.Repeat("long ", 4000)
	p := f.pipeline("p")
	f.update(func(tx store.Tx) error { return tx.PutVersion(p, d, f.now()) })
	f.startExecution(p)
	j := f.claimOne(sourceLine)
	f.equal("configuration", j.Data.Configuration, d.Stages[0].Actions[0].Configuration)
	f.equal("state", j.State, job.Dispatched)
	f.mustAcknowledge(j)
	f.succeed(j.ID, "")
	f.claimOne(buildLine)
}

// jobTimeLimit arms a timer at the acknowledgement and disarms it at the
// report.
func jobTimeLimit(f *fixture) {
	p := f.pipeline("p")
	f.update(func(tx store.Tx) error {
		t := customType(sourceType)
		t.JobTimeout = time.Hour
		return tx.PutActionType(store.ActionType{Account: account, Region: region, Type: t, Created: f.now()})
	})
	f.startExecution(p)
	j := f.claimOne(sourceLine)
	f.mustAcknowledge(j)
	next := read(f, func(r store.Reader) (time.Time, error) { return r.NextTimer() })
	f.equal("next timer", next, f.now().Add(time.Hour))
	due := read(f, func(r store.Reader) ([]store.DueTimer, error) { return r.Due(next, 10) })
	f.equal("due", due, []store.DueTimer{{PipelineID: p, Timer: engine.Timer{At: next, Kind: engine.JobDeadline, ID: j.ID, Execution: j.ExecutionID}}})
	f.succeed(j.ID, "")
	due = read(f, func(r store.Reader) ([]store.DueTimer, error) { return r.Due(next, 10) })
	f.equal("due after the report", len(due), 0)
}

// purgeJobs removes only jobs that ended long ago.
func purgeJobs(f *fixture) {
	p, q := f.pipeline("p"), f.pipeline("q")
	f.startExecution(p)
	f.startExecution(q)
	jobs := f.claim(sourceLine, 2)
	for _, j := range jobs {
		f.mustAcknowledge(j)
	}
	f.advance(job.Retention)
	f.succeed(jobs[0].ID, "")
	purge := func() {
		for more := true; more; {
			f.update(func(tx store.Tx) (err error) {
				more, err = tx.Purge(f.now(), 1)
				return err
			})
		}
	}
	f.advance(job.Retention)
	purge()
	f.equal("a job at the end of its retention", f.job(jobs[0].ID).State, job.Succeeded)
	f.advance(time.Millisecond)
	purge()
	f.view(func(r store.Reader) error {
		if _, err := r.Job(jobs[0].ID); !errors.Is(err, store.ErrNotFound) {
			f.Errorf("the old job: %v", err)
		}
		return nil
	})
	f.equal("a job in progress", f.job(jobs[1].ID).State, job.InProgress)
	f.claimOne(job.Queue(job.Custom, account, region, pipeline.ActionType(buildType), ""))
}

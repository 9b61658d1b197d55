package e2e

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"penstock/e2e/joblife"
	"penstock/jobworker"
)

// fleet are the workers of TestLoad and what they saw.
type fleet struct {
	*site
	late    bool // what a lost call set going may go on
	history *joblife.History
	calls   jobworker.Caller
	orphans chan hand   // jobs whose worker died after its acknowledgement
	tired   atomic.Bool // nobody dies any more

	progress chan struct{} // something was answered

	mu      sync.Mutex
	results map[string]ending // action execution → how it was reported to end
	started map[string]string // execution → pipeline
	actions map[string]string // job → action execution
	stops   []stopped
}

// stopped is an execution that was stopped.
type stopped struct {
	pipeline, execution string
	call                joblife.Call
}

// hand is a job in a worker's hands.
type hand struct {
	id, nonce, token string // token is that of a partner's client
	action           string // action execution
	continued        bool   // the job goes on from an earlier one
	worker           int
}

func (h hand) partner() bool { return h.token != "" }

// rest pauses up to d.
func (f *fleet) rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(rand.N(d))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// until waits until so many calls about jobs were made.
func (f *fleet) until(ctx context.Context, calls int) {
	f.t.Helper()
	for n := 0; n < calls; n, _ = f.history.Calls() {
		select {
		case <-ctx.Done():
			f.t.Fatalf("%d calls about jobs, want %d", n, calls)
		case <-f.progress:
		}
	}
}

// chance is true once in n times, while workers may still die.
func (f *fleet) chance(n int) bool { return !f.tired.Load() && rand.IntN(n) == 0 }

// try makes a call and enters it. The answer is lost when the server did not
// give one.
func (f *fleet) try(ctx context.Context, c joblife.Call, operation string, in, out any) joblife.Call {
	from := f.history.Now()
	err := f.calls.Call(ctx, operation, in, out)
	if e, ok := errors.AsType[*jobworker.Error](err); ok && e.Code != "" && e.Status < 500 && !f.mistimed(err) {
		c.Answer.Code = e.Code
	} else if err != nil {
		c.Answer.Lost, c.Answer.Late = true, f.late
	}
	switch out := out.(type) {
	case *struct{ Status string }:
		c.Answer.Status = out.Status
	case *thirdPartyDetails:
		c.Answer.Nonce = out.JobDetails.Nonce
	}
	f.history.Add(c, from)
	select {
	case f.progress <- struct{}{}:
	default:
	}
	return c
}

type thirdPartyDetails struct {
	JobDetails struct {
		Nonce string
		Data  struct {
			ContinuationToken string
			PipelineContext   struct {
				Action struct{ ActionExecutionID string }
			}
		}
	}
}

// surely makes a call about no job until it is answered.
func (f *fleet) surely(ctx context.Context, operation string, in, out any) bool {
	for ctx.Err() == nil {
		err := f.calls.Call(ctx, operation, in, out)
		if err == nil {
			return true
		}
		if e, ok := errors.AsType[*jobworker.Error](err); ok && e.Code != "" && e.Status < 500 && !f.mistimed(err) {
			f.t.Errorf("%s: %v", operation, err)
			return false
		}
		f.rest(ctx, 20*time.Millisecond)
	}
	return false
}

// custom is a worker of a custom action type.
func (f *fleet) custom(ctx context.Context, kind, worker int) {
	category, provider := "Build", "Load"+strconv.Itoa(kind)
	if kind < loadTypes/2 {
		category = "Source"
	}
	client := jobworker.NewClient(f.calls, kitType(category, "Custom", provider), nil)
	for ctx.Err() == nil {
		from := f.history.Now()
		jobs, err := client.Poll(ctx, 1+rand.IntN(3), rand.N(time.Second))
		if err != nil {
			f.history.LostPoll(provider, false, f.late, worker, from)
			f.rest(ctx, 40*time.Millisecond)
			continue
		}
		out := map[string]string{}
		for _, j := range jobs {
			out[j.ID] = j.Nonce
		}
		f.history.Polled(provider, false, worker, from, out)
		for _, j := range jobs {
			f.work(ctx, hand{id: j.ID, nonce: j.Nonce, action: j.Context.ActionExecutionID, continued: j.ContinuationToken != "", worker: worker})
		}
		f.rest(ctx, 20*time.Millisecond)
	}
}

// partner is a worker of a partner action type.
func (f *fleet) partner(ctx context.Context, kind, worker int, token string) {
	provider := "Partner" + strconv.Itoa(kind)
	for ctx.Err() == nil {
		var polled struct {
			Jobs []struct{ ClientID, JobID string }
		}
		from := f.history.Now()
		err := f.calls.Call(ctx, "PollForThirdPartyJobs", object{"maxBatchSize": 1 + rand.IntN(3),
			"actionTypeId": object{"category": "Test", "owner": "ThirdParty", "provider": provider, "version": "1"}}, &polled)
		if err != nil {
			f.history.LostPoll(provider, true, f.late, worker, from)
			f.rest(ctx, 40*time.Millisecond)
			continue
		}
		out := map[string]string{}
		for _, j := range polled.Jobs {
			out[j.JobID] = ""
		}
		f.history.Polled(provider, true, worker, from, out)
		for _, j := range polled.Jobs {
			var details thirdPartyDetails
			c := f.try(ctx, joblife.Call{Kind: joblife.Details, Job: j.JobID, Partner: true, Client: worker}, "GetThirdPartyJobDetails",
				object{"jobId": j.JobID, "clientToken": token}, &details)
			if c.Answer.Lost || c.Answer.Code != "" || c.Answer.Nonce == "" {
				continue
			}
			data := details.JobDetails.Data
			f.work(ctx, hand{id: j.JobID, nonce: details.JobDetails.Nonce, token: token, action: data.PipelineContext.Action.ActionExecutionID,
				continued: data.ContinuationToken != "", worker: worker})
		}
		f.rest(ctx, 60*time.Millisecond)
	}
}

// work does what a worker does with a job, if it does not die.
func (f *fleet) work(ctx context.Context, j hand) {
	f.mu.Lock()
	f.actions[j.id] = j.action
	f.mu.Unlock()
	if f.chance(40) {
		return // dead before the acknowledgement
	}
	if f.chance(200) { // so slow that another has it meanwhile
		f.rest(ctx, loadWindow+5*time.Second)
	}
	f.rest(ctx, 10*time.Millisecond)
	c := f.acknowledge(ctx, j)
	for c.Answer.Lost && ctx.Err() == nil && rand.IntN(4) > 0 { // as an SDK tries again
		f.rest(ctx, 40*time.Millisecond)
		c = f.acknowledge(ctx, j)
	}
	switch {
	case c.Answer.Lost, c.Answer.Code == "" && f.chance(40):
		f.orphans <- j // dead after the acknowledgement, perhaps
	case c.Answer.Code == "" && c.Answer.Status == joblife.InProgress:
		f.rest(ctx, 20*time.Millisecond)
		f.report(ctx, j)
	}
}

func (f *fleet) acknowledge(ctx context.Context, j hand) joblife.Call {
	operation, in := "AcknowledgeJob", object{"jobId": j.id, "nonce": j.nonce}
	if j.partner() {
		operation, in["clientToken"] = "AcknowledgeThirdPartyJob", j.token
	}
	var out struct{ Status string }
	return f.try(ctx, joblife.Call{Kind: joblife.Acknowledge, Job: j.id, Partner: j.partner(), Nonce: j.nonce, Client: j.worker}, operation, in, &out)
}

// undertaker reports late about the jobs of workers that have died.
func (f *fleet) undertaker(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case j := <-f.orphans:
			f.rest(ctx, 100*time.Millisecond)
			if c := f.acknowledge(ctx, j); c.Answer.Lost { // has it been taken at all?
				f.orphans <- j
				continue
			} else if c.Answer.Code != "" || c.Answer.Status != joblife.InProgress {
				continue
			}
			f.report(ctx, j)
		}
	}
}

// report reports until there is an answer; some say it twice, some contradict
// themselves, some end in a later job.
func (f *fleet) report(ctx context.Context, j hand) {
	id := object{"jobId": j.id}
	if j.partner() {
		id["clientToken"] = j.token
	}
	success := object{"executionDetails": object{"summary": "done", "externalExecutionId": j.id}}
	failure := object{"failureDetails": object{"type": "JobFailed", "message": "by chance", "externalExecutionId": j.id}}
	more := object{"continuationToken": "more of " + j.id}
	first, ends, last := success, joblife.Succeeded, &ending{"Succeeded", j.id}
	switch {
	case rand.IntN(25) == 0:
		first, ends, last = failure, joblife.Failed, &ending{"Failed", j.id}
	case !j.continued && rand.IntN(3) == 0:
		first, last = more, nil
	}
	c := f.put(ctx, j, id, first, ends)
	for c.Answer.Lost && ctx.Err() == nil {
		f.rest(ctx, 40*time.Millisecond)
		c = f.put(ctx, j, id, first, ends)
	}
	if c.Answer.Code == "" && !c.Answer.Lost && last != nil {
		f.mu.Lock()
		f.results[j.action] = *last
		f.mu.Unlock()
	}
	// A repeat counts as one for some minutes: the clock of a server alone may
	// jump over them.
	if rand.IntN(10) == 0 && (f.clock == nil || f.database != nil) {
		f.put(ctx, j, id, first, ends)
	}
	if rand.IntN(15) == 0 {
		f.put(ctx, j, id, object{"failureDetails": object{"type": "JobFailed", "message": "on second thoughts"}}, joblife.Failed)
	}
}

func (f *fleet) put(ctx context.Context, j hand, id, content object, ends string) joblife.Call {
	operation, in := "Job", object{}
	if j.partner() {
		operation = "ThirdPartyJob"
	}
	if ends == joblife.Failed {
		operation = "Put" + operation + "FailureResult"
	} else {
		operation = "Put" + operation + "SuccessResult"
	}
	for _, part := range []object{id, content} {
		for k, v := range part {
			in[k] = v
		}
	}
	return f.try(ctx, joblife.Call{Kind: joblife.Report, Job: j.id, Partner: j.partner(), Report: asJSON(content), Ends: ends, Client: j.worker}, operation, in, nil)
}

package engine

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"penstock/internal/core/job"
	"penstock/internal/core/pipeline"
)

// The commands of a world: what callers, job workers and the clock do.

// declare puts the declaration into force; for all but the first it is
// UpdatePipeline.
func (w *world) declare(d *pipeline.Declaration) error {
	w.current++
	d.Name, d.Version = w.pipeline.Name, w.current
	w.decls[w.current] = d
	w.saved[strconv.Itoa(w.current)] = dump(d)
	if w.current == 1 {
		return nil
	}
	_, err := w.do(Updated{})
	return err
}

func (w *world) start(variables ...Variable) (string, error) {
	return w.do(Start{Trigger: Trigger{"StartPipelineExecution", "arn:aws:iam::000000000000:user/ana"}, Variables: variables})
}

// hand gives the job to a worker and returns the nonce.
func (w *world) hand(j *job.Job) string {
	w.setJob(j, job.Dispatched)
	return j.Nonces.HandOut()
}

// lapse ends the acknowledgement window.
func (w *world) lapse(j *job.Job) { w.setJob(j, job.Queued) }

// acknowledge presents the newest nonce.
func (w *world) acknowledge(j *job.Job) error {
	from := j.State
	s, err := j.Take(j.Nonces.String(), w.now)
	if err != nil {
		return err
	}
	if j.LetGo() {
		return nil
	}
	if s != from {
		w.observe("job", string(from), string(s))
		if j.Timeout > 0 {
			w.arm(JobTimer(j))
		}
	}
	return nil
}

// take brings the job into a worker's hands.
func (w *world) take(j *job.Job) error {
	if j.State == job.Queued {
		w.hand(j)
	}
	if j.State == job.Dispatched {
		return w.acknowledge(j)
	}
	return nil
}

// report answers a report as the service does.
func (w *world) report(j *job.Job, digest string, ev Event) error {
	repeat, err := j.CheckReport(digest, w.now)
	if err != nil || repeat {
		return err
	}
	_, err = w.do(ev)
	return err
}

func (w *world) succeed(j *job.Job, outputs map[string]string, rev *Revision) error {
	own := *j
	return w.report(j, "success", JobSucceeded{Job: &own, Digest: "success", Outputs: outputs, Revision: rev})
}

func (w *world) carryOn(j *job.Job, token string, details Details) error {
	own := *j
	return w.report(j, "go on: "+token, JobSucceeded{Job: &own, Digest: "go on: " + token, ContinuationToken: token, Details: details})
}

func (w *world) fail(j *job.Job, code, message string) error {
	own := *j
	return w.report(j, "failure", JobFailed{Job: &own, Digest: "failure", Type: code, Message: message})
}

// pass lets time go by and fires what becomes due.
func (w *world) pass(d time.Duration) error {
	end := w.now.Add(d)
	for {
		t, ok := w.nextTimer()
		if !ok || t.At.After(end) {
			w.now = end
			return nil
		}
		if t.At.After(w.now) {
			w.now = t.At
		}
		if err := w.fire(t); err != nil {
			return err
		}
	}
}

func (w *world) fire(t Timer) error {
	_, err := w.do(TimerFired{t})
	if w.timers[t] && !t.At.After(w.now) {
		w.complain("the timer %+v fired and is still set", t)
		delete(w.timers, t)
	}
	return err
}

func (w *world) nextTimer() (next Timer, ok bool) {
	for t := range w.timers {
		if !ok || compareTimers(t, next) < 0 {
			next, ok = t, true
		}
	}
	return next, ok
}

func compareTimers(a, b Timer) int {
	return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID))
}

// openJobs lists the jobs that have not ended, oldest first.
func (w *world) openJobs() []*job.Job {
	return w.jobsWhere(func(j *job.Job) bool { return !j.State.Terminal() })
}

func (w *world) jobsWhere(keep func(*job.Job) bool) []*job.Job {
	var out []*job.Job
	for _, j := range w.jobs {
		if keep(j) {
			out = append(out, j)
		}
	}
	slices.SortFunc(out, func(a, b *job.Job) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// request is an open approval.
type request struct{ execution, stage, action, token string }

func (w *world) openApprovals() []request {
	var out []request
	for _, id := range w.state.Live {
		for _, run := range w.execs[id].Runs {
			for _, a := range run.Actions {
				if a.Approval && a.Status == InProgress {
					out = append(out, request{id, run.Stage, a.Name, a.ID})
				}
			}
		}
	}
	return out
}

func (w *world) answer(r request, approve bool, summary string) error {
	_, err := w.do(AnswerApproval{
		Stage: r.stage, Action: r.action, Token: r.token, Approve: approve, Summary: summary,
		By: "arn:aws:iam::000000000000:user/bo", Execution: r.execution,
	})
	return err
}

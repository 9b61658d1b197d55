package engine

import (
	"testing"

	"penstock/internal/core/job"
)

const (
	oneStage = "SUPERSEDED\nS: X=custom"
	guarded  = "SUPERSEDED\nS entry=FAIL(lambda): X=custom"
)

// story begins with a pipeline and ends with a picture of its executions.
type story struct {
	name, pipeline string
	tell           func(p *play)
	end            string
}

// stories take, all together, every transition of the table.
var stories = append([]story{
	{"succeeds", "SUPERSEDED\nS: X=custom\nT: Y=custom", func(p *play) {
		p.starts(1)
		p.done("E1", "X")
		p.done("E1", "Y")
	}, "E1 Succeeded at T Succeeded: Y Succeeded"},
	{"fails, is retried", oneStage, func(p *play) {
		p.starts(1)
		p.fails("E1", "X")
		p.ok(p.retries("E1", "S", false))
	}, "E1 InProgress in S InProgress: X InProgress"},
	{"superseded", oneStage, func(p *play) { p.starts(3) },
		"E1 InProgress in S InProgress: X InProgress\nE2 Superseded before S\nE3 InProgress before S"},
	{"stopped, is retried", oneStage, func(p *play) {
		p.starts(1)
		p.ok(p.stops("E1", false, ""))
		p.done("E1", "X")
		p.ok(p.retries("E1", "S", true))
	}, "E1 InProgress in S InProgress: X InProgress"},
	{"updated", oneStage, func(p *play) {
		p.starts(1)
		p.ok(p.declare(parse(oneStage)))
		p.done("E1", "X")
	}, "E1 Cancelled at S Cancelled: X Succeeded"},

	{"entered", guarded, func(p *play) {
		p.starts(1)
		p.done("E1", "lambda")
	}, "E1 InProgress in S InProgress: X InProgress entry Succeeded"},
	{"not entered", guarded, func(p *play) {
		p.starts(1)
		p.fails("E1", "lambda")
	}, "E1 Failed at S Failed: entry Failed"},
	{"skipped", "SUPERSEDED\nS entry=SKIP(no): X=custom", func(p *play) { p.starts(1) },
		"E1 Succeeded at S Skipped: entry Failed"},
	{"overridden while its rules run", guarded, func(p *play) {
		p.starts(1)
		p.ok(p.overrides("E1", "S", BeforeEntry))
	}, "E1 InProgress in S InProgress: X InProgress entry Overridden"},
	{"overridden after the verdict", guarded, func(p *play) {
		p.starts(1)
		p.fails("E1", "lambda")
		p.ok(p.overrides("E1", "S", BeforeEntry))
	}, "E1 InProgress in S InProgress: X InProgress entry Overridden"},
	{"overridden without a verdict", "SUPERSEDED\nS entry=FAIL(norule): X=custom", func(p *play) {
		p.starts(1)
		p.see("E1 Failed at S Failed: entry Errored")
		p.ok(p.overrides("E1", "S", BeforeEntry))
	}, "E1 InProgress in S InProgress: X InProgress entry Overridden"},
	{"abandoned before it enters", guarded, func(p *play) {
		p.starts(1)
		p.ok(p.stops("E1", true, ""))
	}, "E1 Stopped at S Stopped: entry Abandoned"},
	{"updated before it enters", guarded, func(p *play) {
		p.starts(1)
		p.ok(p.declare(parse(guarded)))
	}, "E1 Cancelled at S Cancelled: entry Cancelled"},

	{"a job acknowledged late", oneStage, func(p *play) {
		p.starts(1)
		p.in(job.Dispatched)
		p.lapse(p.job("E1", "X"))
		p.ok(p.acknowledge(p.job("E1", "X")))
	}, "E1 InProgress in S InProgress: X InProgress"},
	{"a job continued", oneStage, func(p *play) {
		p.starts(1)
		p.in(job.Created)
		p.ok(p.pass(p.delay))
		p.done("E1", "X")
	}, "E1 Succeeded at S Succeeded: X Succeeded"},
	{"a function", "SUPERSEDED\nS: X=push", func(p *play) {
		p.starts(1)
		p.ok(p.carryOn(p.job("E1", "X"), "later", Details{}))
		p.ok(p.pass(p.delay))
		p.done("E1", "X")
	}, "E1 Succeeded at S Succeeded: X Succeeded"},
	{"a job not reported in its time", "SUPERSEDED\nS: X=partner", func(p *play) {
		p.starts(1)
		p.in(job.InProgress)
		p.ok(p.pass(p.types[kinds["partner"]].JobTimeout))
	}, "E1 Failed at S Failed: X Failed"},
}, endsOfJobs()...)

// endsOfJobs tell of a job in each of its states that is abandoned, or that the
// time of its action overtakes.
func endsOfJobs() (out []story) {
	for _, s := range []job.State{job.Queued, job.Dispatched, job.InProgress, job.Created} {
		add := func(name, end string, tell func(p *play)) {
			out = append(out, story{"a job " + string(s) + name, oneStage, tell, end})
		}
		add(" is abandoned", "E1 Stopped at S Stopped: X Abandoned", func(p *play) {
			p.starts(1)
			p.in(s)
			p.ok(p.stops("E1", true, ""))
		})
		add(" is out of time", "E1 Failed at S Failed: X Failed", func(p *play) {
			p.starts(1)
			left := p.delay / 2 // for a continuation to be due too late
			p.ok(p.pass(p.types[kinds["custom"]].Timeout - left))
			p.in(s)
			p.ok(p.pass(left))
		})
	}
	return out
}

// in brings the job of E1's action X into the state.
func (p *play) in(s job.State) {
	p.Helper()
	j := p.job("E1", "X")
	switch s {
	case job.Queued:
	case job.Dispatched:
		p.hand(j)
	case job.InProgress:
		p.ok(p.take(j))
	case job.Created:
		p.ok(p.take(j))
		p.ok(p.carryOn(j, "later", Details{}))
	}
	if got := p.job("E1", "X").State; got != s {
		p.Fatalf("the job is %s, want %s", got, s)
	}
}

func TestStories(t *testing.T) {
	t.Parallel()
	seen, told := map[transition]bool{}, 0
	for _, s := range stories {
		t.Run(s.name, func(t *testing.T) {
			p := newPlay(t, s.pipeline)
			s.tell(p)
			p.see(s.end)
			for tr := range p.seen {
				seen[tr] = true
			}
			told++
		})
	}
	if told < len(stories) {
		return // one has failed, or -run asked for some
	}
	for _, r := range machines {
		if !seen[r.transition] {
			t.Errorf("no story in which the %s goes from %q to %q", r.machine, r.from, r.to)
		}
	}
}

package joblife

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"
)

// History collects calls. It is safe for concurrent use.
type History struct {
	began time.Time

	// Ages is by how much the ids of two jobs must differ in age before the
	// younger counts as younger. It is 0 where ids are given in the order in
	// which jobs become visible; where transactions run side by side it is the
	// longest that one takes.
	Ages time.Duration

	// Apart is by how much the clocks of two servers may differ about the end of
	// a window.
	Apart time.Duration

	mu     sync.Mutex
	calls  []Call
	lost   map[string][]Call // lost polls by queue
	queue  map[string]string // of each job that was seen
	forgot []span            // when hand-outs may have been forgotten
}

type span struct{ from, to int64 }

// New returns an empty history.
func New() *History {
	return &History{began: time.Now(), lost: map[string][]Call{}, queue: map[string]string{}}
}

// Now is the time of the history, in nanoseconds.
func (h *History) Now() int64 { return int64(time.Since(h.began)) }

// Forgets does what may make the server forget hand-outs.
func (h *History) Forgets(do func() error) error {
	from := h.Now()
	err := do()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.forgot = append(h.forgot, span{from, h.Now()})
	return err
}

// Add enters a call that was sent at from and has just ended.
func (h *History) Add(c Call, from int64) {
	c.From, c.To = from, h.Now()
	h.Insert(c)
}

// Insert enters a call with the times that it has.
func (h *History) Insert(c Call) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls = append(h.calls, c)
}

// Polled enters the hand-outs of a poll of the queue.
func (h *History) Polled(queue string, partner bool, client int, from int64, jobs map[string]string) {
	for id, nonce := range jobs {
		h.mu.Lock()
		h.queue[id] = queue
		h.mu.Unlock()
		h.Add(Call{Kind: HandOut, Job: id, Partner: partner, Client: client, Answer: Answer{Nonce: nonce}}, from)
	}
}

// LostPoll enters a poll whose answer never came; late as in Answer.
func (h *History) LostPoll(queue string, partner, late bool, client int, from int64) {
	c := Call{Kind: HandOut, Partner: partner, Client: client, From: from, To: h.Now(), Answer: Answer{Lost: true, Late: late}}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lost[queue] = append(h.lost[queue], c)
}

// Calls returns how many calls were entered about how many jobs.
func (h *History) Calls() (calls, jobs int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.calls), len(h.queue)
}

// Problems judges the history: of each job that no order of its calls allows,
// the calls, and of each pair of hand-outs that may not be, the two. Window is
// how long a job that was handed out is nobody else's.
func (h *History) Problems(window time.Duration) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	byJob := map[string][]Call{}
	for _, c := range h.calls {
		byJob[c.Job] = append(byJob[c.Job], c)
	}
	var problems []string
	for id, calls := range byJob {
		slices.SortFunc(calls, func(a, b Call) int { return cmp.Compare(a.From, b.From) })
		problems = append(problems, h.twice(calls, window)...)
		all := slices.Concat(calls, h.perhaps(id, calls), h.crashes(calls))
		if !possible(needed(all)) {
			problems = append(problems, "job "+id+" cannot have answered so:\n"+describe(calls))
		}
	}
	return append(problems, h.order(byJob)...)
}

// perhaps are the lost polls that may have handed out the job between its first
// call and its last.
func (h *History) perhaps(id string, calls []Call) []Call {
	first, last := calls[0], calls[len(calls)-1] // by when they were sent
	var out []Call
	for _, c := range h.lost[h.queue[id]] {
		if c.From <= last.To && c.until() >= first.From {
			c.Job = id
			out = append(out, c)
		}
	}
	return out
}

// crashes are those of which a job's calls know: they matter to one that was
// handed out more than once.
func (h *History) crashes(calls []Call) (out []Call) {
	for _, s := range h.forgot {
		if s.from <= calls[len(calls)-1].To && s.to >= calls[0].From {
			out = append(out, Call{Kind: forget, Job: calls[0].Job, From: s.from, To: s.to, Client: -1})
		}
	}
	return out
}

// until is the last moment at which the call may have its effect.
func (c Call) until() int64 {
	if c.Answer.Late {
		return math.MaxInt64
	}
	return c.To
}

// needed leaves late calls out that explain nothing that others do not: the
// search is over all their orders. Of those with the same effect the one that
// was sent first could have it whenever the others could. The effect of an
// acknowledgement or a report does not come twice; that of a poll, which voids
// the nonce of a hand-out, once for each hand-out.
func needed(calls []Call) []Call {
	slices.SortStableFunc(calls, func(a, b Call) int { return cmp.Compare(a.From, b.From) })
	handOuts := 0
	for _, c := range calls {
		if c.Kind == HandOut && !c.Answer.Lost || c.Kind == Details {
			handOuts++
		}
	}
	type effect struct {
		kind                Kind
		nonce, report, ends string
	}
	left := map[effect]int{}
	return slices.DeleteFunc(calls, func(c Call) bool {
		if !c.Answer.Late {
			return false
		}
		e := effect{c.Kind, c.Nonce, c.Report, c.Ends}
		if _, seen := left[e]; !seen {
			left[e] = 1
			if c.Kind == HandOut {
				left[e] = handOuts
			}
		}
		left[e]--
		return left[e] < 0
	})
}

// possible asks porcupine. A call that got no answer took effect before its
// connection broke, since that was the death of the server, or never; a late
// one took effect at some time after it was sent, or never.
func possible(calls []Call) bool {
	var ops []porcupine.Operation
	for _, c := range calls {
		ops = append(ops, porcupine.Operation{ClientId: c.Client, Input: c, Call: c.From, Return: c.until()})
	}
	return porcupine.CheckOperations(model, ops)
}

// tick is by how much two clocks may differ about the length of a window.
const tick = 5 * time.Millisecond

// twice finds hand-outs of a job to two workers at a time. Only a hand-out that
// may have been forgotten ends its window early.
//
// The server's time is in whole milliseconds and of another clock, hence tick.
func (h *History) twice(calls []Call, window time.Duration) []string {
	var problems []string
	var last *Call
	for i, c := range calls {
		if c.Kind != HandOut || c.Answer.Lost {
			continue
		}
		// Of two hand-outs at a time either may have been first.
		between := func(s span) bool { return s.from <= max(c.To, last.To) && s.to >= last.From }
		if last != nil && c.To-last.From < int64(window-tick-h.Apart) && !slices.ContainsFunc(h.forgot, between) {
			problems = append(problems, "job "+c.Job+" was handed to two workers:\n"+describe([]Call{*last, c}))
		}
		last = &calls[i]
	}
	return problems
}

// order finds jobs that were handed out before older ones of their queue. Ids
// of jobs tell their age. A job counts as passed over when it was known to be
// there, and was handed out only after the younger one was in a worker's hands,
// unless a lost answer may have had it.
func (h *History) order(byJob map[string][]Call) []string {
	first := map[string][]Call{} // by queue
	for id, calls := range byJob {
		i := slices.IndexFunc(calls, func(c Call) bool { return c.Kind == HandOut })
		if i >= 0 && !calls[i].Partner {
			first[h.queue[id]] = append(first[h.queue[id]], calls[i])
		}
	}
	var problems []string
	for queue, calls := range first {
		slices.SortFunc(calls, func(a, b Call) int { return cmp.Compare(a.From, b.From) })
		for i, young := range calls {
			for _, old := range calls[i+1:] {
				hidden := slices.ContainsFunc(h.lost[queue], func(c Call) bool { return c.From < old.To })
				if h.older(old.Job, young.Job) && old.From > young.To && !hidden {
					problems = append(problems, fmt.Sprintf("queue %s: the younger job was handed out first:\n%s", queue, describe([]Call{young, old})))
				}
			}
		}
	}
	return problems
}

// older reports whether the job a is older than b, by their ids: time-ordered
// UUIDs, which begin with the milliseconds in 12 hexadecimal digits.
func (h *History) older(a, b string) bool {
	if h.Ages == 0 {
		return a < b
	}
	return born(b)-born(a) > h.Ages.Milliseconds()
}

func born(id string) (ms int64) {
	fmt.Sscanf(strings.ReplaceAll(id, "-", ""), "%12x", &ms)
	return ms
}

func describe(calls []Call) string {
	var b strings.Builder
	for _, c := range calls {
		fmt.Fprintf(&b, "  %8.3f to %8.3f s, client %3d: %s %s %s", float64(c.From)/1e9, float64(c.To)/1e9, c.Client, c.Kind, c.Job, c.Nonce+c.Report)
		switch a := c.Answer; {
		case a.Late:
			b.WriteString(" → no answer, its effect may come later\n")
		case a.Lost:
			b.WriteString(" → no answer\n")
		case a.Code != "":
			fmt.Fprintf(&b, " → %s\n", a.Code)
		default:
			fmt.Fprintf(&b, " → ok %s%s\n", a.Nonce, a.Status)
		}
	}
	return b.String()
}

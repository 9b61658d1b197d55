// Package joblife judges what clients saw of jobs: a history of calls and
// answers, with servers killed in between, is right when there is an order of
// the calls, each taking effect at one moment between its sending and its
// answer, that the life of a job allows. The search for that order is
// porcupine's; what a job's life allows is model.go.
package joblife

import (
	"slices"
	"strings"

	"github.com/anishathalye/porcupine"
)

// Kind is what a call does to a job.
type Kind int

// The calls. A poll is a HandOut for each job in its answer; a poll whose
// answer was lost may have handed out any job of its queue.
const (
	HandOut Kind = iota
	Details      // GetThirdPartyJobDetails, which issues nonces
	Acknowledge
	Report // PutJobSuccessResult and its siblings
	Stop   // StopPipelineExecution with abandon, of the job's execution
	forget // a crash, after which hand-outs may never have been
)

func (k Kind) String() string {
	return [...]string{"hand-out", "details", "acknowledge", "report", "stop", "crash"}[k]
}

// Call is one call about one job. Nonce is that of an acknowledgement; Report
// identifies the content of a report, and Ends is the state it leads to.
type Call struct {
	Kind         Kind
	Job          string
	Partner      bool
	Nonce        string
	Report, Ends string
	From, To     int64 // when it was sent and answered, in nanoseconds
	Answer       Answer
	Client       int // who called
}

// Answer is what came back. Lost is no answer: the call may have had its
// effect or not. Late says that the effect of a lost call may come at any time
// after: its connection broke, but what it had set going went on.
type Answer struct {
	Lost   bool
	Late   bool
	Code   string // "" = success
	Nonce  string // of a hand-out or of details
	Status string // of an acknowledgement
}

// Job states as the API names them; "" stands for those before the
// acknowledgement.
const (
	InProgress = "InProgress"
	Succeeded  = "Succeeded"
	Failed     = "Failed"
)

// life is a job as the model sees it. It is comparable.
type life struct {
	valid  string // nonces that may acknowledge, each behind a space
	void   string // those that later hand-outs have ended
	maybe  string // of those, the ones whose end a crash may have undone
	acked  string
	status string
	report string // that ended it
}

func (l life) may(nonce string) bool {
	return l.acked == nonce || l.acked == "" && slices.Contains(strings.Fields(l.valid), nonce)
}

// perhaps reports whether nobody can know if the nonce may acknowledge.
func (l life) perhaps(nonce string) bool {
	return l.acked == "" && slices.Contains(strings.Fields(l.maybe), nonce)
}

// step returns the states that the call with its answer can lead to; none when
// a job in the state cannot have answered so.
func step(l life, c Call) []life {
	if c.Answer.Lost {
		next := effect(l, c)
		if next == l {
			return []life{l}
		}
		return []life{l, next}
	}
	if !allowed(l, c) {
		return nil
	}
	return []life{effect(l, c)}
}

// allowed reports whether a job in the state gives the answer.
func allowed(l life, c Call) bool {
	switch a := c.Answer; c.Kind {
	case HandOut:
		return a.Code == "" && l.status == ""
	case Details:
		return a.Code == "" && (l.acked == "" || l.acked == a.Nonce)
	case Acknowledge:
		switch {
		case a.Code == "InvalidNonceException":
			return !l.may(c.Nonce) || l.perhaps(c.Nonce)
		case a.Code != "":
			return false
		case a.Status == InProgress:
			return (l.may(c.Nonce) || l.perhaps(c.Nonce)) && (l.status == "" || l.status == InProgress)
		}
		return (l.may(c.Nonce) || l.perhaps(c.Nonce)) && l.status == a.Status
	case Report:
		repeat := l.report == c.Report && l.status == c.Ends
		if a.Code == "InvalidJobStateException" {
			return l.status != InProgress && !repeat
		}
		return a.Code == "" && (l.status == InProgress || repeat)
	case Stop:
		return a.Code == ""
	case forget:
		return true
	}
	return false
}

// effect is what the call does to a job in the state, if anything.
func effect(l life, c Call) life {
	switch c.Kind {
	case HandOut: // older nonces are void; a partner asks for its nonce
		if l.status != "" {
			return l
		}
		l.void, l.maybe, l.valid = l.void+l.valid, "", ""
		if !c.Partner && c.Answer.Nonce != "" {
			l.valid = " " + c.Answer.Nonce
		}
	case Details:
		if l.acked == "" && c.Answer.Nonce != "" && !l.may(c.Answer.Nonce) {
			l.valid += " " + c.Answer.Nonce
		}
	case Acknowledge:
		if l.status == "" && c.Answer.Code == "" && (l.may(c.Nonce) || l.perhaps(c.Nonce)) {
			l.acked, l.status = c.Nonce, InProgress
		}
	case Report:
		if l.status == InProgress {
			l.status, l.report = c.Ends, c.Report
		}
	case Stop:
		if l.status == "" || l.status == InProgress {
			l.status = Failed
		}
	case forget:
		l.maybe = l.void
	}
	return l
}

// model is the life of one job.
var model = (&porcupine.NondeterministicModel{
	Init: func() []any { return []any{life{}} },
	Step: func(state, in, _ any) []any {
		var next []any
		for _, l := range step(state.(life), in.(Call)) {
			next = append(next, l)
		}
		return next
	},
	Equal: func(a, b any) bool { return a == b },
}).ToModel()

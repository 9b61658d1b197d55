package joblife

import (
	"strings"
	"testing"
	"time"
)

// script makes calls of words, each a call after the other unless it says
// otherwise: "out:1" hand-out with nonce 1, "details:2", "ack:1=InProgress",
// "report:a=OK" (ends the job Succeeded), "fail:a=OK", "stop"; "=lost" is no
// answer, "|" in front lets the call begin with the one before.
func script(text string, partner bool) []Call {
	var calls []Call
	at := int64(0)
	for word := range strings.FieldsSeq(text) {
		word, together := strings.CutPrefix(word, "|")
		what, answer, _ := strings.Cut(word, "=")
		kind, arg, _ := strings.Cut(what, ":")
		c := Call{Job: "j", Partner: partner, From: at, To: at + 10}
		if together {
			c.From = calls[len(calls)-1].From
			c.To = calls[len(calls)-1].To
		} else {
			at += 20
		}
		switch kind {
		case "out":
			c.Kind, c.Answer.Nonce = HandOut, arg
		case "details":
			c.Kind, c.Answer.Nonce = Details, arg
		case "ack":
			c.Kind, c.Nonce, c.Answer.Status = Acknowledge, arg, answer
		case "report":
			c.Kind, c.Report, c.Ends = Report, "success "+arg, Succeeded
		case "fail":
			c.Kind, c.Report, c.Ends = Report, "failure "+arg, Failed
		case "stop":
			c.Kind = Stop
		}
		switch answer {
		case "lost":
			c.Answer = Answer{Lost: true}
		case "IN":
			c.Answer = Answer{Code: "InvalidNonceException"}
		case "IS":
			c.Answer = Answer{Code: "InvalidJobStateException"}
		case "NF":
			c.Answer = Answer{Code: "JobNotFoundException"}
		}
		calls = append(calls, c)
	}
	return calls
}

func TestPossible(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, calls string
		partner     bool
		want        bool
	}{
		{"a plain life", "out:1 ack:1=InProgress report:a=OK", false, true},
		{"a failure", "out:1 ack:1=InProgress fail:a=OK", false, true},
		{"acknowledged twice by one", "out:1 ack:1=InProgress ack:1=InProgress report:a=OK", false, true},
		{"an identical repeat", "out:1 ack:1=InProgress report:a=OK report:a=OK", false, true},
		{"late, nobody had it since", "out:1 out:2 ack:2=InProgress ack:1=IN report:a=OK", false, true},
		{"acknowledged after the end", "out:1 ack:1=InProgress report:a=OK ack:1=Succeeded", false, true},
		{"two workers acknowledge", "out:1 out:2 ack:1=InProgress ack:2=InProgress", false, false},
		{"a void nonce", "out:1 out:2 ack:1=InProgress", false, false},
		{"a good nonce refused", "out:1 ack:1=IN", false, false},
		{"handed out after the acknowledgement", "out:1 ack:1=InProgress out:2", false, false},
		{"handed out after the end", "out:1 ack:1=InProgress report:a=OK out:2", false, false},
		{"a second report", "out:1 ack:1=InProgress report:a=OK report:b=OK", false, false},
		{"a second report refused", "out:1 ack:1=InProgress report:a=OK report:b=IS", false, true},
		{"success, then failure", "out:1 ack:1=InProgress report:a=OK fail:a=OK", false, false},
		{"an identical repeat refused", "out:1 ack:1=InProgress report:a=OK report:a=IS", false, false},
		{"a good report refused", "out:1 ack:1=InProgress report:a=IS", false, false},
		{"a report without acknowledgement", "out:1 report:a=OK", false, false},
		{"the job is gone", "out:1 ack:1=InProgress report:a=NF", false, false},
		{"a lost acknowledgement that was kept", "out:1 ack:1=lost report:a=OK", false, true},
		{"a lost acknowledgement that was not", "out:1 ack:1=lost out:2 ack:2=InProgress", false, true},
		{"a lost report that was kept", "out:1 ack:1=InProgress report:a=lost report:b=IS", false, true},
		{"a lost report that was not", "out:1 ack:1=InProgress report:a=lost report:b=OK", false, true},
		{"a report that was answered and is lost", "out:1 ack:1=InProgress report:a=OK fail:b=OK", false, false},
		{"two reports at a time, one wins", "out:1 ack:1=InProgress report:a=OK |fail:b=IS", false, true},
		{"two reports at a time, both win", "out:1 ack:1=InProgress report:a=OK |fail:b=OK", false, false},
		{"a lost hand-out voids the nonce", "out:1 out=lost ack:1=IN", false, true},
		{"stopped", "out:1 ack:1=InProgress stop report:a=IS", false, true},
		{"stopped before it was acknowledged", "out:1 stop ack:1=Failed", false, true},
		{"stopped and yet reported", "out:1 ack:1=InProgress stop report:a=OK", false, false},
		{"stopped while it is reported", "out:1 ack:1=InProgress stop |report:a=OK", false, true},
		{"a partner's life", "out details:1 ack:1=InProgress details:1 report:a=OK", true, true},
		{"two details, the first is used", "out details:1 details:2 ack:1=InProgress", true, true},
		{"details of a job that was stopped", "out stop details:1 ack:1=Failed", true, true},
		{"two partners acknowledge", "out details:1 details:2 ack:1=InProgress ack:2=InProgress", true, false},
		{"details of before the hand-out", "out details:1 out ack:1=InProgress", true, false},
		{"details with a new nonce after the acknowledgement", "out details:1 ack:1=InProgress details:2", true, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := possible(script(tc.calls, tc.partner)); got != tc.want {
				t.Errorf("%v, want %v", got, tc.want)
			}
		})
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	second := int64(time.Second)
	out := func(job string, from, to int64, phase int) Call {
		return Call{Kind: HandOut, Job: job, From: from * second, To: to * second, Phase: phase, Answer: Answer{Nonce: "n"}}
	}
	for _, tc := range []struct {
		name  string
		calls []Call
		lost  []Call
		want  string // "" = none
	}{
		{"one after the window", []Call{out("a", 0, 1, 0), out("a", 11, 12, 0)}, nil, ""},
		{"two in a window", []Call{out("a", 0, 1, 0), out("a", 5, 6, 0)}, nil, "two workers"},
		{"two in a window, the server died", []Call{out("a", 0, 1, 0), out("a", 5, 6, 1)}, nil, ""},
		{"in order", []Call{out("a", 0, 1, 0), out("b", 2, 3, 0)}, nil, ""},
		{"out of order", []Call{out("b", 0, 1, 0), out("a", 2, 3, 0)}, nil, "younger"},
		{"at the same time", []Call{out("b", 0, 3, 0), out("a", 2, 3, 0)}, nil, ""},
		{"a lost poll had it", []Call{out("b", 2, 3, 0), out("a", 4, 5, 0)}, []Call{{Kind: HandOut, From: 0, To: second, Answer: Answer{Lost: true}}}, ""},
		{"a later lost poll", []Call{out("b", 2, 3, 0), out("a", 4, 5, 0)}, []Call{{Kind: HandOut, From: 6 * second, To: 7 * second, Answer: Answer{Lost: true}}}, "younger"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			h := New()
			for _, c := range tc.calls {
				h.queue[c.Job] = "q"
			}
			h.calls, h.lost["q"] = tc.calls, tc.lost
			got := strings.Join(h.Problems(10*time.Second), "\n")
			if tc.want == "" && got != "" || !strings.Contains(got, tc.want) {
				t.Errorf("problems %q, want %q", got, tc.want)
			}
		})
	}
}

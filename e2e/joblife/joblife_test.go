package joblife

import (
	"strings"
	"testing"
	"time"
)

// script makes calls of words, each a call after the other unless it says
// otherwise: "out:1" hand-out with nonce 1, "details:2", "ack:1=InProgress",
// "report:a=OK" (ends the job Succeeded), "fail:a=OK", "stop"; "=lost" is no
// answer, "=late" none with an effect that may come later, "|" in front lets the call begin with the one before.
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
		case "crash":
			c.Kind = forget
		}
		switch answer {
		case "lost":
			c.Answer = Answer{Lost: true}
		case "late":
			c.Answer = Answer{Lost: true, Late: true}
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
		{"a lost acknowledgement comes too late", "out:1 ack:1=lost out:2 report:a=OK", false, false},
		{"a late acknowledgement that comes", "out:1 ack:1=late out:2 ack:2=IN", false, false},
		{"a late acknowledgement that comes in between", "out:1 ack:1=late report:a=IS report:a=OK", false, true},
		{"a late acknowledgement never came", "out:1 ack:1=late out:2 ack:2=InProgress report:a=OK", false, true},
		{"one late acknowledgement, two jobs' worth", "out:1 ack:1=late ack:1=late out:2 ack:2=InProgress ack:1=InProgress", false, false},
		{"a lost report cannot come later", "out:1 ack:1=InProgress report:a=lost ack:1=InProgress report:b=IS", false, false},
		{"a late report comes later", "out:1 ack:1=InProgress report:a=late ack:1=InProgress report:b=IS", false, true},
		{"a late report does not undo", "out:1 ack:1=InProgress report:a=late fail:b=OK ack:1=Succeeded", false, false},
		{"a late stop", "out:1 stop=late ack:1=InProgress report:a=IS", false, true},
		{"a late poll voids a later nonce", "out=late out:1 ack:1=IN", false, true},
		{"a late poll voids one nonce", "out=late out:1 ack:1=IN out:2 ack:2=IN", false, false},
		{"late polls void a nonce each", "out=late out=late out:1 ack:1=IN out:2 ack:2=IN", false, true},
		{"a late poll cannot take an acknowledged job", "out=late out:1 ack:1=InProgress ack:1=IN", false, false},
		{"a late effect before it was sent", "out:1 ack:1=IN out=late", false, false},
		{"a crash undoes the hand-out that voided a nonce", "out:1 out:2 crash ack:1=InProgress ack:2=IN", false, true},
		{"a crash does not undo it", "out:1 out:2 crash ack:1=IN ack:2=InProgress", false, true},
		{"a crash lets two acknowledge", "out:1 out:2 crash ack:1=InProgress ack:2=InProgress", false, false},
		{"a hand-out after the crash", "out:1 out:2 crash out:3 ack:1=InProgress", false, false},
		{"a crash undoes no acknowledgement", "out:1 ack:1=InProgress crash out:2", false, false},
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
			if got := possible(needed(script(tc.calls, tc.partner))); got != tc.want {
				t.Errorf("%v, want %v", got, tc.want)
			}
		})
	}
}

// TestManyLateCalls is about the cost: any number of late calls is judged as
// the few that make a difference.
func TestManyLateCalls(t *testing.T) {
	t.Parallel()
	late := strings.Repeat("out=late ", 1000) + "out:1 " + strings.Repeat("ack:1=late ", 1000) + "out:2 ack:2=InProgress " +
		strings.Repeat("report:a=late fail:b=late ", 1000)
	for end, want := range map[string]bool{"report:a=OK fail:b=IS": true, "fail:b=OK report:a=IS": true, "report:a=OK fail:b=OK": false} {
		calls := needed(script(late+end, false))
		if len(calls) > 12 {
			t.Errorf("%s: %d calls are searched", end, len(calls))
		}
		if got := possible(calls); got != want {
			t.Errorf("%s: %v, want %v", end, got, want)
		}
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	second := int64(time.Second)
	out := func(job string, from, to int64) Call {
		return Call{Kind: HandOut, Job: job, From: from * second, To: to * second, Answer: Answer{Nonce: "n"}}
	}
	for _, tc := range []struct {
		name   string
		calls  []Call
		lost   []Call
		forgot int64  // the second at which hand-outs were forgotten, 0 = never
		want   string // "" = none
	}{
		{"one after the window", []Call{out("a", 0, 1), out("a", 11, 12)}, nil, 0, ""},
		{"two in a window", []Call{out("a", 0, 1), out("a", 5, 6)}, nil, 0, "two workers"},
		{"two in a window, the first was forgotten", []Call{out("a", 0, 1), out("a", 5, 6)}, nil, 3, ""},
		{"two in a window, something was forgotten later", []Call{out("a", 0, 1), out("a", 5, 6)}, nil, 7, "two workers"},
		{"two at a time, the one that was sent later was forgotten", []Call{out("a", 0, 9), out("a", 1, 2)}, nil, 5, ""},
		{"two at a time, something was forgotten later", []Call{out("a", 0, 4), out("a", 1, 2)}, nil, 5, "two workers"},
		{"in order", []Call{out("a", 0, 1), out("b", 2, 3)}, nil, 0, ""},
		{"out of order", []Call{out("b", 0, 1), out("a", 2, 3)}, nil, 0, "younger"},
		{"at the same time", []Call{out("b", 0, 3), out("a", 2, 3)}, nil, 0, ""},
		{"a lost poll had it", []Call{out("b", 2, 3), out("a", 4, 5)}, []Call{{Kind: HandOut, From: 0, To: second, Answer: Answer{Lost: true}}}, 0, ""},
		{"a later lost poll", []Call{out("b", 2, 3), out("a", 4, 5)}, []Call{{Kind: HandOut, From: 6 * second, To: 7 * second, Answer: Answer{Lost: true}}}, 0, "younger"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			h := New()
			for _, c := range tc.calls {
				h.queue[c.Job] = "q"
			}
			h.calls, h.lost["q"] = tc.calls, tc.lost
			if at := tc.forgot * second; at > 0 {
				h.forgot = []span{{at, at}}
			}
			got := strings.Join(h.Problems(10*time.Second), "\n")
			if tc.want == "" && got != "" || !strings.Contains(got, tc.want) {
				t.Errorf("problems %q, want %q", got, tc.want)
			}
		})
	}
}

// TestAges lets the younger of two jobs be handed out first when they are about
// the same age.
func TestAges(t *testing.T) {
	t.Parallel()
	old, young := "01890000-0000-7000-8000-000000000000", "01890000-1388-7000-8000-000000000000" // 5000 ms
	for ages, want := range map[time.Duration]int{0: 1, time.Second: 1, 10 * time.Second: 0} {
		h := New()
		h.Ages = ages
		for i, id := range []string{young, old} {
			h.queue[id] = "q"
			h.calls = append(h.calls, Call{Kind: HandOut, Job: id, From: int64(20 * i), To: int64(20*i + 10), Answer: Answer{Nonce: "n"}})
		}
		if got := h.Problems(time.Second); len(got) != want {
			t.Errorf("ages %v: problems %q, want %d", ages, got, want)
		}
	}
}

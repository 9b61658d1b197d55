package job

import (
	"testing"
	"time"

	"penstock/internal/core/fault"
)

var noon = time.Date(2026, 10, 2, 12, 0, 0, 0, time.UTC)

// inState makes a job that came to the state in the usual way, with the nonce
// that was issued for its last hand-out ("" when there was none).
func inState(s State) (j *Job, nonce string) {
	j = &Job{ID: "J", Kind: Custom, Account: "1", State: Queued}
	if s == Created {
		j.State = Created
		return j, ""
	}
	j.Nonces.HandOut() // to a worker that was lost
	nonce = j.Nonces.HandOut()
	if s == Queued { // the window has ended again
		return j, nonce
	}
	j.State = Dispatched
	if s == Dispatched {
		return j, nonce
	}
	if _, err := j.Acknowledge(nonce, noon); err != nil {
		panic(err)
	}
	if s != InProgress {
		j.State, j.EndedAt = s, noon
		if s != TimedOut {
			j.Report = "report"
		}
	}
	return j, nonce
}

var states = []State{Created, Queued, Dispatched, InProgress, TimedOut, Succeeded, Failed}

// What each call answers in each state: the pure part of the matrix of the
// specification. "" is success without a status; codes are shortened: IN
// InvalidNonceException, IS InvalidJobStateException.
func TestMatrix(t *testing.T) {
	t.Parallel()
	short := map[string]string{"InvalidNonceException": "IN", "InvalidJobStateException": "IS", "JobNotFoundException": "NF"}
	answer := func(s string, err error) string {
		if err != nil {
			return short[fault.Code(err)]
		}
		return s
	}
	ack := func(nonce func(j *Job, current string) string) func(j *Job, current string) string {
		return func(j *Job, current string) string {
			s, err := j.Acknowledge(nonce(j, current), noon)
			return answer(string(s), err)
		}
	}
	report := func(digest string, after time.Duration) func(*Job, string) string {
		return func(j *Job, _ string) string {
			repeat, err := j.CheckReport(digest, noon.Add(after))
			if repeat {
				return answer("repeat", err)
			}
			return answer("taken", err)
		}
	}
	visible := func(kind Kind, allowed bool, after time.Duration) func(*Job, string) string {
		return func(j *Job, _ string) string { return answer("visible", j.Visible(kind, allowed, noon.Add(after))) }
	}
	tests := []struct {
		call string
		want [7]string // in the order of states
		do   func(j *Job, current string) string
	}{
		{"acknowledge, current nonce", [7]string{"IN", "InProgress", "InProgress", "InProgress", "TimedOut", "Succeeded", "Failed"},
			ack(func(_ *Job, current string) string { return current })},
		{"acknowledge, older nonce", [7]string{"IN", "IN", "IN", "IN", "IN", "IN", "IN"},
			ack(func(*Job, string) string { return "1" })},
		{"acknowledge, nonce never issued", [7]string{"IN", "IN", "IN", "IN", "IN", "IN", "IN"},
			ack(func(*Job, string) string { return "3" })},
		{"acknowledge, not a number", [7]string{"IN", "IN", "IN", "IN", "IN", "IN", "IN"},
			ack(func(*Job, string) string { return "abc" })},
		{"report", [7]string{"IS", "IS", "IS", "taken", "IS", "IS", "IS"}, report("another", 0)},
		{"report without a digest", [7]string{"IS", "IS", "IS", "taken", "IS", "IS", "IS"}, report("", 0)},
		{"same report within 5 minutes", [7]string{"IS", "IS", "IS", "taken", "IS", "repeat", "repeat"}, report("report", 5*time.Minute)},
		{"same report later", [7]string{"IS", "IS", "IS", "taken", "IS", "IS", "IS"}, report("report", 5*time.Minute+time.Millisecond)},
		{"own kind", [7]string{"visible", "visible", "visible", "visible", "visible", "visible", "visible"}, visible(Custom, true, 0)},
		{"other kind", [7]string{"NF", "NF", "NF", "NF", "NF", "NF", "NF"}, visible(Partner, true, 0)},
		{"somebody else", [7]string{"NF", "NF", "NF", "NF", "NF", "NF", "NF"}, visible(Custom, false, 0)},
		{"after 24 hours", [7]string{"visible", "visible", "visible", "visible", "visible", "visible", "visible"}, visible(Custom, true, 24*time.Hour)},
		{"after more than 24 hours", [7]string{"visible", "visible", "visible", "visible", "NF", "NF", "NF"}, visible(Custom, true, 24*time.Hour+time.Millisecond)},
	}
	for _, tt := range tests {
		for i, s := range states {
			t.Run(tt.call+"/"+string(s), func(t *testing.T) {
				t.Parallel()
				j, nonce := inState(s)
				before := j.State
				if got := tt.do(j, nonce); got != tt.want[i] {
					t.Errorf("got %q, want %q", got, tt.want[i])
				}
				if before.Terminal() && j.State != before {
					t.Errorf("went from %s to %s", before, j.State)
				}
			})
		}
	}
}

func TestTexts(t *testing.T) {
	t.Parallel()
	j, _ := inState(Dispatched)
	_, nonceErr := j.Acknowledge("77", noon)
	_, stateErr := j.CheckReport("x", noon)
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"nonce", nonceErr, "InvalidNonceException: The nonce '77' is not valid for job 'J'"},
		{"state", stateErr, "InvalidJobStateException: The job 'J' is in state Dispatched; a result is taken only while it is InProgress"},
		{"not found", j.Visible(Partner, true, noon), "JobNotFoundException: The job 'J' was not found"},
	}
	for _, tt := range tests {
		if tt.err == nil || tt.err.Error() != tt.want {
			t.Errorf("%s: got %v, want %s", tt.name, tt.err, tt.want)
		}
	}
}

// A job that the engine ended has no report that could be repeated.
func TestNoRepeatWithoutAReport(t *testing.T) {
	t.Parallel()
	j := &Job{ID: "J", State: Failed, EndedAt: noon}
	if repeat, err := j.CheckReport("", noon); repeat || fault.Code(err) != "InvalidJobStateException" {
		t.Errorf("got %v, %v", repeat, err)
	}
}

func TestAcknowledgeSetsTheTimeOnce(t *testing.T) {
	t.Parallel()
	j, nonce := inState(Dispatched)
	for i := range 2 {
		if _, err := j.Acknowledge(nonce, noon.Add(time.Duration(i)*time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	if !j.AckedAt.Equal(noon) || j.State != InProgress {
		t.Errorf("acknowledged at %s, %s", j.AckedAt, j.State)
	}
}

func TestNext(t *testing.T) {
	t.Parallel()
	j, _ := inState(Succeeded)
	j.ActionExecutionID, j.Timeout = "A", time.Hour
	j.Data = Data{Configuration: map[string]string{"k": "v"}, ContinuationToken: "t1", Outputs: []Artifact{{Name: "o"}}}
	n := j.Next("K", "t2", Created, noon)
	if n.ID != "K" || n.State != Created || !n.QueuedAt.Equal(noon) || n.Nonces != (Nonces{}) ||
		!n.AckedAt.IsZero() || !n.EndedAt.IsZero() || n.Report != "" || n.Data.ContinuationToken != "t2" {
		t.Errorf("the new job starts with %+v", n)
	}
	if n.ActionExecutionID != "A" || n.Timeout != time.Hour || n.Kind != Custom || n.Data.Configuration["k"] != "v" || n.Data.Outputs[0].Name != "o" {
		t.Errorf("not inherited: %+v", n)
	}
	if j.Data.ContinuationToken != "t1" || j.ID != "J" {
		t.Errorf("the old job has changed: %+v", j)
	}
}

func TestQueue(t *testing.T) {
	t.Parallel()
	j := Job{Kind: Custom, Account: "1", Region: "r", Query: "q"}
	j.Type.Category, j.Type.Owner, j.Type.Provider, j.Type.Version = "Build", "Custom", "P", "2"
	if got, want := j.Queue(), "1|r|Build|Custom|P|2|q"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	j.Kind = Native
	if got, want := j.Queue(), "*|*|Build|Custom|P|2|q"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestKindOfQueue(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind, want   Kind
		owner, query string
	}{
		{Custom, Custom, "Custom", ""},
		{Custom, Custom, "Custom", "|ThirdParty|"},
		{Partner, Partner, "ThirdParty", ""},
		{Native, Native, "AWS", ""},
		{Pushed, Native, "AWS", ""},
		{Called, Native, "ThirdParty", ""},
	} {
		j := Job{Kind: c.kind, Account: "1", Region: "r", Query: c.query}
		j.Type.Category, j.Type.Owner, j.Type.Provider, j.Type.Version = "Build", c.owner, "P", "1"
		if got := KindOfQueue(j.Queue()); got != c.want {
			t.Errorf("%s: %s, want %s", j.Queue(), got, c.want)
		}
	}
}

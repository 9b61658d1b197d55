package service

import (
	"fmt"
	"testing"
	"time"

	"penstock/internal/core/job"
)

// TestPollAnswers: an answer is remembered for its own poll, for a while, and
// among not too many others.
func TestPollAnswers(t *testing.T) {
	t.Parallel()
	var a pollAnswers
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	key := pollKey{"AKIA1", "queue", "one"}
	a.put(key, []*job.Job{{ID: "j1", Nonces: job.Nonces{Last: 1}}, {ID: "j2"}}, now)
	for name, c := range map[string]struct {
		key   pollKey
		after time.Duration
		want  int
	}{
		"at once":            {key, 0, 2},
		"at the end":         {key, answerLife, 2},
		"too late":           {key, answerLife + time.Millisecond, 0},
		"another key":        {pollKey{"AKIA2", "queue", "one"}, 0, 0},
		"another queue":      {pollKey{"AKIA1", "other", "one"}, 0, 0},
		"another invocation": {pollKey{"AKIA1", "queue", "two"}, 0, 0},
	} {
		if got := a.get(c.key, now.Add(c.after)); len(got) != c.want {
			t.Errorf("%s: %d jobs, want %d", name, len(got), c.want)
		}
	}
	a.put(key, []*job.Job{{ID: "j3"}}, now)
	if got := a.get(key, now); len(got) != 1 || got[0].id != "j3" || len(a.order) != 1 {
		t.Errorf("the newer answer is not there: %v of %d", got, len(a.order))
	}
	for i := range maxAnswers {
		a.put(pollKey{"AKIA1", "queue", fmt.Sprint(i)}, []*job.Job{{ID: "j"}}, now)
	}
	if len(a.given) != maxAnswers || len(a.order) != maxAnswers || a.get(key, now) != nil {
		t.Errorf("%d answers and %d keys are kept, want %d without the oldest", len(a.given), len(a.order), maxAnswers)
	}
	a.put(key, []*job.Job{{ID: "j"}}, now.Add(answerLife+time.Second))
	if len(a.given) != 1 || len(a.order) != 1 {
		t.Errorf("%d answers and %d keys are kept after their time, want 1", len(a.given), len(a.order))
	}
}

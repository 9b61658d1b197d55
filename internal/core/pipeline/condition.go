package pipeline

import "iter"

// Results of a condition and of a stage's failure (Result).
const (
	ResultRollback = "ROLLBACK"
	ResultFail     = "FAIL"
	ResultRetry    = "RETRY"
	ResultSkip     = "SKIP"
)

// place is where conditions may stand in a stage, with the results they may
// have there.
type place struct {
	name       string
	results    []string
	conditions []Condition
	// whole is set where the stage's actions have all succeeded before the
	// rules run, so that the rules may use what they produced.
	whole bool
}

// places yields the three places of the stage in the order they run.
func (s *Stage) places() iter.Seq[place] {
	return func(yield func(place) bool) {
		if !yield(place{name: "beforeEntry", results: []string{ResultFail, ResultSkip}, conditions: s.BeforeEntry}) {
			return
		}
		if !yield(place{name: "onSuccess", results: []string{ResultRollback, ResultFail}, conditions: s.OnSuccess, whole: true}) {
			return
		}
		if s.OnFailure != nil {
			yield(place{name: "onFailure", results: []string{ResultRollback}, conditions: s.OnFailure.Conditions})
		}
	}
}

// hasConditions reports whether the stage uses any of its three condition
// members.
func (s *Stage) hasConditions() bool {
	return len(s.BeforeEntry) > 0 || len(s.OnSuccess) > 0 || s.OnFailure != nil
}

package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// registerSample makes an action type without properties.
func (s *server) registerSample(category, provider string) {
	s.t.Helper()
	s.call("CreateCustomActionType", object{"category": category, "provider": provider, "version": "1",
		"settings":              object{"executionUrlTemplate": "https://console.example/{ExternalExecutionId}"},
		"inputArtifactDetails":  object{"minimumCount": 0, "maximumCount": 5},
		"outputArtifactDetails": object{"minimumCount": 0, "maximumCount": 5}}, nil)
}

// many declares n actions that run at the same time, each with the source.
func many(n int, owner, category, provider string) (list []object) {
	for i := range n {
		list = append(list, action(fmt.Sprintf("A%d", i), owner, category, provider, nil, inputs("Source")))
	}
	return list
}

// testCustomAction runs AWS's sample of a custom action in Python: twelve
// builds, polled by ten, each of which is looked at three times.
func testCustomAction(t *testing.T, s *server) {
	s.registerSample("Build", "Steps")
	s.call("CreatePipeline", object{"pipeline": declaration("steps",
		stage("Source", manualSource("workers-source", "app.zip")),
		stage("Build", many(12, "Custom", "Build", "Steps")...))}, nil)
	w := s.script(t, nil, "", "custom_action.py", "Steps", "12")
	seen := map[string]int{}
	for _, line := range w.end() {
		word, _, _ := strings.Cut(line, " ")
		seen[word]++
	}
	if want := (map[string]int{"polled": 48, "acknowledged": 48, "started": 12, "running": 24, "succeeded": 12}); fmt.Sprint(seen) != fmt.Sprint(want) {
		t.Errorf("the worker's steps were %v, want %v", seen, want)
	}
	s.ends("steps", s.newest("steps"), "Succeeded")
	st := s.state("steps", "A7", "Succeeded")
	if *st.Summary != "Finished" || *st.PercentComplete != 100 || !strings.HasPrefix(*st.ExternalExecutionId, "arn:aws:states:") ||
		*st.ExternalExecutionUrl != "https://console.example/"+*st.ExternalExecutionId {
		t.Errorf("a build is shown as %s", asJSON(st))
	}
}

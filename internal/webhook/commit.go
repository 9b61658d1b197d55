package webhook

import (
	"regexp"
	"strings"

	"penstock/internal/core/actiontype"
	"penstock/internal/core/engine"
	"penstock/internal/core/pipeline"
)

var commitPattern = regexp.MustCompile(`^(?:[0-9a-f]{40}|[0-9a-f]{64})$`)

// binding is the commit that an execution keeps to: that of a push to the
// branch that a source action of GitHub reads (engine.md section 2.13). What
// others deliver is not interpreted; their source reads the newest revision.
func binding(target *pipeline.Action, event string, body any) *engine.Binding {
	if event != "push" || !actiontype.IsGitHub(target.Type) {
		return nil
	}
	push, _ := body.(map[string]any)
	ref, _ := push["ref"].(string)
	commit, _ := push["after"].(string)
	if ref != "refs/heads/"+target.Configuration["Branch"] || !commitPattern.MatchString(commit) {
		return nil
	}
	if strings.Trim(commit, "0") == "" {
		return nil // the branch was deleted
	}
	return &engine.Binding{Action: target.Name, Revision: engine.Revision{ID: commit}}
}

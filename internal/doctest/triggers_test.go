//go:build unix

package doctest

import "testing"

func TestTriggers(t *testing.T) {
	t.Parallel()
	need(t, "aws", "bash", "git")
	recent(t)
	all := page(t, "triggers.md")
	open(t, all).run(t, of(t, all, "run: trigger"))
}

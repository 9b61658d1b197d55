//go:build unix

package doctest

import "testing"

func TestEventStarts(t *testing.T) {
	t.Parallel()
	need(t, "aws", "bash")
	all := page(t, "event-starts.md")
	open(t, all).run(t, of(t, all, "run: events"))
}

//go:build unix

package doctest

import (
	"testing"
)

func TestPartners(t *testing.T) {
	t.Parallel()
	need(t, "aws", "bash", "python3")
	recent(t)
	all := page(t, "partners.md")
	open(t, all).run(t, of(t, all, "run: life"))
}

//go:build unix

package doctest

import (
	"testing"

	"penstock/internal/awscli"
)

func TestPartners(t *testing.T) {
	t.Parallel()
	need(t, "aws", "bash", "python3")
	if !awscli.Recent() {
		t.Skip("the page needs AWS CLI 1.36 or 2.19: the installed one refuses declarations of today")
	}
	all := page(t, "partners.md")
	open(t, all).run(t, of(t, all, "run: life"))
}

//go:build unix

package doctest

import "testing"

const jobWorkers = "job-workers.md"

func TestPartnerFlow(t *testing.T) {
	t.Parallel()
	need(t, "aws", "bash", "python3")
	all := page(t, jobWorkers)
	open(t, all).run(t, of(t, all, "run: both", "run: partner"))
}

func TestCustomFlow(t *testing.T) {
	t.Parallel()
	need(t, "aws", "bash", "python3")
	all := page(t, jobWorkers)
	open(t, all).run(t, of(t, all, "run: both", "run: custom"))
}

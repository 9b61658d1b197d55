package postgres

import (
	"testing"

	"penstock/internal/store/postgres/pgtest"
	"penstock/internal/store/storetest"
)

// BenchmarkJobCycle runs the cycle of jobs with 64 workers.
func BenchmarkJobCycle(b *testing.B) {
	pgtest.OnDisk()
	d := open(b, pgtest.URL(b))
	s, ids := storetest.BenchStore(b, d, 64)
	n := float64(storetest.JobCycle(b, s, ids, b.N))
	b.ReportMetric(float64(d.alone.Load())*1e3/n, "alone/kcall")
	b.ReportMetric(n/float64(max(d.groups.Load(), 1)), "calls/group")
}

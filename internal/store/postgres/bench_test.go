package postgres

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"testing"

	"penstock/internal/store/postgres/pgtest"
	"penstock/internal/store/storetest"
)

// BenchmarkJobCycle runs the cycle of jobs with 64 workers.
func BenchmarkJobCycle(b *testing.B) {
	pgtest.OnDisk()
	d := open(b, pgtest.URL(b))
	s, ids := storetest.BenchStore(b, d, 64)
	groups, alone, own, server := d.groups.Load(), d.alone.Load(), processCPU(b), serverCPU(b, d)
	n := float64(storetest.JobCycle(b, s, ids, b.N))
	b.ReportMetric((processCPU(b)-own)*1e6/n, "µs-cpu/call")
	b.ReportMetric((serverCPU(b, d)-server)*1e6/n, "µs-server-cpu/call")
	b.ReportMetric(n/float64(d.groups.Load()-groups), "calls/commit")
	b.ReportMetric(float64(d.alone.Load()-alone)*1e3/n, "alone/1000calls")
}

// processCPU is the processor time this process used so far, in seconds.
func processCPU(b *testing.B) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// serverCPU is the same of the server's sessions, if they are on this host.
func serverCPU(b *testing.B, d *Driver) float64 {
	rows, err := d.pool.Query(b.Context(), `SELECT pid FROM pg_stat_activity`)
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	ticks := 0.0
	for rows.Next() {
		var pid int
		if err := rows.Scan(&pid); err != nil {
			b.Fatal(err)
		}
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue
		}
		fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
		for _, f := range fields[11:13] { // utime, stime
			n, err := strconv.ParseFloat(string(f), 64)
			if err != nil {
				b.Fatal(err)
			}
			ticks += n
		}
	}
	return ticks / 100
}

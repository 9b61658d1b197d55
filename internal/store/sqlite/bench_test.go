package sqlite

import (
	"fmt"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"penstock/internal/core/engine"
	"penstock/internal/sqlite"
	"penstock/internal/store"
	"penstock/internal/store/storetest"
)

// benchStore is a store with pipelines that have past executions each.
func benchStore(b testing.TB, pipelines, past int) (*store.Store, []int64) {
	d := open(b, filepath.Join(b.TempDir(), "bench.db"))
	s, ids := storetest.BenchStore(b, d, pipelines)
	fillHistory(b, d, ids, past)
	return s, ids
}

// fillHistory adds executions that ended, shaped like those of the benchmark.
func fillHistory(b testing.TB, d *Driver, ids []int64, n int) {
	now := time.Now().Add(-48 * time.Hour).UTC()
	for from := 0; from < n; from += 5000 {
		err := d.db.Update(b.Context(), func(tx *sqlite.Tx) error {
			t := &txn{reader: reader{d: d, tx: tx, now: now}}
			for i := from; i < min(n, from+5000); i++ {
				id := ids[i%len(ids)]
				e := &engine.Execution{ID: uuid.Must(uuid.NewV7()).String(), Version: 1, Status: engine.Succeeded, Started: now, Updated: now}
				for k, st := range storetest.BenchStages() {
					rec := &engine.ActionRecord{
						ID: uuid.Must(uuid.NewV7()).String(), Execution: e.ID, Version: 1, Stage: st.Name, Action: "Act",
						Status: engine.Succeeded, Started: now, Updated: now, Type: st.Actions[0].Type,
						Declared: st.Actions[0].Configuration, Resolved: st.Actions[0].Configuration,
						Result: engine.Result{Summary: "done"},
					}
					e.Runs = append(e.Runs, engine.StageRun{Stage: st.Name, Status: engine.Succeeded, Started: now,
						Actions: []engine.Action{{ID: rec.ID, Name: "Act", Status: engine.Succeeded, Started: now, Updated: now}}})
					if err := t.insertAction(id, rec); err != nil {
						return err
					}
					if err := t.insertPassed(id, engine.StagePassed{Stage: st.Name, Version: 1, Execution: e.ID}); err != nil {
						return err
					}
					if k == 1 {
						if _, err := t.putExecution(id, e, true); err != nil {
							return err
						}
					}
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkJobCycle runs the cycle of jobs with 64 workers.
func BenchmarkJobCycle(b *testing.B) {
	for _, past := range []int{0, 200_000} {
		b.Run(fmt.Sprintf("past=%d", past), func(b *testing.B) {
			s, ids := benchStore(b, 64, past)
			db := s.Driver.(*Driver).db
			before, cpu := db.Stats(), processCPU(b)
			n := float64(storetest.JobCycle(b, s, ids, b.N))
			after := db.Stats()
			b.ReportMetric((processCPU(b)-cpu)*1e6/n, "µs-cpu/call")
			b.ReportMetric(float64(after.Calls-before.Calls)/float64(after.Groups-before.Groups), "calls/commit")
		})
	}
}

// processCPU is the processor time this process used so far, in seconds.
func processCPU(b *testing.B) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

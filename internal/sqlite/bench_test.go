package sqlite

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

const jobs = `
CREATE TABLE job (id INTEGER PRIMARY KEY, status TEXT NOT NULL, nonce TEXT NOT NULL, data BLOB NOT NULL, updated INTEGER NOT NULL) STRICT;
CREATE INDEX job_status ON job (status, updated);
CREATE TABLE action (id INTEGER PRIMARY KEY, status TEXT NOT NULL, summary TEXT NOT NULL) STRICT;
CREATE TABLE event (id INTEGER PRIMARY KEY, job INTEGER NOT NULL, kind TEXT NOT NULL, detail TEXT NOT NULL) STRICT;
CREATE TABLE outbox (id INTEGER PRIMARY KEY, job INTEGER NOT NULL, body BLOB NOT NULL) STRICT;`

// step is a transaction in the shape of a job call: a select by key, two
// updates and two inserts.
func step(id, now int64, nonce string, body []byte) func(*Tx) error {
	return func(tx *Tx) error {
		r, ok := tx.QueryRow(`SELECT status, nonce, data, updated FROM job WHERE id = ?`, id)
		if !ok {
			return fmt.Errorf("no job %d: %w", id, r.Err())
		}
		status := "InProgress"
		if r.Text(0) == status {
			status = "Queued"
		}
		_, _, _ = r.Text(1), r.RawBytes(2), r.Int64(3)
		if err := tx.Exec(`UPDATE job SET status = ?, nonce = ?, updated = ? WHERE id = ?`, status, nonce, now, id); err != nil {
			return err
		}
		if err := tx.Exec(`UPDATE action SET status = ?, summary = ? WHERE id = ?`, status, nonce, id); err != nil {
			return err
		}
		if err := tx.Exec(`INSERT INTO event (job, kind, detail) VALUES (?, ?, ?)`, id, "job", nonce); err != nil {
			return err
		}
		return tx.Exec(`INSERT INTO outbox (job, body) VALUES (?, ?)`, id, body)
	}
}

func BenchmarkUpdate(b *testing.B) {
	for _, callers := range []int{1, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			const rows = 10_000
			db := open(b, Options{Migrations: schema(jobs)})
			data := []byte(strings.Repeat("configuration ", 40))
			err := db.Update(b.Context(), func(tx *Tx) error {
				for i := range rows {
					if err := tx.Exec(`INSERT INTO job VALUES (?, 'Queued', 'n', ?, 0)`, i, data); err != nil {
						return err
					}
					if err := tx.Exec(`INSERT INTO action VALUES (?, 'Queued', '')`, i); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
			before := db.Stats()
			took := make([]time.Duration, b.N)
			cpu := processCPU(b)
			var next atomic.Int64
			b.ReportAllocs()
			b.ResetTimer()
			done := make(chan error, callers)
			for range callers {
				go func() {
					for {
						n := next.Add(1)
						if n > int64(b.N) {
							done <- nil
							return
						}
						start := time.Now()
						if err := db.Update(b.Context(), step(n*7919%rows, n, "0123456789abcdef", data[:200])); err != nil {
							done <- err
							return
						}
						took[n-1] = time.Since(start)
					}
				}()
			}
			for range callers {
				if err := <-done; err != nil {
					b.Error(err)
				}
			}
			b.StopTimer()
			after := db.Stats()
			slices.Sort(took)
			b.ReportMetric(float64(took[b.N/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(took[b.N*99/100].Microseconds()), "p99-µs")
			b.ReportMetric(float64(took[b.N-1].Microseconds()), "max-µs")
			b.ReportMetric(float64(after.Checkpoints-before.Checkpoints), "checkpoints")
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
			b.ReportMetric((processCPU(b)-cpu)*1e6/float64(b.N), "µs-cpu/op")
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

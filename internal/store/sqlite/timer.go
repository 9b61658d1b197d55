package sqlite

import (
	"math"
	"time"

	"penstock/internal/core/engine"
	"penstock/internal/store"
)

func (v *reader) Due(now time.Time, limit int) ([]store.DueTimer, error) {
	var due []store.DueTimer
	rows := v.tx.Query(`SELECT at, kind, id, execution, pipeline_id FROM timer WHERE at <= ? ORDER BY at, id, kind LIMIT ?`, millis(now), limit)
	for rows.Next() {
		due = append(due, store.DueTimer{PipelineID: rows.Int64(4), Timer: engine.Timer{
			At: fromMillis(rows.Int64(0)), Kind: engine.TimerKind(rows.Text(1)), ID: rows.Text(2), Execution: rows.Text(3),
		}})
	}
	return due, rows.Err()
}

// NextTimer also notes what the caller now knows: only earlier timers are
// worth a hint. Until it knows, all are.
func (v *reader) NextTimer() (time.Time, error) {
	v.d.earliest.Store(math.MaxInt64)
	r, ok := v.tx.QueryRow(`SELECT min(at) FROM timer`)
	if !ok || r.IsNull(0) {
		return time.Time{}, r.Err()
	}
	at := r.Int64(0)
	v.d.earliest.CompareAndSwap(math.MaxInt64, at)
	return fromMillis(at), nil
}

// Timers implements store.Driver.
func (d *Driver) Timers() <-chan struct{} { return d.timers }

// timerSet gives a hint for a committed timer.
func (d *Driver) timerSet(at int64) {
	if at >= d.earliest.Load() {
		return
	}
	d.earliest.Store(at)
	select {
	case d.timers <- struct{}{}:
	default:
	}
}

func (t *txn) setTimer(pipelineID int64, timer engine.Timer) error {
	at := millis(timer.At)
	t.noteTimer(at)
	return t.tx.Exec(`INSERT INTO timer (at, id, kind, execution, pipeline_id) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT DO NOTHING`, at, timer.ID, string(timer.Kind), timer.Execution, pipelineID)
}

func (t *txn) moveTimer(c engine.TimerMoved) error {
	at := millis(c.To)
	t.noteTimer(at)
	return t.tx.Exec(`UPDATE timer SET at = ? WHERE at = ? AND id = ? AND kind = ?`, at, millis(c.Timer.At), c.Timer.ID, string(c.Timer.Kind))
}

// noteTimer keeps the earliest time for the hint of the commit.
func (t *txn) noteTimer(at int64) {
	t.atCommit()
	if t.timer == 0 || at < t.timer {
		t.timer = at
	}
}

func (t *txn) ClearTimer(timer engine.Timer) error {
	return t.tx.Exec(`DELETE FROM timer WHERE at = ? AND id = ? AND kind = ?`, millis(timer.At), timer.ID, string(timer.Kind))
}

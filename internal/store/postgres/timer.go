package postgres

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"penstock/internal/core/engine"
	"penstock/internal/store"
)

func (v *reader) Due(now time.Time, limit int) ([]store.DueTimer, error) {
	var due []store.DueTimer
	err := v.query(`SELECT at, kind, id, execution, pipeline_id FROM timer WHERE at <= $1 ORDER BY at, id, kind LIMIT $2`, func(r pgx.Rows) error {
		var at int64
		var kind string
		var t store.DueTimer
		err := r.Scan(&at, &kind, &t.ID, &t.Execution, &t.PipelineID)
		t.At, t.Kind = fromMillis(at), engine.TimerKind(kind)
		due = append(due, t)
		return err
	}, millis(now), limit)
	return due, err
}

// firstTimer is when the next timer is due.
const firstTimer = `SELECT at FROM timer ORDER BY at LIMIT 1`

// NextTimer also notes what the caller now knows: only earlier timers are
// worth a hint. Until it knows, all are.
func (v *reader) NextTimer() (time.Time, error) {
	v.d.earliest.Store(math.MaxInt64)
	at, err := v.number(firstTimer)
	if err != nil || at == 0 {
		return time.Time{}, err
	}
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
	d.hintTimer()
}

func (d *Driver) hintTimer() {
	select {
	case d.timers <- struct{}{}:
	default:
	}
}

// lookForTimers finds what another node has set and could not tell of.
func (d *Driver) lookForTimers(ctx context.Context) error {
	var at int64
	err := d.quick.QueryRow(ctx, firstTimer).Scan(&at)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err == nil {
		d.timerSet(at)
	}
	return err
}

func (t *txn) setTimer(pipelineID int64, timer engine.Timer) error {
	at := millis(timer.At)
	t.noteTimer(at)
	return t.put(row{table: "timer", id: timer.ID}, `INSERT INTO timer (at, id, kind, execution, pipeline_id)
		SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::bigint[]) LIMIT $6 ON CONFLICT DO NOTHING`,
		at, timer.ID, string(timer.Kind), timer.Execution, pipelineID)
}

func (t *txn) moveTimer(c engine.TimerMoved) error {
	at := millis(c.To)
	t.noteTimer(at)
	return t.put(row{table: "timer", id: c.Timer.ID}, `UPDATE timer SET at = w.later
		FROM (SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[]) LIMIT $5) AS w (at, id, kind, later)
		WHERE timer.at = w.at AND timer.id = w.id AND timer.kind = w.kind`, millis(c.Timer.At), c.Timer.ID, string(c.Timer.Kind), at)
}

// noteTimer keeps the earliest time for the hint of the commit.
func (t *txn) noteTimer(at int64) {
	if t.timer == 0 || at < t.timer {
		t.timer = at
	}
}

func (t *txn) ClearTimer(timer engine.Timer) error {
	return t.put(row{table: "timer", id: timer.ID}, `DELETE FROM timer
		USING (SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[]) LIMIT $4) AS w (at, id, kind)
		WHERE timer.at = w.at AND timer.id = w.id AND timer.kind = w.kind`, millis(timer.At), timer.ID, string(timer.Kind))
}

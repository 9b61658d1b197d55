package sqlite

import (
	"fmt"
	"testing"
	"time"

	"penstock/internal/sqlite"
	"penstock/internal/store"
)

// TestPurgeOfDeliveries: what may come again takes no room.
func TestPurgeOfDeliveries(t *testing.T) {
	t.Parallel()
	s, _ := benchStore(t, 1, 0)
	d := s.Driver.(*Driver)
	start := time.Date(2026, 10, 2, 12, 0, 0, 0, time.UTC)
	err := d.Update(t.Context(), func(tx store.Tx) error {
		for i := range 10 {
			if fresh, err := tx.Delivered(1, fmt.Sprint(i), start.Add(time.Duration(i)*time.Minute)); err != nil || !fresh {
				return fmt.Errorf("delivery %d: fresh is %v, %w", i, fresh, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	now := start.Add(store.DeliveryRetention + 4*time.Minute)
	steps := 0
	for more := true; more; steps++ {
		err := d.Update(t.Context(), func(tx store.Tx) (err error) {
			more, err = tx.Purge(now, 2)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	left := int64(-1)
	err = d.db.View(t.Context(), func(tx *sqlite.Tx) error {
		r, ok := tx.QueryRow(`SELECT count(*) FROM webhook_delivery`)
		if !ok {
			return r.Err()
		}
		left = r.Int64(0)
		return nil
	})
	if err != nil || left != 5 || steps < 3 {
		t.Errorf("%d deliveries are left after %d steps, want the 5 of the last hour: %v", left, steps, err)
	}
}

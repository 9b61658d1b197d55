package scheduler

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing/synctest"
	"time"

	"penstock/internal/store"
)

// A schedule that fails is tried again and holds up no other.
func schedulesFire() scenario {
	var mu sync.Mutex
	var took []string
	var broken bool
	var s *Schedules
	rule := func(name string, due time.Time) store.EventRule {
		return store.EventRule{Account: account, Region: region, Name: name, Schedule: "rate(1 hour)", Enabled: true, Due: due}
	}
	return scenario{"schedules", func(f *fixture) {
		s = NewSchedules(Schedules{Store: f.Store, Log: quiet(), Turn: func(ctx context.Context, r store.EventRule) error {
			mu.Lock()
			defer mu.Unlock()
			if broken && r.Name == "a" {
				return errors.New("the disk is gone")
			}
			took = append(took, r.Name)
			return f.Update(ctx, func(tx store.Tx) error {
				_, err := tx.ClaimEventRule(r, r.Due.Add(time.Hour))
				return err
			})
		}})
		f.run(s.Run)
	}, func(f *fixture) {
		expect := func(when, want string) {
			f.Helper()
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			if got := strings.Join(took, " "); got != want {
				f.Errorf("%s: %q took their turns, want %q", when, got, want)
			}
			took = nil
		}
		sleep(10 * time.Second) // the loop sleeps when the rules come
		begin := time.Now()
		f.update(func(tx store.Tx) error {
			return errors.Join(tx.PutEventRule(rule("a", begin.Add(30*time.Second))), tx.PutEventRule(rule("b", begin.Add(30*time.Second))))
		})
		s.Changed()
		sleep(30*time.Second - time.Millisecond)
		expect("before the time", "")
		sleep(time.Millisecond)
		expect("at the time", "a b")
		mu.Lock()
		broken = true
		mu.Unlock()
		sleep(time.Hour)
		expect("one fails", "b")
		mu.Lock()
		broken = false
		mu.Unlock()
		sleep(retryAfter)
		expect("it works again", "a")
		f.update(func(tx store.Tx) error { return tx.PutEventRule(rule("c", time.Now().Add(time.Second))) }) // without a hint, as on another server
		sleep(longestSleep)
		expect("a rule of another server", "c")
	}}
}

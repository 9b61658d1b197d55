package eventbridge

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"penstock/internal/core/eventrule"
	"penstock/internal/store"
)

// Turn starts the targets of a rule whose schedule has come, and sets when it
// comes next, in one transaction. Turns that were missed while no server ran
// are one turn. When the rule has changed, or another server has taken the
// turn, nothing happens.
func (b *Bus) Turn(ctx context.Context, due store.EventRule) error {
	var done []outcome
	err := b.store.Update(ctx, func(tx store.Tx) error {
		done = nil
		rule, err := tx.EventRule(due.Account, due.Region, due.Name)
		if errors.Is(err, store.ErrNotFound) || err == nil && !rule.Due.Equal(due.Due) {
			return nil
		}
		if err != nil {
			return err
		}
		now := b.store.Now()
		next := time.Time{}
		schedule, err := eventrule.ParseSchedule(rule.Schedule)
		if rule.Enabled && err == nil {
			next = schedule.Next(rule.Due, now)
		}
		claimed, err := tx.ClaimEventRule(rule, next)
		if err != nil || !claimed || !rule.Enabled {
			return err
		}
		ev, err := b.scheduled(&rule, now)
		if err != nil {
			return err
		}
		starts := make([]start, len(rule.Targets))
		for i := range rule.Targets {
			starts[i] = start{&rule, &rule.Targets[i], ev}
		}
		done, err = b.startAll(tx, starts)
		return err
	})
	b.tell(done, err)
	return err
}

// scheduled is the event that the targets of a schedule get.
func (b *Bus) scheduled(rule *store.EventRule, now time.Time) (*Event, error) {
	return newEvent(envelope{
		ID: b.store.NewID(), DetailType: "Scheduled Event", Source: "aws.events", Account: rule.Account,
		Time: rule.Due.Format(toSeconds), Region: rule.Region, Resources: []string{rule.ARN()}, Detail: json.RawMessage("{}"),
	}, now)
}

// dueAt returns when the schedule of a rule comes first from now on; zero when
// it does not.
func dueAt(rule *store.EventRule, now time.Time) time.Time {
	schedule, err := eventrule.ParseSchedule(rule.Schedule)
	if err != nil || !rule.Enabled {
		return time.Time{}
	}
	return schedule.First(now)
}

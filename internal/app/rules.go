package app

import (
	"cmp"
	"context"
	"maps"
	"strings"

	"penstock/internal/api"
	"penstock/internal/blob"
	"penstock/internal/control"
	"penstock/internal/eventbridge"
	"penstock/internal/scheduler"
)

// rules are what starts pipelines by events and schedules.
type rules struct {
	bus       *eventbridge.Bus
	schedules *scheduler.Schedules
	follower  *eventbridge.Follower
}

func (a *App) openRules(ctx context.Context) error {
	bus := eventbridge.NewBus(a.store, a.log)
	a.rules = rules{
		bus:       bus,
		schedules: scheduler.NewSchedules(scheduler.Schedules{Store: a.store, Log: a.log, Turn: bus.Turn}),
		follower:  eventbridge.NewFollower(bus),
	}
	return a.rules.follower.Load(ctx)
}

// extraOperations are the operations beside CodePipeline's.
func (a *App) extraOperations(ctl *control.Service) map[string]api.ExtraOperation {
	all := ctl.Operations()
	events := &eventbridge.Service{Bus: a.rules.bus, SchedulesChanged: a.rules.schedules.Changed, MaxRules: a.cfg.MaxEventRules}
	maps.Copy(all, events.Operations())
	return all
}

// defaultRegion is where a bucket lies that names no region, as at AWS.
const defaultRegion = "us-east-1"

// objectWritten tells of a new version of an object in the embedded store.
func (a *App) objectWritten(w blob.Written) {
	a.sources.ObjectChanged(w.Bucket, w.Key)
	if w.Bucket == reservedBucket {
		return
	}
	a.rules.bus.ObjectCreated(eventbridge.Object{
		Account: cmp.Or(w.Owner, a.cfg.Account), Region: cmp.Or(w.Region, defaultRegion), Bucket: w.Bucket, Key: w.Key,
		VersionID: w.VersionID, ETag: strings.Trim(w.ETag, `"`), Size: w.Size, Operation: w.Operation, At: a.store.Now(),
	})
}

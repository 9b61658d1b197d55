package eventbridge

import (
	"context"
	"log/slog"

	"penstock/internal/store"
)

// Bus is the default event bus of every account and region. Its rules start
// pipelines.
type Bus struct {
	store *store.Store
	log   *slog.Logger
	rules rules
}

// NewBus returns the bus.
func NewBus(s *store.Store, log *slog.Logger) *Bus { return &Bus{store: s, log: log} }

// start is one target of a rule and the event that it gets.
type start struct {
	rule   *store.EventRule
	target *store.EventTarget
	event  *Event
}

// matches adds what an event starts to list.
func (b *Bus) matches(r store.Reader, e *Event, list []start) ([]start, error) {
	listeners, err := b.rules.at(r, e.account, e.region)
	if err != nil {
		return nil, err
	}
	for i := range listeners {
		l := &listeners[i]
		if e.at.Before(l.Since) {
			continue
		}
		ok, err := l.pattern.Matches(e.doc)
		if err != nil {
			b.log.Warn("an event was not matched", "rule", l.ARN(), "error", err)
		}
		if !ok {
			continue
		}
		for j := range l.Targets {
			list = append(list, start{&l.EventRule, &l.Targets[j], e})
		}
	}
	return list, nil
}

// publish has the rules take events. When it returns nil, what they start has
// started for good.
func (b *Bus) publish(ctx context.Context, events ...*Event) error {
	var starts []start
	err := b.store.View(ctx, func(r store.Reader) (err error) {
		starts = nil
		for _, e := range events {
			if starts, err = b.matches(r, e, starts); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || len(starts) == 0 {
		return err
	}
	var done []outcome
	err = b.store.Update(ctx, func(tx store.Tx) (err error) {
		done, err = b.startAll(tx, starts)
		return err
	})
	b.tell(done, err)
	return err
}

// outcome is what became of a start.
type outcome struct {
	start
	execution string
	refused   error
}

// startAll starts pipelines. What a pipeline refuses is an outcome, not an
// error: it holds up nothing else.
func (b *Bus) startAll(tx store.Tx, starts []start) (done []outcome, err error) {
	for _, s := range starts {
		o := outcome{start: s}
		if o.execution, err = b.one(tx, s); err != nil {
			refused, ok := asRefusal(err)
			if !ok {
				return nil, err
			}
			o.refused = refused
		}
		done = append(done, o)
	}
	return done, nil
}

// tell logs what rules did.
func (b *Bus) tell(done []outcome, err error) {
	if err != nil {
		return
	}
	for _, o := range done {
		if o.refused != nil {
			b.log.Warn("a rule could not start its target", "rule", o.rule.ARN(), "target", o.target.ARN, "error", o.refused)
		} else {
			b.log.Info("a rule started an execution", "rule", o.rule.ARN(), "target", o.target.ARN, "execution", o.execution)
		}
	}
}

package app

import (
	"context"
	"fmt"

	"penstock/internal/event"
)

// addSinks makes a feed for each sink of events that is configured. A sink
// keeps its place by its name, also when its file or URL becomes another one.
func (a *App) addSinks(ctx context.Context) error {
	if a.cfg.EventFile != "" {
		s, err := event.OpenFile(a.cfg.EventFile)
		if err != nil {
			return fmt.Errorf("--event-file: %w", err)
		}
		if err := a.addFeed(ctx, &event.Feed{Name: "file", Sink: s}); err != nil {
			return err
		}
	}
	if a.cfg.EventURL != "" {
		s, err := event.NewHTTP(a.cfg.EventURL, a.cfg.EventSecret, a.clock)
		if err != nil {
			return fmt.Errorf("--event-url: %w", err)
		}
		if err := a.addFeed(ctx, &event.Feed{Name: "http", Sink: s}); err != nil {
			return err
		}
	}
	return a.addApprovals(ctx)
}

// addFeed adds a feed that has its name and its sink.
func (a *App) addFeed(ctx context.Context, f *event.Feed) error {
	f.Store, f.Log, f.Meter = a.store, a.log, a.metrics.EventSink(f.Name)
	a.feeds = append(a.feeds, f)
	return f.Load(ctx)
}

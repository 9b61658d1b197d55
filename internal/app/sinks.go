package app

import (
	"context"
	"fmt"
	"time"

	"penstock/internal/event"
)

// addSinks makes a feed for each sink of events that is configured. A sink
// keeps its place by its name, also when its file or URL becomes another one.
func (a *App) addSinks(ctx context.Context) error {
	add := func(name string, s event.Sink) error {
		f := &event.Feed{Name: name, Sink: s, Store: a.store, Log: a.log, Meter: a.metrics.EventSink(name)}
		a.feeds = append(a.feeds, f)
		return f.Load(ctx)
	}
	if a.cfg.EventFile != "" {
		s, err := event.OpenFile(a.cfg.EventFile)
		if err != nil {
			return fmt.Errorf("--event-file: %w", err)
		}
		if err := add("file", s); err != nil {
			return err
		}
	}
	if a.cfg.EventURL != "" {
		s, err := event.NewHTTP(a.cfg.EventURL, a.cfg.EventSecret, time.Now)
		if err != nil {
			return fmt.Errorf("--event-url: %w", err)
		}
		return add("http", s)
	}
	return nil
}

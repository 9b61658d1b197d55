package app

import (
	"fmt"
	"time"

	"penstock/internal/event"
)

// addSinks makes a feed for each sink of events that is configured. A sink
// keeps its place by its name, also when its file or URL becomes another one.
func (a *App) addSinks() error {
	add := func(name string, s event.Sink) {
		a.feeds = append(a.feeds, &event.Feed{
			Name: name, Sink: s, Store: a.store, Log: a.log, Meter: a.metrics.EventSink(name),
		})
	}
	if a.cfg.EventFile != "" {
		s, err := event.OpenFile(a.cfg.EventFile)
		if err != nil {
			return fmt.Errorf("--event-file: %w", err)
		}
		add("file", s)
	}
	if a.cfg.EventURL != "" {
		s, err := event.NewHTTP(a.cfg.EventURL, a.cfg.EventSecret, time.Now)
		if err != nil {
			return fmt.Errorf("--event-url: %w", err)
		}
		add("http", s)
	}
	return nil
}

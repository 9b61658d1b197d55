package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"penstock/internal/core/engine"
	"penstock/internal/event"
	"penstock/internal/event/snssink"
	"penstock/internal/store"
)

// addApprovals makes the feeds that bring the requests of manual approvals to
// their topics: one for each topic that is a URL, so that none waits for
// another, and one for all others if there is an SNS.
func (a *App) addApprovals(ctx context.Context) error {
	cfg := a.cfg.Approval
	add := func(name string, sink event.Sink, wants func(string) bool) error {
		requests := event.Approvals{Wants: wants, Base: a.publicURL}
		return a.addFeed(ctx, &event.Feed{Name: name, Sink: sink, Render: requests.Render})
	}
	for _, topic := range slices.Sorted(maps.Keys(cfg.Topics)) {
		sink, err := event.NewHTTP(cfg.Topics[topic], cfg.Secret, a.clock)
		if err != nil {
			return fmt.Errorf("--approval-topic %s: %w", topic, err)
		}
		if err := add("approval "+topic, sink, func(t string) bool { return t == topic }); err != nil {
			return err
		}
	}
	if !cfg.SNS() {
		return nil
	}
	cloud, err := a.cloud(ctx)
	if err != nil {
		return err
	}
	sink := snssink.New(snssink.Options{AWS: cloud, Endpoint: cfg.SNSEndpoint, Refused: a.refusedRequest})
	return add("approval sns", sink, func(t string) bool { _, posted := cfg.Topics[t]; return !posted })
}

// refusedRequest fails an approval whose topic does not take its request, as
// AWS does: nobody would learn of it.
func (a *App) refusedRequest(ctx context.Context, n *event.Notice, code, message string) error {
	a.log.Warn("a topic refuses an approval request, and the approval fails", "topic", n.Topic, "code", code, "message", message)
	kind := engine.ConfigurationError
	if code[0] == 'A' { // AuthorizationError, AccessDenied
		kind = engine.PermissionError
	}
	err := a.store.Update(ctx, func(tx store.Tx) error {
		_, err := a.store.Step(tx, n.PipelineID, engine.FailApproval{
			Execution: n.Execution, Stage: n.Stage, Token: n.Token,
			Type: kind, Message: "The approval request could not be sent to the topic " + n.Topic + ": " + code + ": " + message,
		})
		return err
	})
	if errors.Is(err, store.ErrNotFound) { // the pipeline was deleted
		return nil
	}
	return err
}

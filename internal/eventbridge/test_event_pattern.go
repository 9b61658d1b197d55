package eventbridge

import (
	"context"

	"penstock/internal/auth"
)

// TestEventPatternInput is a pattern and an event, both as JSON.
type TestEventPatternInput struct{ EventPattern, Event string }

// TestEventPatternOutput says whether the pattern is for the event.
type TestEventPatternOutput struct{ Result bool }

func (in *TestEventPatternInput) check(c *checker) {
	c.text("eventPattern", in.EventPattern, 4096)
	c.text("event", in.Event, maxInput)
}

// testEventPattern matches an event, which must have the members that all
// events have.
func (s *Service) testEventPattern(_ context.Context, who auth.Principal, in *TestEventPatternInput) (*TestEventPatternOutput, error) {
	p, err := patternOf(in.EventPattern)
	if err != nil {
		return nil, err
	}
	e, err := readEvent(who.Account, who.Region, []byte(in.Event), s.Bus.store.Now())
	if err != nil {
		return nil, invalid("Parameter Event is not valid. Reason: %v", err)
	}
	members, ok := e.doc.(map[string]any)
	if !ok {
		return nil, invalid("Parameter Event is not valid. Reason: it must be a JSON object")
	}
	for _, name := range []string{"id", "account", "source", "time", "region", "resources", "detail-type"} {
		if _, ok := members[name]; !ok {
			return nil, invalid("Parameter Event is not valid. Reason: it must have %s", name)
		}
	}
	result, err := p.Matches(e.doc)
	if err != nil {
		return nil, invalid("Parameter Event is not valid. Reason: %v", err)
	}
	return &TestEventPatternOutput{Result: result}, nil
}

package eventbridge

import (
	"context"
	"errors"

	"penstock/internal/api"
	"penstock/internal/auth"
	"penstock/internal/core/fault"
	"penstock/internal/store"
)

// Service implements the operations of EventBridge that rules for pipelines
// need, on the default event bus.
type Service struct {
	Bus *Bus
	// SchedulesChanged is told that a schedule may come before all others.
	SchedulesChanged func()
	// MaxRules is the quota of an account in a region.
	MaxRules int
}

// MaxTargets is how many targets a rule can have.
const MaxTargets = 5

// Operations are the operations by target.
func (s *Service) Operations() map[string]api.ExtraOperation {
	return map[string]api.ExtraOperation{
		"AWSEvents.PutRule":               operation(s.putRule),
		"AWSEvents.DescribeRule":          operation(s.describeRule),
		"AWSEvents.ListRules":             operation(s.listRules),
		"AWSEvents.DeleteRule":            operation(s.deleteRule),
		"AWSEvents.EnableRule":            operation(s.enableRule),
		"AWSEvents.DisableRule":           operation(s.disableRule),
		"AWSEvents.PutTargets":            operation(s.putTargets),
		"AWSEvents.RemoveTargets":         operation(s.removeTargets),
		"AWSEvents.ListTargetsByRule":     operation(s.listTargetsByRule),
		"AWSEvents.ListRuleNamesByTarget": operation(s.listRuleNamesByTarget),
		"AWSEvents.PutEvents":             operation(s.putEvents),
		"AWSEvents.TestEventPattern":      operation(s.testEventPattern),
		"AWSEvents.TagResource":           operation(s.tagResource),
		"AWSEvents.UntagResource":         operation(s.untagResource),
		"AWSEvents.ListTagsForResource":   operation(s.listTagsForResource),
	}
}

// input is what an operation takes.
type input[T any] interface {
	*T
	// check reports what of the model's constraints is broken.
	check(c *checker)
}

// operation adapts a typed function: it checks the input and finds the caller.
func operation[In, Out any, P input[In]](fn func(ctx context.Context, who auth.Principal, in *In) (*Out, error)) api.ExtraOperation {
	return api.Extra(func(ctx context.Context, in *In) (*Out, error) {
		who, ok := auth.PrincipalFrom(ctx)
		if !ok {
			return nil, errors.New("eventbridge: no principal in the context")
		}
		var c checker
		P(in).check(&c)
		if err := c.err(); err != nil {
			return nil, err
		}
		return fn(ctx, who, in)
	})
}

// nothing is the output of operations that answer nothing.
type nothing struct{}

func invalid(format string, args ...any) error {
	return fault.New("ValidationException", format, args...)
}

// defaultBus refuses every event bus but the one there is.
func defaultBus(who auth.Principal, name string) error {
	if name == "" || name == busName || name == "arn:aws:events:"+who.Region+":"+who.Account+":event-bus/"+busName {
		return nil
	}
	return fault.New("ResourceNotFoundException", "Event bus %s does not exist: Penstock has the default event bus only.", name)
}

const busName = "default"

// find returns a rule of the caller, or ResourceNotFoundException.
func find(r store.Reader, who auth.Principal, name string) (store.EventRule, error) {
	rule, err := r.EventRule(who.Account, who.Region, name)
	if errors.Is(err, store.ErrNotFound) {
		err = fault.New("ResourceNotFoundException", "Rule %s does not exist on EventBus default.", name)
	}
	return rule, err
}

// change loads a rule of the caller, lets fn change it, and saves it.
func (s *Service) change(ctx context.Context, who auth.Principal, bus, name string, fn func(r *store.EventRule) error) error {
	if err := defaultBus(who, bus); err != nil {
		return err
	}
	err := s.Bus.store.Update(ctx, func(tx store.Tx) error {
		rule, err := find(tx, who, name)
		if err != nil {
			return err
		}
		if err := fn(&rule); err != nil {
			return err
		}
		return tx.PutEventRule(rule)
	})
	if err == nil {
		s.SchedulesChanged()
	}
	return err
}

// view reads what is the caller's on the bus.
func (s *Service) view(ctx context.Context, who auth.Principal, bus string, fn func(r store.Reader) error) error {
	if err := defaultBus(who, bus); err != nil {
		return err
	}
	return s.Bus.store.View(ctx, fn)
}

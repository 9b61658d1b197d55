package eventbridge

import (
	"context"
	"fmt"
	"slices"

	"penstock/internal/auth"
	"penstock/internal/store"
)

// RemoveTargetsInput names targets of a rule.
type RemoveTargetsInput struct {
	Rule, EventBusName string
	Ids                []string
}

func (in *RemoveTargetsInput) check(c *checker) {
	c.name("rule", in.Rule)
	c.length("eventBusName", in.EventBusName, 1600)
	c.size("ids", len(in.Ids), 1, 100)
	for i, id := range in.Ids {
		c.name(fmt.Sprintf("ids.%d.member", i+1), id)
	}
}

// removeTargets removes targets; ids that are not there are ignored.
func (s *Service) removeTargets(ctx context.Context, who auth.Principal, in *RemoveTargetsInput) (*TargetsOutput, error) {
	err := s.change(ctx, who, in.EventBusName, in.Rule, func(r *store.EventRule) error {
		r.Targets = slices.DeleteFunc(slices.Clone(r.Targets), func(t store.EventTarget) bool { return slices.Contains(in.Ids, t.ID) })
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &TargetsOutput{FailedEntries: []nothing{}}, nil
}

package eventbridge

import (
	"context"
	"time"

	"penstock/internal/auth"
	"penstock/internal/store"
)

// enableRule has a rule listen, from now on; its schedule begins anew.
func (s *Service) enableRule(ctx context.Context, who auth.Principal, in *RuleInput) (*nothing, error) {
	return nil, s.change(ctx, who, in.EventBusName, in.Name, func(r *store.EventRule) error {
		if !r.Enabled {
			now := s.Bus.store.Now()
			r.Enabled, r.Since = true, now
			r.Due = dueAt(r, now)
		}
		return nil
	})
}

// disableRule has a rule start nothing until it is enabled.
func (s *Service) disableRule(ctx context.Context, who auth.Principal, in *RuleInput) (*nothing, error) {
	return nil, s.change(ctx, who, in.EventBusName, in.Name, func(r *store.EventRule) error {
		r.Enabled, r.Due = false, time.Time{}
		return nil
	})
}

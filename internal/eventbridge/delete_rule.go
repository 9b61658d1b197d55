package eventbridge

import (
	"context"
	"errors"

	"penstock/internal/auth"
	"penstock/internal/core/fault"
	"penstock/internal/store"
)

// deleteRule removes a rule without targets. One that does not exist is no
// error.
func (s *Service) deleteRule(ctx context.Context, who auth.Principal, in *RuleInput) (*nothing, error) {
	if err := defaultBus(who, in.EventBusName); err != nil {
		return nil, err
	}
	return nil, s.Bus.store.Update(ctx, func(tx store.Tx) error {
		rule, err := tx.EventRule(who.Account, who.Region, in.Name)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if len(rule.Targets) > 0 {
			return fault.New("ValidationException", "Rule can't be deleted since it has targets.")
		}
		return tx.DeleteEventRule(who.Account, who.Region, in.Name)
	})
}

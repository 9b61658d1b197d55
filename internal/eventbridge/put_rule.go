package eventbridge

import (
	"context"
	"errors"
	"unicode/utf8"

	"penstock/internal/auth"
	"penstock/internal/core/eventrule"
	"penstock/internal/core/fault"
	"penstock/internal/store"
)

// PutRuleInput makes or changes a rule.
type PutRuleInput struct {
	Name, ScheduleExpression, EventPattern, State, Description, RoleArn, EventBusName string
	Tags                                                                              []Tag
}

// PutRuleOutput is the answer of PutRule.
type PutRuleOutput struct{ RuleArn string }

// The states of a rule.
const (
	enabled  = "ENABLED"
	disabled = "DISABLED"
)

func (in *PutRuleInput) check(c *checker) {
	c.name("name", in.Name)
	c.length("scheduleExpression", in.ScheduleExpression, eventrule.MaxSchedule)
	c.length("eventPattern", in.EventPattern, 4096)
	c.length("description", in.Description, 512)
	c.length("roleArn", in.RoleArn, 1600)
	c.length("eventBusName", in.EventBusName, 1600)
	c.tags(in.Tags)
	switch in.State {
	case "", enabled, disabled:
	default:
		c.broken("state", "satisfy enum value set: [%s, %s]", enabled, disabled)
	}
}

// putRule makes a rule, or replaces what the one of the name says and keeps its
// targets and tags.
func (s *Service) putRule(ctx context.Context, who auth.Principal, in *PutRuleInput) (*PutRuleOutput, error) {
	if err := defaultBus(who, in.EventBusName); err != nil {
		return nil, err
	}
	if err := in.understood(); err != nil {
		return nil, err
	}
	tags, err := tagMap(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	rule := store.EventRule{
		Account: who.Account, Region: who.Region, Name: in.Name, Pattern: in.EventPattern, Schedule: in.ScheduleExpression,
		Enabled: in.State != disabled, Description: in.Description, RoleARN: in.RoleArn,
	}
	err = s.Bus.store.Update(ctx, func(tx store.Tx) error {
		next := rule
		now := s.Bus.store.Now()
		next.Since, next.Due = now, dueAt(&next, now)
		old, err := tx.EventRule(who.Account, who.Region, in.Name)
		switch {
		case err == nil:
			next.Targets = old.Targets
			if old.Enabled && next.Enabled && old.Pattern == next.Pattern {
				next.Since = old.Since
			}
			if old.Enabled && next.Enabled && old.Schedule == next.Schedule {
				next.Due = old.Due
			}
			return tx.PutEventRule(next)
		case !errors.Is(err, store.ErrNotFound):
			return err
		}
		n, err := tx.CountEventRules(who.Account, who.Region)
		if err != nil {
			return err
		}
		if n >= s.MaxRules {
			return fault.New("LimitExceededException", "The account has reached its limit of %d rules in region %s", s.MaxRules, who.Region)
		}
		if err := tx.SetTags(next.ARN(), tags); err != nil {
			return err
		}
		return tx.PutEventRule(next)
	})
	if err != nil {
		return nil, err
	}
	s.SchedulesChanged()
	return &PutRuleOutput{RuleArn: rule.ARN()}, nil
}

// understood refuses a pattern or a schedule that cannot be read.
func (in *PutRuleInput) understood() error {
	if in.EventPattern == "" && in.ScheduleExpression == "" {
		return invalid("Parameter(s) EventPattern and/or ScheduleExpression must be specified.")
	}
	if in.EventPattern != "" {
		if _, err := patternOf(in.EventPattern); err != nil {
			return err
		}
	}
	if in.ScheduleExpression != "" {
		if _, err := eventrule.ParseSchedule(in.ScheduleExpression); err != nil {
			return invalid("Parameter ScheduleExpression is not valid. Reason: %v", err)
		}
	}
	return nil
}

// patternOf reads the pattern of a request.
func patternOf(text string) (*eventrule.Pattern, error) {
	if utf8.RuneCountInString(text) > eventrule.MaxPattern {
		return nil, fault.New("InvalidEventPatternException", "Event pattern is not valid. Reason: it has more than %d characters", eventrule.MaxPattern)
	}
	p, err := parsePattern(text)
	if err != nil {
		return nil, fault.New("InvalidEventPatternException", "Event pattern is not valid. Reason: %v", err)
	}
	return p, nil
}

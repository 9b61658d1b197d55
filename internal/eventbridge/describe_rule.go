package eventbridge

import (
	"context"

	"penstock/internal/auth"
	"penstock/internal/store"
)

// RuleInput names a rule.
type RuleInput struct{ Name, EventBusName string }

func (in *RuleInput) check(c *checker) {
	c.name("name", in.Name)
	c.length("eventBusName", in.EventBusName, 1600)
}

// Rule is a rule as it is shown.
type Rule struct {
	Name               string
	Arn                string
	EventPattern       string `json:",omitempty"`
	ScheduleExpression string `json:",omitempty"`
	State              string
	Description        string `json:",omitempty"`
	RoleArn            string `json:",omitempty"`
	EventBusName       string
}

// DescribeRuleOutput is a rule and who made it.
type DescribeRuleOutput struct {
	Rule
	CreatedBy string // account
}

func ruleTo(r *store.EventRule) Rule {
	out := Rule{
		Name: r.Name, Arn: r.ARN(), EventPattern: r.Pattern, ScheduleExpression: r.Schedule, State: disabled,
		Description: r.Description, RoleArn: r.RoleARN, EventBusName: busName,
	}
	if r.Enabled {
		out.State = enabled
	}
	return out
}

func (s *Service) describeRule(ctx context.Context, who auth.Principal, in *RuleInput) (out *DescribeRuleOutput, err error) {
	err = s.view(ctx, who, in.EventBusName, func(r store.Reader) error {
		rule, err := find(r, who, in.Name)
		out = &DescribeRuleOutput{ruleTo(&rule), who.Account}
		return err
	})
	return out, err
}

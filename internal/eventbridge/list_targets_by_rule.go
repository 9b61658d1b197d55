package eventbridge

import (
	"context"
	"slices"

	"penstock/internal/auth"
	"penstock/internal/store"
)

// ListTargetsByRuleInput asks for the targets of a rule.
type ListTargetsByRuleInput struct {
	Rule, EventBusName, NextToken string
	Limit                         *int
}

// ListTargetsByRuleOutput are targets in the order in which they were put.
type ListTargetsByRuleOutput struct {
	Targets   []Target
	NextToken string `json:",omitempty"`
}

func (in *ListTargetsByRuleInput) check(c *checker) {
	c.name("rule", in.Rule)
	c.length("eventBusName", in.EventBusName, 1600)
	c.page(in.Limit, in.NextToken)
}

func (s *Service) listTargetsByRule(ctx context.Context, who auth.Principal, in *ListTargetsByRuleInput) (*ListTargetsByRuleOutput, error) {
	last, err := lastOf(in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &ListTargetsByRuleOutput{}
	err = s.view(ctx, who, in.EventBusName, func(r store.Reader) error {
		rule, err := find(r, who, in.Rule)
		if err != nil {
			return err
		}
		list := rule.Targets
		if i := slices.IndexFunc(list, func(t store.EventTarget) bool { return t.ID == last }); i >= 0 {
			list = list[i+1:]
		}
		out.Targets, out.NextToken = []Target{}, ""
		size := pageSize(in.Limit)
		if len(list) > size {
			list, out.NextToken = list[:size], nextToken(list[size-1].ID)
		}
		for _, t := range list {
			out.Targets = append(out.Targets, targetTo(t))
		}
		return nil
	})
	return out, err
}

func targetTo(t store.EventTarget) Target {
	out := Target{Id: t.ID, Arn: t.ARN, RoleArn: t.RoleARN, Input: t.Input, InputPath: t.InputPath}
	if x := t.Transform; x != nil {
		out.InputTransformer = &InputTransformer{InputPathsMap: x.Paths, InputTemplate: x.Template}
	}
	return out
}

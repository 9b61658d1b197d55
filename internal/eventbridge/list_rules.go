package eventbridge

import (
	"context"
	"slices"
	"strings"

	"penstock/internal/auth"
	"penstock/internal/store"
)

// ListRulesInput asks for rules by the begin of their names.
type ListRulesInput struct {
	NamePrefix, EventBusName, NextToken string
	Limit                               *int
}

// ListRulesOutput are rules by name.
type ListRulesOutput struct {
	Rules     []Rule
	NextToken string `json:",omitempty"`
}

func (in *ListRulesInput) check(c *checker) {
	c.length("namePrefix", in.NamePrefix, 64)
	c.length("eventBusName", in.EventBusName, 1600)
	c.page(in.Limit, in.NextToken)
}

func (s *Service) listRules(ctx context.Context, who auth.Principal, in *ListRulesInput) (*ListRulesOutput, error) {
	out := &ListRulesOutput{Rules: []Rule{}}
	list, next, err := s.pageOfRules(ctx, who, in.EventBusName, in.NextToken, pageSize(in.Limit), func(r *store.EventRule) bool {
		return strings.HasPrefix(r.Name, in.NamePrefix)
	})
	for i := range list {
		out.Rules = append(out.Rules, ruleTo(&list[i]))
	}
	out.NextToken = next
	return out, err
}

// pageOfRules lists the caller's rules that fn picks.
func (s *Service) pageOfRules(ctx context.Context, who auth.Principal, bus, token string, size int, fn func(*store.EventRule) bool) (list []store.EventRule, next string, err error) {
	last, err := lastOf(token)
	if err != nil {
		return nil, "", err
	}
	err = s.view(ctx, who, bus, func(r store.Reader) error {
		list, next = nil, ""
		return eachRule(r, place{who.Account, who.Region}, func(rule store.EventRule) {
			switch {
			case rule.Name <= last || next != "" || !fn(&rule):
			case len(list) == size:
				next = nextToken(list[size-1].Name)
			default:
				list = append(list, rule)
			}
		})
	})
	return list, next, err
}

// ListRuleNamesByTargetInput asks for the rules that have a target.
type ListRuleNamesByTargetInput struct {
	TargetArn, EventBusName, NextToken string
	Limit                              *int
}

// ListRuleNamesByTargetOutput are names of rules.
type ListRuleNamesByTargetOutput struct {
	RuleNames []string
	NextToken string `json:",omitempty"`
}

func (in *ListRuleNamesByTargetInput) check(c *checker) {
	c.text("targetArn", in.TargetArn, 1600)
	c.length("eventBusName", in.EventBusName, 1600)
	c.page(in.Limit, in.NextToken)
}

func (s *Service) listRuleNamesByTarget(ctx context.Context, who auth.Principal, in *ListRuleNamesByTargetInput) (*ListRuleNamesByTargetOutput, error) {
	out := &ListRuleNamesByTargetOutput{RuleNames: []string{}}
	list, next, err := s.pageOfRules(ctx, who, in.EventBusName, in.NextToken, pageSize(in.Limit), func(r *store.EventRule) bool {
		return slices.ContainsFunc(r.Targets, func(t store.EventTarget) bool { return t.ARN == in.TargetArn })
	})
	for i := range list {
		out.RuleNames = append(out.RuleNames, list[i].Name)
	}
	out.NextToken = next
	return out, err
}

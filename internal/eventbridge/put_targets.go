package eventbridge

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"penstock/internal/auth"
	"penstock/internal/core/fault"
	"penstock/internal/jsonpath"
	"penstock/internal/store"
)

// Target is a target of a rule.
type Target struct {
	Id, Arn          string
	RoleArn          string            `json:",omitempty"`
	Input            string            `json:",omitempty"`
	InputPath        string            `json:",omitempty"`
	InputTransformer *InputTransformer `json:",omitempty"`
}

// InputTransformer makes the input of a target from an event.
type InputTransformer struct {
	InputPathsMap map[string]string `json:",omitempty"`
	InputTemplate string
}

// PutTargetsInput adds targets to a rule.
type PutTargetsInput struct {
	Rule, EventBusName string
	Targets            []targetInput
}

// targetInput is a target with what only targets of other kinds have.
type targetInput struct {
	Target
	Others others
}

// others are members that are set beside those of Target.
type others []string

// UnmarshalJSON implements json.Unmarshaler.
func (t *targetInput) UnmarshalJSON(b []byte) error {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(b, &all); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if strings.HasSuffix(name, "Parameters") || name == "DeadLetterConfig" || name == "RetryPolicy" {
			if string(all[name]) != "null" {
				t.Others = append(t.Others, name)
			}
		}
	}
	return json.Unmarshal(b, &t.Target)
}

// TargetsOutput is the answer of PutTargets and RemoveTargets: they do all or
// nothing.
type TargetsOutput struct {
	FailedEntryCount int
	FailedEntries    []nothing
}

func (in *PutTargetsInput) check(c *checker) {
	c.name("rule", in.Rule)
	c.length("eventBusName", in.EventBusName, 1600)
	c.size("targets", len(in.Targets), 1, 100)
	for i := range in.Targets {
		t, at := &in.Targets[i], fmt.Sprintf("targets.%d.member.", i+1)
		c.name(at+"id", t.Id)
		c.text(at+"arn", t.Arn, 1600)
		c.length(at+"roleArn", t.RoleArn, 1600)
		c.length(at+"input", t.Input, 8192)
		c.length(at+"inputPath", t.InputPath, 256)
		if x := t.InputTransformer; x != nil {
			c.text(at+"inputTransformer.inputTemplate", x.InputTemplate, 8192)
			c.size(at+"inputTransformer.inputPathsMap", len(x.InputPathsMap), 0, 100)
		}
	}
}

// putTargets adds targets, replacing those of the same id.
func (s *Service) putTargets(ctx context.Context, who auth.Principal, in *PutTargetsInput) (*TargetsOutput, error) {
	var added []store.EventTarget
	for i := range in.Targets {
		t, err := targetFrom(who, &in.Targets[i])
		if err != nil {
			return nil, err
		}
		added = append(added, t)
	}
	err := s.change(ctx, who, in.EventBusName, in.Rule, func(r *store.EventRule) error {
		list := slices.Clone(r.Targets)
		for _, t := range added {
			i := slices.IndexFunc(list, func(old store.EventTarget) bool { return old.ID == t.ID })
			if i < 0 {
				list = append(list, t)
			} else {
				list[i] = t
			}
		}
		if len(list) > MaxTargets {
			return fault.New("LimitExceededException", "The rule %s would have %d targets; a rule can have %d", r.Name, len(list), MaxTargets)
		}
		r.Targets = list
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &TargetsOutput{FailedEntries: []nothing{}}, nil
}

// targetFrom checks a target and returns it in the store's form.
func targetFrom(who auth.Principal, in *targetInput) (store.EventTarget, error) {
	t := store.EventTarget{ID: in.Id, ARN: in.Arn, RoleARN: in.RoleArn, Input: in.Input, InputPath: in.InputPath}
	refuse := func(format string, args ...any) (store.EventTarget, error) {
		return t, invalid("Target %s: %s", in.Id, fmt.Sprintf(format, args...))
	}
	if _, ok := pipelineName(in.Arn, who.Account, who.Region); !ok {
		return refuse("Arn must be that of a pipeline in this account and region, arn:aws:codepipeline:%s:%s:NAME: rules of Penstock start pipelines and nothing else", who.Region, who.Account)
	}
	if len(in.Others) > 0 {
		return refuse("%s is not available in Penstock", strings.Join(in.Others, ", "))
	}
	set := 0
	for _, given := range []bool{in.Input != "", in.InputPath != "", in.InputTransformer != nil} {
		if given {
			set++
		}
	}
	if set > 1 {
		return refuse("only one of Input, InputPath and InputTransformer can be given")
	}
	if in.Input != "" && !json.Valid([]byte(in.Input)) {
		return refuse("Input is not JSON")
	}
	if in.InputPath != "" {
		if _, err := jsonpath.Parse(in.InputPath); err != nil {
			return refuse("InputPath cannot be understood: %v", err)
		}
	}
	if x := in.InputTransformer; x != nil {
		for _, name := range slices.Sorted(maps.Keys(x.InputPathsMap)) {
			path := x.InputPathsMap[name]
			if !variablePattern.MatchString(name) || strings.HasPrefix(strings.ToLower(name), "aws") {
				return refuse("a key of InputPathsMap has 1 to 256 letters, digits, _ and -, and does not begin with AWS")
			}
			if _, err := jsonpath.Parse(path); err != nil || len(path) > 256 {
				return refuse("InputPathsMap %s cannot be understood, or has more than 256 characters: %v", name, err)
			}
		}
		t.Transform = &store.InputTransform{Paths: x.InputPathsMap, Template: x.InputTemplate}
	}
	return t, nil
}

var variablePattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)

package eventbridge

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"penstock/internal/auth"
	"penstock/internal/core/fault"
	"penstock/internal/store"
)

// Tag is a tag of a rule.
type Tag struct{ Key, Value string }

// maxTags is how many tags a rule may carry.
const maxTags = 50

// tagMap adds tags to those that a rule has.
func tagMap(old map[string]string, more []Tag) (map[string]string, error) {
	tags := map[string]string{}
	maps.Copy(tags, old)
	for _, t := range more {
		if strings.HasPrefix(strings.ToLower(t.Key), "aws:") {
			return nil, invalid("Tag keys that begin with aws: belong to the system")
		}
		tags[t.Key] = t.Value
	}
	if len(tags) > maxTags {
		return nil, fault.New("LimitExceededException", "A rule can have %d tags", maxTags)
	}
	return tags, nil
}

// TagResourceInput adds tags to a rule.
type TagResourceInput struct {
	ResourceARN string
	Tags        []Tag
}

func (in *TagResourceInput) check(c *checker) {
	c.text("resourceARN", in.ResourceARN, 1600)
	c.tags(in.Tags)
}

// tagged returns the rule that an ARN of the caller names.
func tagged(r store.Reader, who auth.Principal, arn string) (store.EventRule, error) {
	name, ok := strings.CutPrefix(arn, store.EventRuleARN(who.Account, who.Region, ""))
	if !ok {
		return store.EventRule{}, fault.New("ResourceNotFoundException", "%s does not name a rule of account %s in region %s on the default event bus", arn, who.Account, who.Region)
	}
	return find(r, who, strings.TrimPrefix(name, busName+"/"))
}

func (s *Service) changeTags(ctx context.Context, who auth.Principal, arn string, fn func(map[string]string) (map[string]string, error)) error {
	return s.Bus.store.Update(ctx, func(tx store.Tx) error {
		rule, err := tagged(tx, who, arn)
		if err != nil {
			return err
		}
		old, err := tx.Tags(rule.ARN())
		if err != nil {
			return err
		}
		tags, err := fn(old)
		if err != nil {
			return err
		}
		return tx.SetTags(rule.ARN(), tags)
	})
}

func (s *Service) tagResource(ctx context.Context, who auth.Principal, in *TagResourceInput) (*nothing, error) {
	return nil, s.changeTags(ctx, who, in.ResourceARN, func(old map[string]string) (map[string]string, error) { return tagMap(old, in.Tags) })
}

// UntagResourceInput removes tags from a rule.
type UntagResourceInput struct {
	ResourceARN string
	TagKeys     []string
}

func (in *UntagResourceInput) check(c *checker) {
	c.text("resourceARN", in.ResourceARN, 1600)
	for i, k := range in.TagKeys {
		c.text(fmt.Sprintf("tagKeys.%d.member", i+1), k, 128)
	}
}

func (s *Service) untagResource(ctx context.Context, who auth.Principal, in *UntagResourceInput) (*nothing, error) {
	return nil, s.changeTags(ctx, who, in.ResourceARN, func(old map[string]string) (map[string]string, error) {
		tags := maps.Clone(old)
		maps.DeleteFunc(tags, func(k, _ string) bool { return slices.Contains(in.TagKeys, k) })
		return tags, nil
	})
}

// ListTagsForResourceInput names a rule.
type ListTagsForResourceInput struct{ ResourceARN string }

// ListTagsForResourceOutput are the tags of a rule by key.
type ListTagsForResourceOutput struct{ Tags []Tag }

func (in *ListTagsForResourceInput) check(c *checker) { c.text("resourceARN", in.ResourceARN, 1600) }

func (s *Service) listTagsForResource(ctx context.Context, who auth.Principal, in *ListTagsForResourceInput) (*ListTagsForResourceOutput, error) {
	out := &ListTagsForResourceOutput{Tags: []Tag{}}
	err := s.Bus.store.View(ctx, func(r store.Reader) error {
		rule, err := tagged(r, who, in.ResourceARN)
		if err != nil {
			return err
		}
		tags, err := r.Tags(rule.ARN())
		for _, k := range slices.Sorted(maps.Keys(tags)) {
			out.Tags = append(out.Tags, Tag{k, tags[k]})
		}
		return err
	})
	return out, err
}

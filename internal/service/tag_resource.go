package service

import (
	"context"
	"maps"
	"slices"
	"strings"

	"penstock/internal/api"
	"penstock/internal/auth"
	"penstock/internal/core/fault"
	"penstock/internal/core/pipeline"
	"penstock/internal/store"
)

// taggable checks that the ARN names a resource of the caller that can carry
// tags and returns the ARN in the form the store uses.
func taggable(r store.Reader, who auth.Principal, arn string) (string, error) {
	bad := fault.New("InvalidArnException", "The ARN '%s' does not name a pipeline, a custom action type or a webhook of account %s in region %s", arn, who.Account, who.Region)
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[2] != "codepipeline" || parts[3] != who.Region || parts[4] != who.Account {
		return "", bad
	}
	kind, rest, typed := strings.Cut(parts[5], ":")
	switch {
	case !typed:
		if strings.Contains(kind, "/") {
			return "", bad
		}
		if _, err := r.Pipeline(who.Account, who.Region, kind); err != nil {
			return "", notTagged("The account with id '%s' does not include a pipeline with the name '%s'", who.Account, kind)
		}
		return pipelineARN(who, kind), nil
	case strings.EqualFold(kind, "actiontype"):
		id := strings.Split(strings.TrimSuffix(rest, "/"), "/")
		if len(id) != 4 || !strings.EqualFold(id[0], "Custom") {
			return "", bad
		}
		t, err := r.ActionType(who.Account, who.Region, pipeline.ActionType{Owner: "Custom", Category: id[1], Provider: id[2], Version: id[3]})
		if err != nil || t.Deleted {
			return "", notTagged("The account with id '%s' does not include the action type '%s'", who.Account, rest)
		}
		return actionTypeARN(who, t.ID), nil
	case kind == "webhook":
		if _, err := r.Webhook(who.Account, who.Region, rest); err != nil {
			return "", notTagged("The account with id '%s' does not include a webhook with the name '%s'", who.Account, rest)
		}
		return webhookARN(who, rest), nil
	}
	return "", bad
}

func notTagged(format string, args ...any) error {
	return fault.New("ResourceNotFoundException", format, args...)
}

func actionTypeARN(who auth.Principal, id pipeline.ActionType) string {
	return pipelineARN(who, "actiontype:"+id.Owner+"/"+id.Category+"/"+id.Provider+"/"+id.Version)
}

// TagResource adds tags to a pipeline, a custom action type or a webhook,
// replacing those of the same key.
func (s *Service) TagResource(ctx context.Context, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	more, err := tagsFrom(in.ResourceArn, in.Tags)
	if err != nil {
		return nil, err
	}
	return &api.TagResourceOutput{}, s.changeTags(ctx, in.ResourceArn, func(tags map[string]string) { maps.Copy(tags, more) })
}

// UntagResource removes tags; keys that are not there are ignored.
func (s *Service) UntagResource(ctx context.Context, in *api.UntagResourceInput) (*api.UntagResourceOutput, error) {
	for _, k := range in.TagKeys {
		if err := ownKey(k); err != nil {
			return nil, err
		}
	}
	return &api.UntagResourceOutput{}, s.changeTags(ctx, in.ResourceArn, func(tags map[string]string) {
		for _, k := range in.TagKeys {
			delete(tags, k)
		}
	})
}

func (s *Service) changeTags(ctx context.Context, resource string, change func(map[string]string)) error {
	who := caller(ctx)
	return s.store.Update(ctx, func(tx store.Tx) error {
		arn, err := taggable(tx, who, resource)
		if err != nil {
			return err
		}
		old, err := tx.Tags(arn)
		if err != nil {
			return err
		}
		tags := map[string]string{}
		maps.Copy(tags, old)
		change(tags)
		if len(tags) > maxTags {
			return fault.New("TooManyTagsException", "Tag limit exceeded for resource [%s].", resource)
		}
		return tx.SetTags(arn, tags)
	})
}

// ListTagsForResource lists the tags by key.
func (s *Service) ListTagsForResource(ctx context.Context, in *api.ListTagsForResourceInput) (*api.ListTagsForResourceOutput, error) {
	who := caller(ctx)
	last, err := s.pages.last(in.NextToken, "ListTagsForResource", who, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	size := pageSize(in.MaxResults, 100)
	out := &api.ListTagsForResourceOutput{Tags: []api.Tag{}}
	err = s.store.View(ctx, func(r store.Reader) error {
		arn, err := taggable(r, who, in.ResourceArn)
		if err != nil {
			return err
		}
		tags, err := r.Tags(arn)
		if err != nil {
			return err
		}
		for _, k := range slices.Sorted(maps.Keys(tags)) {
			if last != "" && k <= last {
				continue
			}
			if len(out.Tags) == size {
				out.NextToken = s.pages.next("ListTagsForResource", who, in.ResourceArn, out.Tags[size-1].Key)
				break
			}
			out.Tags = append(out.Tags, api.Tag{Key: k, Value: tags[k]})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

package service

import (
	"regexp"
	"strings"

	"penstock/internal/api"
	"penstock/internal/core/fault"
)

// maxTags is how many tags a resource may carry.
const maxTags = 50

var tagText = regexp.MustCompile(`^[\p{L}\p{N} +\-=._:/@]*$`)

// tagsFrom checks the tags of a request (protocol.md section 12).
func tagsFrom(arn string, in []api.Tag) (map[string]string, error) {
	tags := map[string]string{}
	for _, t := range in {
		if err := ownKey(t.Key); err != nil {
			return nil, err
		}
		if !tagText.MatchString(t.Key) || !tagText.MatchString(t.Value) {
			return nil, fault.New("InvalidTagsException", "The tag '%s' has characters that are not allowed: use letters, digits, spaces and + - = . _ : / @", t.Key)
		}
		if _, twice := tags[t.Key]; twice {
			return nil, fault.New("InvalidTagsException", "The tag key '%s' is given more than once", t.Key)
		}
		tags[t.Key] = t.Value
	}
	if len(tags) > maxTags {
		return nil, fault.New("TooManyTagsException", "Tag limit exceeded for resource [%s].", arn)
	}
	return tags, nil
}

// ownKey refuses keys of tags that belong to the system.
func ownKey(key string) error {
	if strings.HasPrefix(strings.ToLower(key), "aws:") {
		return fault.New("InvalidTagsException", "Not allowed to modify system tags. System tags start with 'aws:'. msg=[Caller is an end user and not allowed to mutate system tags]")
	}
	return nil
}

package webhook

import (
	"regexp"
	"slices"

	"penstock/internal/core/fault"
	"penstock/internal/core/pipeline"
	"penstock/internal/jsonpath"
	"penstock/internal/store"
)

const invalidFilter = "InvalidWebhookFilterPatternException"

// placeholder is {Key} in a filter: a value of the target action's
// configuration.
var placeholder = regexp.MustCompile(`\{([^{}]+)\}`)

// CheckFilters checks the form of filters; the error is
// InvalidWebhookFilterPatternException.
func CheckFilters(filters []store.WebhookFilter) error {
	for _, f := range filters {
		if _, err := jsonpath.Parse(f.JSONPath); err != nil {
			return fault.New(invalidFilter, "The JSON path '%s' is not valid: %v", f.JSONPath, err)
		}
	}
	return nil
}

// CheckPlaceholders checks that what filters take from the configuration of
// the target action is there and no secret; the error is
// InvalidWebhookFilterPatternException.
func CheckPlaceholders(filters []store.WebhookFilter, target *pipeline.Action) error {
	for _, f := range filters {
		for _, m := range placeholder.FindAllStringSubmatch(f.MatchEquals, -1) {
			if _, ok := value(target, m[1]); !ok {
				return fault.New(invalidFilter, "The filter value '%s' refers to %s, which is not in the configuration of action '%s' or is a secret", f.MatchEquals, m[0], target.Name)
			}
		}
	}
	return nil
}

// Target is the action of the first stage that a webhook may be for; nil when
// there is none of the name.
func Target(d *pipeline.Declaration, action string) *pipeline.Action {
	if len(d.Stages) == 0 {
		return nil
	}
	return d.Stages[0].Action(action)
}

func value(target *pipeline.Action, key string) (string, bool) {
	v, ok := target.Configuration[key]
	return v, ok && !slices.Contains(target.Secrets, key)
}

// match reports whether a body passes all filters. A filter whose placeholder
// has no value any more matches nothing. The error is jsonpath.ErrTooMuch.
func match(filters []store.WebhookFilter, target *pipeline.Action, body any) (bool, error) {
	for _, f := range filters {
		p, err := jsonpath.Parse(f.JSONPath)
		if err != nil {
			return false, nil // refused by a later version than the one that took it
		}
		ok, err := matchOne(p, f.MatchEquals, target, body)
		if err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

func matchOne(p *jsonpath.Path, want string, target *pipeline.Action, body any) (bool, error) {
	if want == "" {
		found := false
		err := p.Find(body, func(v any) bool {
			found = v != nil
			return !found
		})
		return found, err
	}
	complete := true
	want = placeholder.ReplaceAllStringFunc(want, func(m string) string {
		v, ok := value(target, m[1:len(m)-1])
		complete = complete && ok
		return v
	})
	if !complete {
		return false, nil
	}
	var values []any
	err := p.Find(body, func(v any) bool {
		values = append(values, v)
		return len(values) < 2
	})
	if err != nil {
		return false, err
	}
	if list, ok := single(values).([]any); ok && p.Definite() {
		values = list
	}
	got, ok := jsonpath.Scalar(single(values))
	return ok && got == want, nil
}

// single is the one element of a list; nil if there is another number of them.
func single(list []any) any {
	if len(list) != 1 {
		return nil
	}
	return list[0]
}

package pipeline

import (
	"fmt"
	"iter"
	"strconv"
	"strings"

	"penstock/internal/core/variable"
)

// Lengths of the value of a queryable property.
const (
	queryableDocumented = 20
	queryableMax        = 50
)

func approvalTopics(c *check) {
	for at, a := range c.actions() {
		topic, ok := a.Configuration["NotificationArn"]
		if !ok || a.Type.Category != categoryApproval || variable.Contains(topic) {
			continue
		}
		// arn:partition:service:region:account:resource
		part := strings.SplitN(topic, ":", 6)
		if len(part) < 6 || part[0] != "arn" || part[1] == "" || part[2] == "" || part[5] == "" {
			c.report("V-55", at.configuration("NotificationArn"), actionFault("The ARN %s you specified for sending notifications for the approval action %s contains a format error.", topic, a.Name))
			continue
		}
		const head = "The ARN %s has been specified for sending notifications for the approval action %s, "
		if part[2] != "sns" {
			c.report("V-56", at.configuration("NotificationArn"), actionFault(head+"but the AWS service for this ARN cannot be used to send approval requests.", topic, a.Name))
		} else if part[3] != c.env.Region {
			c.report("V-57", at.configuration("NotificationArn"), actionFault(head+"but the ARN is not in the same region as the pipeline.", topic, a.Name))
		}
	}
}

// values yields the configuration values that a type constrains. Values with
// references are left out: what they become is known when the action starts.
func (c *check) values() iter.Seq2[placed, Property] {
	return func(yield func(placed, Property) bool) {
		for a, info := range c.typed() {
			for _, p := range info.Properties {
				value, set := a.Configuration[p.Name]
				if !set || variable.Contains(value) || p.Secret && value == Masked {
					continue
				}
				if !yield(a, p) {
					return
				}
			}
		}
	}
}

func queryableValues(c *check) {
	for a, p := range c.values() {
		if value := a.Configuration[p.Name]; p.Queryable && !isQueryable(value) {
			c.report("V-60", a.at.configuration(p.Name), actionFault("Action configuration for action '%s' contains an invalid value for the queryable configuration '%s'. "+
				"The value can have up to %d characters of [A-Za-z0-9_-]", a.Name, p.Name, queryableMax))
		}
	}
}

func isQueryable(value string) bool {
	other := func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '_' || r == '-')
	}
	return value != "" && len(value) <= queryableMax && !strings.ContainsFunc(value, other)
}

func longQueryable(c *check) []string {
	var warnings []string
	for a, p := range c.values() {
		if n := len(a.Configuration[p.Name]); p.Queryable && n > queryableDocumented {
			warnings = append(warnings, fmt.Sprintf("action %q: the value of the queryable configuration %q has %d characters, the service documents at most %d",
				a.Name, p.Name, n, queryableDocumented))
		}
	}
	return warnings
}

// isNumber reports whether the value is a decimal number: not one of the other
// forms that ParseFloat reads.
func isNumber(value string) bool {
	_, err := strconv.ParseFloat(value, 64)
	return err == nil && strings.Trim(value, "0123456789+-.eE") == ""
}

// typedValues checks values of properties that are declared as Number or
// Boolean: on the wire they are strings.
func typedValues(c *check) {
	for a, p := range c.values() {
		value := a.Configuration[p.Name]
		var ok bool
		switch p.Type {
		case "Number":
			ok = isNumber(value)
		case "Boolean":
			ok = strings.EqualFold(value, "true") || strings.EqualFold(value, "false")
		default:
			ok = true
		}
		if !ok {
			c.report("", a.at.configuration(p.Name), actionFault("Action configuration for action '%s' contains an invalid value for configuration '%s'. The value must be a %s", a.Name, p.Name, p.Type))
		}
	}
}

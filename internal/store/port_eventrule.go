package store

import "time"

// EventRule starts pipelines by events or by a schedule (PutRule of
// EventBridge).
type EventRule struct {
	Account, Region, Name string `json:"-"`
	Pattern               string `json:",omitempty"` // JSON; "" = no event matches
	Schedule              string `json:",omitempty"` // expression; "" = none
	Enabled               bool
	Description, RoleARN  string `json:",omitempty"`
	// Since is when the rule was last put or enabled: events from before are
	// not for it.
	Since   time.Time
	Targets []EventTarget `json:",omitempty"` // in the order in which they were put
	// Due is when the schedule comes next; zero = never.
	Due time.Time `json:"-"`
}

// EventTarget is a pipeline that a rule starts.
type EventTarget struct {
	ID, ARN string
	RoleARN string `json:",omitempty"`
	// At most one of the three is set; without one the event itself is the
	// input.
	Input     string          `json:",omitempty"`
	InputPath string          `json:",omitempty"`
	Transform *InputTransform `json:",omitempty"`
}

// InputTransform makes the input of a target from an event.
type InputTransform struct {
	Paths    map[string]string `json:",omitempty"` // JSON paths by variable
	Template string
}

// ARN is the rule's Amazon resource name.
func (r *EventRule) ARN() string { return EventRuleARN(r.Account, r.Region, r.Name) }

// EventRuleARN is the ARN of a rule on the default event bus.
func EventRuleARN(account, region, name string) string {
	return "arn:aws:events:" + region + ":" + account + ":rule/" + name
}

// EventRuleReader reads rules.
type EventRuleReader interface {
	EventRule(account, region, name string) (EventRule, error)
	// EventRules lists by name, those after the given name.
	EventRules(account, region, after string, limit int) ([]EventRule, error)
	CountEventRules(account, region string) (int, error)
	// EventRuleVersion grows whenever a rule is put or deleted.
	EventRuleVersion() (int64, error)
	// DueEventRules lists rules whose schedule has come by now, oldest first.
	DueEventRules(now time.Time, limit int) ([]EventRule, error)
	// NextEventRule returns when the next schedule comes; zero when none does.
	NextEventRule() (time.Time, error)
}

// EventRuleWriter writes rules.
type EventRuleWriter interface {
	// PutEventRule adds the rule or replaces the one of its name.
	PutEventRule(r EventRule) error
	// DeleteEventRule removes the rule with its tags; one that does not exist
	// is no error.
	DeleteEventRule(account, region, name string) error
	// ClaimEventRule sets when the schedule of the rule comes next, and reports
	// false, without doing so, when it does not come at r.Due any more: of all
	// who claim a turn one gets it.
	ClaimEventRule(r EventRule, next time.Time) (claimed bool, err error)
}

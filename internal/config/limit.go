package config

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"time"

	"github.com/spf13/pflag"
)

// Limits are bounds of single actions that AWS raises on request.
type Limits struct {
	// ActionTimeouts are the time limits of actions and rules by
	// CATEGORY/OWNER/PROVIDER of their type, in place of AWS's defaults.
	ActionTimeouts map[string]time.Duration
	// MaxSourceBytes is the largest object that an S3 source takes.
	MaxSourceBytes int64

	timeouts map[string]string // as given
}

func (l *Limits) flags(f *pflag.FlagSet) {
	f.StringToStringVar(&l.timeouts, "action-timeout", nil, "time limit of actions or rules of a type as `CATEGORY/OWNER/PROVIDER=DURATION`, for example Deploy/AWS/S3=3h, in place of AWS's (repeatable)")
	f.Int64Var(&l.MaxSourceBytes, "max-source-bytes", 7<<30, "largest object of an S3 source action")
}

var typeName = regexp.MustCompile(`^(Source|Build|Test|Deploy|Invoke|Approval|Compute|Rule)/(AWS|ThirdParty|Custom)/[0-9A-Za-z_-]+$`)

func (l *Limits) validate() error {
	var errs []error
	l.ActionTimeouts = map[string]time.Duration{}
	for _, name := range slices.Sorted(maps.Keys(l.timeouts)) {
		d, err := time.ParseDuration(l.timeouts[name])
		if !typeName.MatchString(name) || err != nil || d <= 0 {
			errs = append(errs, fmt.Errorf("--action-timeout %s=%s must be CATEGORY/OWNER/PROVIDER=DURATION, for example Deploy/AWS/S3=3h", name, l.timeouts[name]))
		}
		l.ActionTimeouts[name] = d
	}
	if l.MaxSourceBytes <= 0 {
		errs = append(errs, errors.New("--max-source-bytes must be positive"))
	}
	return errors.Join(errs...)
}

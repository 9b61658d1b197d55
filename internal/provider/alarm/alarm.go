// Package alarm is the rule Rule/AWS/CloudWatchAlarm: an alarm of CloudWatch, or
// of a server that speaks its API, decides a stage's condition.
package alarm

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"penstock/internal/core/rule"
	"penstock/internal/provider"
	"penstock/jobworker"
)

const (
	// every is the pause between two looks at a watched alarm.
	every = 10 * time.Second
	// lookLimit is how long one look may take.
	lookLimit = time.Minute
	// maxMissed is how many looks in a row may fail before the rule does.
	maxMissed = 3
)

// Config says where alarms are looked up.
type Config struct {
	// Endpoint is the URL of an API of CloudWatch; "" is AWS's, if Enabled.
	Endpoint string
	// Enabled is unset where no CloudWatch is configured: each rule fails and
	// says so.
	Enabled bool
	// AWS holds the credentials.
	AWS aws.Config
	// Now is the clock and Pause waits until a time has passed or the context
	// ends, which it returns. Default: real ones.
	Now   func() time.Time
	Pause func(ctx context.Context, d time.Duration) error
}

// Rule is the provider.
type Rule struct{ c Config }

// New returns the provider.
func New(c Config) *Rule {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Pause == nil {
		c.Pause = provider.Pause
	}
	return &Rule{c}
}

// Type implements provider.Provider.
func (r *Rule) Type() jobworker.ActionType { return provider.Type("Rule", "CloudWatchAlarm") }

// Run implements provider.Provider. The rule holds when the alarm is in none of
// the states AlarmStates, now and for WaitTime from now. After a crash the wait
// begins anew.
func (r *Rule) Run(ctx context.Context, t *jobworker.Task) (s jobworker.Success, err error) {
	w, err := rule.ParseWatch(t.Job.Configuration)
	if err != nil {
		return s, jobworker.Permanent(jobworker.ConfigurationError, "The rule cannot be evaluated: %v", err)
	}
	if !r.c.Enabled {
		return s, jobworker.Permanent(jobworker.ConfigurationError,
			"This server watches no alarms. Start it with --cloudwatch-endpoint URL, or with --cloudwatch-aws for AWS's own.")
	}
	_, region := provider.Owner(t.Job)
	client := cloudwatch.NewFromConfig(r.c.AWS, func(o *cloudwatch.Options) {
		o.Region = region
		if r.c.Endpoint != "" {
			o.BaseEndpoint = aws.String(r.c.Endpoint)
		}
	})
	end, missed := r.c.Now().Add(w.Wait), 0
	for {
		state, err := look(ctx, client, w.Alarm)
		final, isFailure := errors.AsType[*jobworker.Failure](err)
		switch {
		case ctx.Err() != nil:
			return s, fmt.Errorf("alarm %s: %w", w.Alarm, context.Cause(ctx))
		case isFailure:
			return s, final
		case err != nil:
			if missed++; missed == maxMissed || !r.c.Now().Before(end) {
				return s, jobworker.Permanent(jobworker.SystemUnavailable, "The alarm %s cannot be looked up: %v", w.Alarm, err)
			}
		case slices.Contains(w.States, state):
			return s, jobworker.Permanent(jobworker.JobFailed, "The alarm %s is in state %s.", w.Alarm, state)
		default:
			missed = 0
			if !r.c.Now().Before(end) {
				s.Details = &jobworker.Details{Summary: fmt.Sprintf("The alarm %s is in state %s", w.Alarm, state)}
				return s, nil
			}
		}
		if err := r.c.Pause(ctx, min(every, end.Sub(r.c.Now()))); err != nil {
			return s, fmt.Errorf("alarm %s: %w", w.Alarm, err)
		}
	}
}

// look returns the state of an alarm. An alarm that is not there, and a refusal,
// are a *jobworker.Failure; other errors may pass.
func look(ctx context.Context, client *cloudwatch.Client, name string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	out, err := client.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{
		AlarmNames: []string{name}, AlarmTypes: []types.AlarmType{types.AlarmTypeMetricAlarm, types.AlarmTypeCompositeAlarm},
	})
	if refused, ok := errors.AsType[smithy.APIError](err); ok && final(err, refused.ErrorCode()) {
		return "", jobworker.Permanent(jobworker.PermissionError, "CloudWatch refuses to tell of the alarm %s: %s: %s", name, refused.ErrorCode(), refused.ErrorMessage())
	}
	if err != nil {
		return "", err
	}
	for _, a := range out.MetricAlarms {
		if aws.ToString(a.AlarmName) == name {
			return string(a.StateValue), nil
		}
	}
	for _, a := range out.CompositeAlarms {
		if aws.ToString(a.AlarmName) == name {
			return string(a.StateValue), nil
		}
	}
	return "", jobworker.Permanent(jobworker.ConfigurationError, "There is no alarm %s in this region.", name)
}

// final reports whether a refusal will be the same at the next look.
func final(err error, code string) bool {
	answer, ok := errors.AsType[*smithyhttp.ResponseError](err)
	return ok && answer.HTTPStatusCode()/100 == 4 && answer.HTTPStatusCode() != http.StatusTooManyRequests && !strings.Contains(code, "Throttl")
}

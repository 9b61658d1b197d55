package config

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/spf13/pflag"
)

// Approval are the settings of what manual approvals send to their topics.
type Approval struct {
	Topics      map[string]string // URLs by topic ARN
	Secret      string            // environment only; signs what goes to Topics
	SNSEndpoint string            // for topics that Topics does not name
	SNSAWS      bool              // AWS's own SNS when there is no endpoint
}

func (a *Approval) flags(f *pflag.FlagSet) {
	f.StringToStringVar(&a.Topics, "approval-topic", nil, "topic of manual approvals as `ARN=URL`; requests are posted to the URL, signed with PENSTOCK_APPROVAL_SECRET (repeatable)")
	f.StringVar(&a.SNSEndpoint, "sns-endpoint", "", "URL of an Amazon SNS API for topics that --approval-topic does not name; credentials as the AWS SDKs find them")
	f.BoolVar(&a.SNSAWS, "sns-aws", false, "publish to AWS's SNS for topics that --approval-topic does not name")
}

// SNS reports whether requests are published by SNS.
func (a *Approval) SNS() bool { return a.SNSEndpoint != "" || a.SNSAWS }

var topicPattern = regexp.MustCompile(`^arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_.-]+$`)

// maxTopics bounds the feeds that read the outbox.
const maxTopics = 100

func (a *Approval) validate() error {
	var errs []error
	for arn, to := range a.Topics {
		if !topicPattern.MatchString(arn) || !webAddress(to) {
			errs = append(errs, fmt.Errorf("--approval-topic must be the ARN of an SNS topic, = and an http or https URL, not %q", arn))
		}
	}
	if len(a.Topics) > maxTopics {
		errs = append(errs, fmt.Errorf("--approval-topic: %d topics at most", maxTopics))
	}
	if len(a.Topics) > 0 && len(a.Secret) < minEventSecret {
		errs = append(errs, fmt.Errorf("--approval-topic needs PENSTOCK_APPROVAL_SECRET, at least %d characters that only the receiver knows too (openssl rand -hex 32)", minEventSecret))
	}
	if a.SNSEndpoint != "" && !webAddress(a.SNSEndpoint) {
		errs = append(errs, errors.New("--sns-endpoint must be an http or https URL"))
	}
	return errors.Join(errs...)
}

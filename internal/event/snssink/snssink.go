// Package snssink publishes notifications to topics of Amazon SNS, or of what
// speaks its API.
package snssink

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/smithy-go"

	"penstock/internal/event"
)

// Options are the settings of a Sink.
type Options struct {
	AWS      aws.Config // credentials
	Endpoint string     // "" = AWS's, by the region of the topic
	// Refused is told of a notification that its topic will never take; code
	// and message are of the answer. With an error it is published again.
	Refused func(ctx context.Context, n *event.Notice, code, message string) error
}

// Sink is an event.Sink for events that are notifications.
type Sink struct {
	opt    Options
	client *sns.Client
}

// publishTime bounds one call with its repeats.
const publishTime = 30 * time.Second

// New returns a sink.
func New(opt Options) *Sink {
	return &Sink{opt: opt, client: sns.NewFromConfig(opt.AWS, func(o *sns.Options) {
		if opt.Endpoint != "" {
			o.BaseEndpoint = aws.String(opt.Endpoint)
		}
	})}
}

// Deliver implements event.Sink.
func (s *Sink) Deliver(ctx context.Context, events []event.Event) (int, error) {
	for i := range events {
		if err := s.publish(ctx, &events[i]); err != nil {
			return i, fmt.Errorf("%s: %w", events[i].Notice.Topic, err)
		}
	}
	return len(events), nil
}

func (s *Sink) publish(ctx context.Context, e *event.Event) error {
	ctx, cancel := context.WithTimeout(ctx, publishTime)
	defer cancel()
	n := e.Notice
	in := &sns.PublishInput{TopicArn: &n.Topic, Subject: &n.Subject, Message: aws.String(string(e.JSON))}
	if strings.HasSuffix(n.Topic, ".fifo") {
		in.MessageGroupId, in.MessageDeduplicationId = aws.String("approvals"), &e.ID
	}
	_, err := s.client.Publish(ctx, in, func(o *sns.Options) {
		if part := strings.Split(n.Topic, ":"); len(part) > 3 {
			o.Region = part[3]
		}
	})
	if refused, ok := errors.AsType[smithy.APIError](err); ok && permanent[refused.ErrorCode()] {
		return s.opt.Refused(ctx, n, refused.ErrorCode(), refused.ErrorMessage())
	}
	return err
}

// permanent are the answers that repeating the call does not change.
var permanent = map[string]bool{
	"NotFound": true, "NotFoundException": true, "InvalidParameter": true, "InvalidParameterException": true,
	"AuthorizationError": true, "AuthorizationErrorException": true, "AccessDenied": true, "AccessDeniedException": true,
}

// Close implements event.Sink.
func (s *Sink) Close() error { return nil }

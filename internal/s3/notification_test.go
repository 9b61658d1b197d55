package s3

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// TestNotifications: EventBridge can be turned on, as it is, and nothing else.
func TestNotifications(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t)
	c, bucket := e.client(), e.bucket(t)
	put := func(bucket string, n types.NotificationConfiguration) error {
		_, err := c.PutBucketNotificationConfiguration(t.Context(), &sdk.PutBucketNotificationConfigurationInput{Bucket: &bucket, NotificationConfiguration: &n})
		return err
	}
	for name, n := range map[string]types.NotificationConfiguration{
		"EventBridge": {EventBridgeConfiguration: &types.EventBridgeConfiguration{}}, "nothing": {},
	} {
		if err := put(bucket, n); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	out, err := c.GetBucketNotificationConfiguration(t.Context(), &sdk.GetBucketNotificationConfigurationInput{Bucket: &bucket})
	if err != nil || out.EventBridgeConfiguration == nil || len(out.TopicConfigurations)+len(out.QueueConfigurations)+len(out.LambdaFunctionConfigurations) > 0 {
		t.Errorf("the bucket has %+v, %v", out, err)
	}
	events := []types.Event{"s3:ObjectCreated:*"}
	for name, n := range map[string]types.NotificationConfiguration{
		"topic":    {TopicConfigurations: []types.TopicConfiguration{{TopicArn: aws.String("arn:t"), Events: events}}},
		"queue":    {QueueConfigurations: []types.QueueConfiguration{{QueueArn: aws.String("arn:q"), Events: events}}},
		"function": {LambdaFunctionConfigurations: []types.LambdaFunctionConfiguration{{LambdaFunctionArn: aws.String("arn:f"), Events: events}}},
	} {
		if err := put(bucket, n); code(err) != "NotImplemented" {
			t.Errorf("a %s: %v", name, err)
		}
	}
	if err := put("no-such-bucket", types.NotificationConfiguration{}); code(err) != "NoSuchBucket" {
		t.Errorf("no bucket: %v", err)
	}
}

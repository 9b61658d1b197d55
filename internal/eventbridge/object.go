package eventbridge

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"penstock/internal/store"
)

// Object is a new version of an object in S3.
type Object struct {
	Account, Region string // of the bucket
	Bucket, Key     string
	VersionID, ETag string // ETag without quotes
	Size            int64
	Operation       string // PutObject, CopyObject or CompleteMultipartUpload
	At              time.Time
}

// publishTimeout bounds how long the writer of an object can wait for rules.
const publishTimeout = 30 * time.Second

// ObjectCreated tells the rules of an object, in the two forms that rules are
// made for: S3's "Object Created", and CloudTrail's "AWS API Call via
// CloudTrail". The writer is answered afterwards, so what is lost by a crash is
// a write that nobody was told of.
func (b *Bus) ObjectCreated(o Object) {
	ctx, cancel := context.WithTimeout(context.Background(), publishTimeout)
	defer cancel()
	heard := false
	err := b.store.View(ctx, func(r store.Reader) error {
		listeners, err := b.rules.at(r, o.Account, o.Region)
		heard = len(listeners) > 0
		return err
	})
	if err == nil && heard {
		var created, called *Event
		if created, err = b.objectCreated(o); err == nil {
			if called, err = b.calledByTrail(o); err == nil {
				err = b.publish(ctx, created, called)
			}
		}
	}
	if err != nil {
		b.log.Error("an object did not reach the rules", "bucket", o.Bucket, "key", o.Key, "error", err)
	}
}

func (b *Bus) objectEvent(o Object, detailType string, resources []string, detail any) (*Event, error) {
	raw, err := encode(detail)
	if err != nil {
		return nil, err
	}
	return newEvent(envelope{
		ID: b.store.NewID(), DetailType: detailType, Source: "aws.s3", Account: o.Account, Time: o.At.UTC().Format(toSeconds),
		Region: o.Region, Resources: resources, Detail: json.RawMessage(raw),
	}, b.store.Now())
}

func bucketARN(o Object) string { return "arn:aws:s3:::" + o.Bucket }

// objectCreated is the event of S3 itself.
func (b *Bus) objectCreated(o Object) (*Event, error) {
	type bucket struct {
		Name string `json:"name"`
	}
	type object struct {
		Key       string `json:"key"`
		Size      int64  `json:"size"`
		ETag      string `json:"etag"`
		VersionID string `json:"version-id,omitempty"`
		Sequencer string `json:"sequencer"`
	}
	return b.objectEvent(o, "Object Created", []string{bucketARN(o)}, struct {
		Version   string `json:"version"`
		Bucket    bucket `json:"bucket"`
		Object    object `json:"object"`
		RequestID string `json:"request-id"`
		Requester string `json:"requester"`
		Reason    string `json:"reason"`
	}{
		"0", bucket{o.Bucket}, object{o.Key, o.Size, o.ETag, o.VersionID, strings.ToUpper(strconv.FormatInt(o.At.UnixMilli(), 16))},
		b.store.NewID(), o.Account, o.Operation,
	})
}

// calledByTrail is the event of CloudTrail's data events, which the rules of
// consoles and older templates are for.
func (b *Bus) calledByTrail(o Object) (*Event, error) {
	type resource struct {
		Type    string `json:"type"`
		ARN     string `json:"ARN"`
		Account string `json:"accountId,omitempty"`
	}
	response := map[string]string{}
	if o.VersionID != "" {
		response["x-amz-version-id"] = o.VersionID
	}
	return b.objectEvent(o, "AWS API Call via CloudTrail", nil, struct {
		EventVersion string            `json:"eventVersion"`
		Identity     map[string]string `json:"userIdentity"`
		Time         string            `json:"eventTime"`
		Source       string            `json:"eventSource"`
		Name         string            `json:"eventName"`
		Region       string            `json:"awsRegion"`
		Request      map[string]string `json:"requestParameters"`
		Response     map[string]string `json:"responseElements"`
		RequestID    string            `json:"requestID"`
		EventID      string            `json:"eventID"`
		ReadOnly     bool              `json:"readOnly"`
		Resources    []resource        `json:"resources"`
		Type         string            `json:"eventType"`
		Management   bool              `json:"managementEvent"`
		Account      string            `json:"recipientAccountId"`
		Category     string            `json:"eventCategory"`
	}{
		"1.11", map[string]string{"type": "AWSAccount", "accountId": o.Account}, o.At.UTC().Format(toSeconds), "s3.amazonaws.com", o.Operation, o.Region,
		map[string]string{"bucketName": o.Bucket, "key": o.Key}, response, b.store.NewID(), b.store.NewID(), false,
		[]resource{{"AWS::S3::Object", bucketARN(o) + "/" + o.Key, ""}, {"AWS::S3::Bucket", bucketARN(o), o.Account}},
		"AwsApiCall", false, o.Account, "Data",
	})
}

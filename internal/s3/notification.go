package s3

import (
	"encoding/xml"
	"net/http"
)

// notificationConfiguration says where the events of a bucket go: to
// EventBridge, which hears of all buckets here, and nowhere else.
type notificationConfiguration struct {
	XMLName     xml.Name  `xml:"NotificationConfiguration"`
	Xmlns       string    `xml:"xmlns,attr,omitempty"`
	EventBridge *struct{} `xml:"EventBridgeConfiguration"`
	// These are refused: there is nothing to send to.
	Topics    []struct{} `xml:"TopicConfiguration,omitempty"`
	Queues    []struct{} `xml:"QueueConfiguration,omitempty"`
	Functions []struct{} `xml:"CloudFunctionConfiguration,omitempty"`
}

// getBucketNotification serves GetBucketNotificationConfiguration.
func (h *Handler) getBucketNotification(q *request) error {
	return writeXML(q, notificationConfiguration{Xmlns: namespace, EventBridge: &struct{}{}})
}

// putBucketNotification serves PutBucketNotificationConfiguration.
func (h *Handler) putBucketNotification(q *request) error {
	var body notificationConfiguration
	if err := readXML(q, &body); err != nil {
		return err
	}
	if len(body.Topics)+len(body.Queues)+len(body.Functions) > 0 {
		return errNotImplemented("notifications to topics, queues and functions; rules of EventBridge hear of every bucket")
	}
	q.w.WriteHeader(http.StatusOK)
	return nil
}

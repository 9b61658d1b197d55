package sts

import (
	"encoding/xml"
	"time"

	"penstock/internal/auth"
)

// response is the envelope of a result, named after its operation.
type response struct {
	Result    any
	RequestID string
}

// MarshalXML implements xml.Marshaler.
func (r response) MarshalXML(e *xml.Encoder, _ xml.StartElement) error {
	name := ""
	switch r.Result.(type) {
	case callerIdentity:
		name = "GetCallerIdentity"
	case assumedRole:
		name = "AssumeRole"
	case sessionToken:
		name = "GetSessionToken"
	}
	return e.EncodeElement(struct {
		Result    any
		RequestID string `xml:"ResponseMetadata>RequestId"`
	}{r.Result, r.RequestID}, xml.StartElement{Name: xml.Name{Space: namespace, Local: name + "Response"}})
}

type callerIdentity struct {
	XMLName xml.Name `xml:"GetCallerIdentityResult"`
	Arn     string
	UserID  string `xml:"UserId"`
	Account string
}

type assumedRole struct {
	XMLName     xml.Name `xml:"AssumeRoleResult"`
	Credentials credentials
	User        assumedRoleUser `xml:"AssumedRoleUser"`
}

type assumedRoleUser struct {
	AssumedRoleID string `xml:"AssumedRoleId"`
	Arn           string
}

type sessionToken struct {
	XMLName     xml.Name `xml:"GetSessionTokenResult"`
	Credentials credentials
}

type credentials struct {
	AccessKeyID     string `xml:"AccessKeyId"`
	SecretAccessKey string
	SessionToken    string
	Expiration      string
}

func newCredentials(c auth.Credentials) credentials {
	return credentials{
		AccessKeyID:     c.AccessKeyID,
		SecretAccessKey: string(c.SecretAccessKey),
		SessionToken:    string(c.SessionToken),
		Expiration:      c.Expiration.UTC().Format(time.RFC3339),
	}
}

type errorResponse struct {
	XMLName   xml.Name `xml:"https://sts.amazonaws.com/doc/2011-06-15/ ErrorResponse"`
	Type      string   `xml:"Error>Type"`
	Code      string   `xml:"Error>Code"`
	Message   string   `xml:"Error>Message"`
	RequestID string   `xml:"RequestId"`
}

func newErrorResponse(e *apiError, requestID string) errorResponse {
	blame := "Sender"
	if e.status >= 500 {
		blame = "Receiver"
	}
	return errorResponse{Type: blame, Code: e.code, Message: e.message, RequestID: requestID}
}

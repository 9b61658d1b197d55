package s3

import (
	"encoding/xml"
	"errors"
	"net/http"
	"strconv"

	"penstock/internal/blob"
	"penstock/internal/core/fault"
	"penstock/internal/sigv4"
	"penstock/internal/trouble"
)

// statuses are the HTTP statuses of S3's error codes, see
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html. Codes
// of authentication are in package sigv4; what is in neither is 400.
var statuses = map[string]int{
	"AccessDenied":            http.StatusForbidden,
	"BucketAlreadyExists":     http.StatusConflict,
	"BucketAlreadyOwnedByYou": http.StatusConflict,
	"BucketNotEmpty":          http.StatusConflict,
	"InternalError":           http.StatusInternalServerError,
	"InvalidPartNumber":       http.StatusRequestedRangeNotSatisfiable,
	"InvalidRange":            http.StatusRequestedRangeNotSatisfiable,
	"MethodNotAllowed":        http.StatusMethodNotAllowed,
	"MissingContentLength":    http.StatusLengthRequired,
	"NoSuchBucket":            http.StatusNotFound,
	"NoSuchKey":               http.StatusNotFound,
	"NoSuchTagSet":            http.StatusNotFound,
	"NoSuchUpload":            http.StatusNotFound,
	"NoSuchVersion":           http.StatusNotFound,
	"NotImplemented":          http.StatusNotImplemented,
	"NotModified":             http.StatusNotModified,
	"PreconditionFailed":      http.StatusPreconditionFailed,
	"ServiceUnavailable":      http.StatusServiceUnavailable,
}

// refuse returns an error with a code of S3.
func refuse(code, format string, args ...any) error { return fault.New(code, format, args...) }

func errMalformedXML() error {
	return refuse("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
}

func errNotImplemented(what string) error {
	return refuse("NotImplemented", "A header or parameter you provided implies functionality that is not implemented: %s", what)
}

// errorBody is the XML of an error.
type errorBody struct {
	XMLName    xml.Name `xml:"Error"`
	Code       string
	Message    string
	Key        string `xml:",omitempty"`
	BucketName string `xml:",omitempty"`
	Resource   string
	RequestID  string `xml:"RequestId"`
	HostID     string `xml:"HostId"`
}

// fail answers an error. What is neither of the store nor of the protocol is
// a failure of ours: its text goes to the log only.
func (h *Handler) fail(q *request, err error) {
	body := errorBody{Code: "InternalError", Message: "We encountered an internal error. Please try again.",
		Resource: q.URL.Path, RequestID: q.id, HostID: q.id}
	header := q.w.Header()
	if e, ok := errors.AsType[*blob.Error](err); ok {
		body.Code, body.Message = string(e.Code), e.Message
		body.BucketName, body.Key = e.Bucket, e.Key
		if e.Marker {
			header.Set("X-Amz-Delete-Marker", "true")
		}
		if e.VersionID != "" {
			header.Set("X-Amz-Version-Id", e.VersionID)
		}
		if e.Code == blob.MethodNotAllowed {
			header.Set("Allow", http.MethodDelete)
		}
	} else if e, ok := errors.AsType[*fault.Error](err); ok {
		body.Code, body.Message = e.Code, e.Message
	} else if q.Context().Err() == nil {
		if text := trouble.Text(err); text != "" {
			body.Code, body.Message = "ServiceUnavailable", text
		}
		h.log.Error("S3 request failed", "request", q.id, "method", q.Method, "bucket", q.bucket, "key", q.key, "err", err)
	}
	status, known := statuses[body.Code]
	if !known {
		status = sigv4.S3Status(body.Code)
	}
	if status == http.StatusNotModified || q.Method == http.MethodHead {
		q.w.WriteHeader(status)
		return
	}
	text, err := xml.Marshal(body)
	if err != nil {
		status, text = http.StatusInternalServerError, nil
	}
	header.Set("Content-Type", "application/xml")
	header.Set("Content-Length", strconv.Itoa(len(xml.Header)+len(text)))
	q.w.WriteHeader(status)
	q.w.Write([]byte(xml.Header))
	q.w.Write(text)
}

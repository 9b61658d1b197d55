package s3

import (
	"encoding/xml"
	"errors"
	"net/http"

	"penstock/internal/blob"
)

// maxDelete is the most keys of one DeleteObjects.
const maxDelete = 1000

// deleteObject serves DeleteObject.
func (h *Handler) deleteObject(q *request) error {
	done, err := h.store.Delete(q.Context(), q.bucket, q.key, &blob.DeleteOptions{
		VersionID: q.query.Get("versionId"), If: blob.Conditions{IfMatch: q.Header.Get("If-Match")},
	})
	if err != nil {
		return err
	}
	if done.VersionID != "" {
		q.w.Header().Set("X-Amz-Version-Id", done.VersionID)
	}
	if done.Marker {
		q.w.Header().Set("X-Amz-Delete-Marker", "true")
	}
	q.w.WriteHeader(http.StatusNoContent)
	return nil
}

type deleteRequest struct {
	XMLName xml.Name `xml:"Delete"`
	Quiet   bool
	Objects []struct {
		Key       string
		VersionID string `xml:"VersionId"`
		ETag      string
	} `xml:"Object"`
}

type deleteResult struct {
	XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ DeleteResult"`
	Deleted []deletedObject
	Errors  []deleteError `xml:"Error"`
}

type deletedObject struct {
	Key                   string
	VersionID             string `xml:"VersionId,omitempty"`
	DeleteMarker          bool   `xml:",omitempty"`
	DeleteMarkerVersionID string `xml:"DeleteMarkerVersionId,omitempty"`
}

type deleteError struct {
	Key       string
	VersionID string `xml:"VersionId,omitempty"`
	Code      string
	Message   string
}

// deleteObjects serves DeleteObjects.
func (h *Handler) deleteObjects(q *request) error {
	var body deleteRequest
	if err := readXML(q, &body); err != nil {
		return err
	}
	if len(body.Objects) == 0 || len(body.Objects) > maxDelete {
		return errMalformedXML()
	}
	targets := make([]blob.Target, len(body.Objects))
	for i, o := range body.Objects {
		targets[i] = blob.Target{Key: o.Key, VersionID: o.VersionID, If: blob.Conditions{IfMatch: o.ETag}}
	}
	results, err := h.store.DeleteMany(q.Context(), q.bucket, targets)
	if err != nil {
		return err
	}
	var answer deleteResult
	for i, r := range results {
		t := targets[i]
		if r.Err != nil {
			e := deleteError{Key: t.Key, VersionID: t.VersionID, Code: "InternalError"}
			if refusal, ok := errors.AsType[*blob.Error](r.Err); ok {
				e.Code, e.Message = string(refusal.Code), refusal.Message
			}
			answer.Errors = append(answer.Errors, e)
			continue
		}
		if body.Quiet {
			continue
		}
		d := deletedObject{Key: t.Key, VersionID: t.VersionID}
		if r.Marker {
			d.DeleteMarker, d.DeleteMarkerVersionID = true, r.VersionID
		}
		answer.Deleted = append(answer.Deleted, d)
	}
	return writeXML(q, answer)
}

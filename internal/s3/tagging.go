package s3

import (
	"encoding/xml"
	"net/http"
	"net/url"
	"unicode/utf8"

	"penstock/internal/blob"
)

// Limits of object tags.
const (
	maxTags     = 10
	maxTagKey   = 128 // characters
	maxTagValue = 256
)

type tagging struct {
	XMLName xml.Name `xml:"Tagging"`
	Xmlns   string   `xml:"xmlns,attr,omitempty"`
	Tags    []tagXML `xml:"TagSet>Tag"`
}

type tagXML struct{ Key, Value string }

// parseTagging reads the x-amz-tagging header: tags as a URL query.
func parseTagging(header string) ([]blob.Tag, error) {
	if header == "" {
		return nil, nil
	}
	values, err := url.ParseQuery(header)
	if err != nil {
		return nil, refuse("InvalidArgument", "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.")
	}
	var tags []blob.Tag
	for key, all := range values {
		for _, value := range all {
			tags = append(tags, blob.Tag{Key: key, Value: value})
		}
	}
	return tags, checkTags(tags)
}

func checkTags(tags []blob.Tag) error {
	if len(tags) > maxTags {
		return refuse("BadRequest", "Object tags cannot be greater than %d", maxTags)
	}
	seen := map[string]bool{}
	for _, t := range tags {
		switch {
		case t.Key == "" || utf8.RuneCountInString(t.Key) > maxTagKey:
			return refuse("InvalidTag", "The TagKey you have provided is invalid")
		case utf8.RuneCountInString(t.Value) > maxTagValue:
			return refuse("InvalidTag", "The TagValue you have provided is invalid")
		case seen[t.Key]:
			return refuse("InvalidTag", "Cannot provide multiple Tags with the same key")
		}
		seen[t.Key] = true
	}
	return nil
}

// getObjectTagging serves GetObjectTagging.
func (h *Handler) getObjectTagging(q *request) error {
	info, err := h.store.Head(q.Context(), q.bucket, q.key, &blob.GetOptions{VersionID: q.query.Get("versionId")})
	if err != nil {
		return err
	}
	answer := tagging{Xmlns: namespace}
	for _, t := range info.Tags {
		answer.Tags = append(answer.Tags, tagXML(t))
	}
	q.w.Header().Set("X-Amz-Version-Id", info.VersionID)
	return writeXML(q, answer)
}

// putObjectTagging serves PutObjectTagging.
func (h *Handler) putObjectTagging(q *request) error {
	var body tagging
	if err := readXML(q, &body); err != nil {
		return err
	}
	tags := make([]blob.Tag, 0, len(body.Tags))
	for _, t := range body.Tags {
		tags = append(tags, blob.Tag(t))
	}
	if err := checkTags(tags); err != nil {
		return err
	}
	return h.setTags(q, tags, http.StatusOK)
}

// deleteObjectTagging serves DeleteObjectTagging.
func (h *Handler) deleteObjectTagging(q *request) error {
	return h.setTags(q, nil, http.StatusNoContent)
}

func (h *Handler) setTags(q *request, tags []blob.Tag, status int) error {
	version, err := h.store.SetTags(q.Context(), q.bucket, q.key, q.query.Get("versionId"), tags)
	if err != nil {
		return err
	}
	q.w.Header().Set("X-Amz-Version-Id", version)
	q.w.WriteHeader(status)
	return nil
}

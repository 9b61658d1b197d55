package s3

import (
	"encoding/xml"
	"net/http"

	"penstock/internal/blob"
)

// accessControlPolicy is the only ACL there is: the account owns everything,
// as in buckets of AWS with "bucket owner enforced".
type accessControlPolicy struct {
	XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ AccessControlPolicy"`
	Owner   owner
	Grants  []grant `xml:"AccessControlList>Grant"`
}

type grant struct {
	Grantee    grantee
	Permission string
}

type grantee struct {
	XSI  string `xml:"xmlns:xsi,attr"`
	Type string `xml:"xsi:type,attr"`
	owner
}

// getACL serves GetBucketAcl and GetObjectAcl.
func (h *Handler) getACL(q *request) error {
	if q.key != "" {
		if _, err := h.store.Head(q.Context(), q.bucket, q.key, &blob.GetOptions{VersionID: q.query.Get("versionId")}); err != nil {
			return err
		}
	}
	who := owner{q.caller.Account, q.caller.Account}
	return writeXML(q, accessControlPolicy{
		Owner: who,
		Grants: []grant{{
			Grantee:    grantee{"http://www.w3.org/2001/XMLSchema-instance", "CanonicalUser", who},
			Permission: "FULL_CONTROL",
		}},
	})
}

// putACL serves PutBucketAcl and PutObjectAcl: the canned ACLs that change
// nothing are accepted.
func (h *Handler) putACL(q *request) error {
	if q.Header.Get("X-Amz-Acl") == "" {
		return errNoACL()
	}
	if err := refuseUnserved(q.Header); err != nil {
		return err
	}
	if q.key != "" {
		if _, err := h.store.Head(q.Context(), q.bucket, q.key, &blob.GetOptions{VersionID: q.query.Get("versionId")}); err != nil {
			return err
		}
	}
	q.w.WriteHeader(http.StatusOK)
	return nil
}

func refuseACL(h http.Header) error {
	switch h.Get("X-Amz-Acl") {
	case "", "private", "bucket-owner-read", "bucket-owner-full-control":
		return nil
	}
	return errNoACL()
}

func errNoACL() error {
	return refuse("AccessControlListNotSupported", "The bucket does not allow ACLs")
}

package s3

import (
	"encoding/xml"
	"net/http"

	"penstock/internal/blob"
)

// classicRegion is the region without a location constraint.
const classicRegion = "us-east-1"

type listAllMyBucketsResult struct {
	XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListAllMyBucketsResult"`
	Owner   owner
	Buckets []bucketXML `xml:"Buckets>Bucket"`
	Prefix  string      `xml:",omitempty"`
}

type bucketXML struct {
	Name         string
	CreationDate string
	BucketRegion string `xml:",omitempty"`
}

// listBuckets serves ListBuckets, all in one page.
func (h *Handler) listBuckets(q *request) error {
	all, err := h.store.ListBuckets(q.Context(), q.caller.Account)
	if err != nil {
		return err
	}
	answer := listAllMyBucketsResult{Owner: owner{q.caller.Account, q.caller.Account}, Prefix: q.query.Get("prefix")}
	for _, b := range all {
		if len(b.Name) >= len(answer.Prefix) && b.Name[:len(answer.Prefix)] == answer.Prefix {
			answer.Buckets = append(answer.Buckets, bucketXML{b.Name, stampXML(b.Created), b.Region})
		}
	}
	return writeXML(q, answer)
}

// createBucket serves CreateBucket.
func (h *Handler) createBucket(q *request) error {
	if err := refuseUnserved(q.Header); err != nil {
		return err
	}
	if q.Header.Get("X-Amz-Bucket-Object-Lock-Enabled") == "true" {
		return errNotImplemented("x-amz-bucket-object-lock-enabled")
	}
	text, err := readBody(q)
	if err != nil {
		return err
	}
	region := q.caller.Region
	if len(text) > 0 {
		var body struct {
			XMLName            xml.Name `xml:"CreateBucketConfiguration"`
			LocationConstraint string
		}
		if xml.Unmarshal(text, &body) != nil {
			return errMalformedXML()
		}
		if body.LocationConstraint != "" {
			region = body.LocationConstraint
		}
	}
	_, err = h.store.CreateBucket(q.Context(), q.bucket, &blob.BucketOptions{Owner: q.caller.Account, Region: region})
	// In us-east-1 AWS lets an owner create a bucket again.
	if err != nil && !(blob.CodeOf(err) == blob.BucketAlreadyOwned && region == classicRegion) {
		return err
	}
	q.w.Header().Set("Location", "/"+q.bucket)
	q.w.WriteHeader(http.StatusOK)
	return nil
}

// headBucket serves HeadBucket.
func (h *Handler) headBucket(q *request) error {
	b, err := h.store.Bucket(q.Context(), q.bucket)
	if err != nil {
		return err
	}
	q.w.Header().Set("X-Amz-Bucket-Region", regionOf(b, q))
	q.w.WriteHeader(http.StatusOK)
	return nil
}

// regionOf is the bucket's region; one that the server made for itself is in
// every region.
func regionOf(b blob.Bucket, q *request) string {
	if b.Region == "" {
		return q.caller.Region
	}
	return b.Region
}

// deleteBucket serves DeleteBucket.
func (h *Handler) deleteBucket(q *request) error {
	if err := h.store.DeleteBucket(q.Context(), q.bucket); err != nil {
		return err
	}
	q.w.WriteHeader(http.StatusNoContent)
	return nil
}

// getBucketLocation serves GetBucketLocation.
func (h *Handler) getBucketLocation(q *request) error {
	b, err := h.store.Bucket(q.Context(), q.bucket)
	if err != nil {
		return err
	}
	region := regionOf(b, q)
	if region == classicRegion {
		region = ""
	}
	return writeXML(q, struct {
		XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ LocationConstraint"`
		Region  string   `xml:",chardata"`
	}{Region: region})
}

type versioningConfiguration struct {
	XMLName xml.Name `xml:"VersioningConfiguration"`
	Xmlns   string   `xml:"xmlns,attr,omitempty"`
	Status  string
	// MFADelete is refused: there is no second factor.
	MFADelete string `xml:"MfaDelete,omitempty"`
}

// getBucketVersioning serves GetBucketVersioning.
func (h *Handler) getBucketVersioning(q *request) error {
	b, err := h.store.Bucket(q.Context(), q.bucket)
	if err != nil {
		return err
	}
	return writeXML(q, versioningConfiguration{Xmlns: namespace, Status: string(b.Versioning)})
}

// putBucketVersioning serves PutBucketVersioning.
func (h *Handler) putBucketVersioning(q *request) error {
	var body versioningConfiguration
	if err := readXML(q, &body); err != nil {
		return err
	}
	if body.MFADelete == "Enabled" {
		return errNotImplemented("MfaDelete")
	}
	v := blob.Versioning(body.Status)
	if v != blob.Enabled && v != blob.Suspended {
		return errMalformedXML()
	}
	if err := h.store.SetVersioning(q.Context(), q.bucket, v); err != nil {
		return err
	}
	q.w.WriteHeader(http.StatusOK)
	return nil
}

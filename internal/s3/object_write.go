package s3

import (
	"net/http"

	"penstock/internal/blob"
)

// putOptions takes what is said about a body: its length and digests. The
// body is refused when it is not so.
func putOptions(q *request) (*blob.PutOptions, error) {
	if q.ContentLength < 0 {
		return nil, refuse("MissingContentLength", "You must provide the Content-Length HTTP header.")
	}
	sum, err := contentMD5(q.Header)
	if err != nil {
		return nil, err
	}
	claim, err := readClaim(q)
	if err != nil {
		return nil, err
	}
	o := &blob.PutOptions{Length: &q.ContentLength, MD5: sum, Algorithm: claim.algorithm}
	if claim.algorithm != "" {
		o.Check = claim.check
	}
	return o, nil
}

// putObject serves PutObject.
func (h *Handler) putObject(q *request) error {
	o, err := putOptions(q)
	if err != nil {
		return err
	}
	if o.Attributes, err = readAttributes(q); err != nil {
		return err
	}
	o.If = writeConditions(q.Header)
	info, err := h.store.Put(q.Context(), q.bucket, q.key, q.Body, o)
	if err != nil {
		return err
	}
	header := q.w.Header()
	header.Set("Etag", info.ETag)
	header.Set("X-Amz-Version-Id", info.VersionID)
	setEncryption(header, info.Encryption)
	setChecksum(header, info.Checksum)
	q.w.WriteHeader(http.StatusOK)
	return nil
}

package s3

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"penstock/internal/blob"
)

// readOptions takes version, range, part and conditions of a read.
func readOptions(q *request) (*blob.GetOptions, error) {
	o := &blob.GetOptions{
		VersionID: q.query.Get("versionId"),
		Range:     parseRange(q.Header.Get("Range")),
		If:        readConditions(q.Header, ""),
	}
	if q.query.Has("partNumber") {
		n, err := strconv.Atoi(q.query.Get("partNumber"))
		if err != nil || n < 1 || n > blob.MaxParts {
			return nil, refuse("InvalidArgument", "Part number must be an integer between 1 and %d, inclusive", blob.MaxParts)
		}
		if o.Range != nil {
			return nil, refuse("InvalidRequest", "Cannot specify both Range header and partNumber query parameter")
		}
		o.Part = n
	}
	return o, nil
}

// describe sets the headers of a read of length bytes from offset, and
// returns the status.
func describe(q *request, o *blob.GetOptions, info *blob.Info, offset, length int64) int {
	h := q.w.Header()
	setObject(h, info)
	setOverrides(h, q.query)
	h.Set("Content-Length", strconv.FormatInt(length, 10))
	if o.Part > 0 && info.Parts != nil {
		h.Set("X-Amz-Mp-Parts-Count", strconv.Itoa(len(info.Parts)))
	}
	if length == info.Size && strings.EqualFold(q.Header.Get("X-Amz-Checksum-Mode"), "ENABLED") {
		setChecksum(h, info.Checksum)
	}
	if o.Range == nil && o.Part == 0 || length == 0 {
		return http.StatusOK
	}
	h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", offset, offset+length-1, info.Size))
	return http.StatusPartialContent
}

// getObject serves GetObject.
func (h *Handler) getObject(q *request) error {
	o, err := readOptions(q)
	if err != nil {
		return err
	}
	object, err := h.store.Get(q.Context(), q.bucket, q.key, o)
	if err != nil {
		return notModifiedHeaders(q, o, h, err)
	}
	defer object.Body.Close()
	q.w.WriteHeader(describe(q, o, &object.Info, object.Offset, object.Length))
	if _, err := io.Copy(q.w, object.Body); err != nil {
		if q.Context().Err() == nil {
			h.log.Warn("S3 download ended early", "request", q.id, "bucket", q.bucket, "key", q.key, "err", err)
		}
		// The length was promised: only a broken connection tells the truth.
		panic(http.ErrAbortHandler)
	}
	return nil
}

// headObject serves HeadObject.
func (h *Handler) headObject(q *request) error {
	o, err := readOptions(q)
	if err != nil {
		return err
	}
	info, err := h.store.Head(q.Context(), q.bucket, q.key, o)
	if err != nil {
		return notModifiedHeaders(q, o, h, err)
	}
	offset, length, err := o.Window(&info)
	if err != nil {
		return err
	}
	q.w.WriteHeader(describe(q, o, &info, offset, length))
	return nil
}

// notModifiedHeaders adds the validators that a 304 must carry.
func notModifiedHeaders(q *request, o *blob.GetOptions, h *Handler, err error) error {
	if blob.CodeOf(err) != blob.NotModified {
		return err
	}
	info, again := h.store.Head(q.Context(), q.bucket, q.key, &blob.GetOptions{VersionID: o.VersionID})
	if again != nil {
		return again
	}
	header := q.w.Header()
	header.Set("Etag", info.ETag)
	header.Set("Last-Modified", info.Modified.UTC().Format(http.TimeFormat))
	header.Set("X-Amz-Version-Id", info.VersionID)
	return err
}

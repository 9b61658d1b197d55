package s3

import (
	"encoding/xml"
	"net/http"
	"strconv"

	"penstock/internal/blob"
)

func (q *request) uploadID() blob.UploadID {
	return blob.UploadID{Bucket: q.bucket, Key: q.key, ID: q.query.Get("uploadId")}
}

// createMultipartUpload serves CreateMultipartUpload.
func (h *Handler) createMultipartUpload(q *request) error {
	attributes, err := readAttributes(q)
	if err != nil {
		return err
	}
	algorithm, err := algorithmNamed(q.Header.Get("X-Amz-Checksum-Algorithm"))
	if err != nil {
		return err
	}
	u, err := h.store.CreateUpload(q.Context(), q.bucket, q.key, &blob.UploadOptions{
		Attributes: attributes, Algorithm: algorithm, Type: blob.ChecksumType(q.Header.Get("X-Amz-Checksum-Type")),
	})
	if err != nil {
		return err
	}
	header := q.w.Header()
	setEncryption(header, u.Encryption)
	if u.Algorithm != "" {
		header.Set("X-Amz-Checksum-Algorithm", string(u.Algorithm))
		header.Set("X-Amz-Checksum-Type", string(u.Type))
	}
	return writeXML(q, struct {
		XMLName  xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ InitiateMultipartUploadResult"`
		Bucket   string
		Key      string
		UploadID string `xml:"UploadId"`
	}{Bucket: q.bucket, Key: q.key, UploadID: u.ID})
}

// uploadPart serves UploadPart and UploadPartCopy.
func (h *Handler) uploadPart(q *request) error {
	number, err := strconv.Atoi(q.query.Get("partNumber"))
	if err != nil {
		return refuse("InvalidArgument", "Part number must be an integer between 1 and %d, inclusive", blob.MaxParts)
	}
	if err := refuseUnserved(q.Header); err != nil {
		return err
	}
	if q.Header.Get(copySource) != "" {
		return h.uploadPartCopy(q, number)
	}
	o, err := putOptions(q)
	if err != nil {
		return err
	}
	part, err := h.store.UploadPart(q.Context(), q.uploadID(), number, q.Body, o)
	if err != nil {
		return err
	}
	header := q.w.Header()
	header.Set("Etag", part.ETag)
	if part.Checksum.Value != "" {
		header.Set(checksumHeader(part.Checksum.Algorithm), part.Checksum.Value)
	}
	q.w.WriteHeader(http.StatusOK)
	return nil
}

type copyPartResult struct {
	XMLName      xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ CopyPartResult"`
	LastModified string
	ETag         string
	checksumXML
}

func (h *Handler) uploadPartCopy(q *request, number int) error {
	from, err := h.copyFrom(q)
	if err != nil {
		return err
	}
	if v := q.Header.Get("X-Amz-Copy-Source-Range"); v != "" {
		if from.Range = parseRange(v); from.Range == nil || from.Range.Offset < 0 || from.Range.Length < 0 {
			return refuse("InvalidArgument", "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy")
		}
	}
	part, err := h.store.UploadPartCopy(q.Context(), q.uploadID(), number, from)
	if err != nil {
		return err
	}
	if from.VersionID != "" {
		q.w.Header().Set("X-Amz-Copy-Source-Version-Id", from.VersionID)
	}
	return writeXML(q, copyPartResult{LastModified: stampXML(part.Modified), ETag: part.ETag, checksumXML: checksumOf(part.Checksum)})
}

// abortMultipartUpload serves AbortMultipartUpload.
func (h *Handler) abortMultipartUpload(q *request) error {
	if err := h.store.AbortUpload(q.Context(), q.uploadID()); err != nil {
		return err
	}
	q.w.WriteHeader(http.StatusNoContent)
	return nil
}

type completeRequest struct {
	XMLName xml.Name `xml:"CompleteMultipartUpload"`
	Parts   []struct {
		PartNumber int
		ETag       string
		checksumXML
	} `xml:"Part"`
}

type completeResult struct {
	XMLName      xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ CompleteMultipartUploadResult"`
	Location     string
	Bucket       string
	Key          string
	ETag         string
	ChecksumType string `xml:",omitempty"`
	checksumXML
}

// completeMultipartUpload serves CompleteMultipartUpload. The checksum header
// is about the object, not about the XML.
func (h *Handler) completeMultipartUpload(q *request) error {
	o := &blob.CompleteOptions{If: writeConditions(q.Header)}
	for _, a := range blob.Algorithms {
		if v := q.Header.Get(checksumHeader(a)); v != "" {
			o.Checksum = v
			q.Header.Del(checksumHeader(a))
		}
	}
	if v := q.Header.Get("X-Amz-Mp-Object-Size"); v != "" {
		size, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			return refuse("InvalidRequest", "Value for x-amz-mp-object-size header is invalid.")
		}
		o.Size = &size
	}
	var body completeRequest
	if err := readXML(q, &body); err != nil {
		return err
	}
	if len(body.Parts) == 0 || len(body.Parts) > blob.MaxParts {
		return errMalformedXML()
	}
	parts := make([]blob.CompletedPart, len(body.Parts))
	for i, p := range body.Parts {
		parts[i] = blob.CompletedPart{Number: p.PartNumber, ETag: p.ETag, Checksum: p.value()}
	}
	info, err := h.store.CompleteUpload(q.Context(), q.uploadID(), parts, o)
	if err != nil {
		return err
	}
	header := q.w.Header()
	header.Set("X-Amz-Version-Id", info.VersionID)
	setEncryption(header, info.Encryption)
	return writeXML(q, completeResult{
		Location: "http://" + q.Host + rawPath(q.Request), Bucket: q.bucket, Key: q.key, ETag: info.ETag,
		ChecksumType: string(info.Checksum.Type), checksumXML: checksumOf(info.Checksum),
	})
}

type partXML struct {
	PartNumber   int
	LastModified string
	ETag         string
	Size         int64
	checksumXML
}

type listPartsResult struct {
	XMLName              xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListPartsResult"`
	Bucket               string
	Key                  string
	UploadID             string `xml:"UploadId"`
	Initiator            owner
	Owner                owner
	StorageClass         string
	PartNumberMarker     int
	NextPartNumberMarker int
	MaxParts             int
	IsTruncated          bool
	ChecksumAlgorithm    string    `xml:",omitempty"`
	ChecksumType         string    `xml:",omitempty"`
	Parts                []partXML `xml:"Part"`
}

// listParts serves ListParts.
func (h *Handler) listParts(q *request) error {
	l, err := readListing(q, "max-parts")
	if err != nil {
		return err
	}
	marker := 0
	if v := q.query.Get("part-number-marker"); v != "" {
		if marker, err = strconv.Atoi(v); err != nil || marker < 0 {
			return refuse("InvalidArgument", "Argument part-number-marker must be an integer between 0 and 2147483647")
		}
	}
	u, err := h.store.Upload(q.Context(), q.uploadID())
	if err != nil {
		return err
	}
	who := owner{q.caller.Account, q.caller.Account}
	answer := listPartsResult{
		Bucket: q.bucket, Key: q.key, UploadID: u.ID, Initiator: who, Owner: who, StorageClass: "STANDARD",
		PartNumberMarker: marker, MaxParts: l.max, ChecksumAlgorithm: string(u.Algorithm), ChecksumType: string(u.Type),
	}
	if l.max == 0 {
		return writeXML(q, answer)
	}
	parts, more, err := h.store.ListParts(q.Context(), q.uploadID(), marker, l.max)
	if err != nil {
		return err
	}
	for _, p := range parts {
		answer.Parts = append(answer.Parts, partXML{p.Number, stampXML(p.Modified), p.ETag, p.Size, checksumOf(p.Checksum)})
		answer.NextPartNumberMarker = p.Number
	}
	answer.IsTruncated = more
	return writeXML(q, answer)
}

type uploadXML struct {
	Key               string
	UploadID          string `xml:"UploadId"`
	Initiator         owner
	Owner             owner
	StorageClass      string
	Initiated         string
	ChecksumAlgorithm string `xml:",omitempty"`
	ChecksumType      string `xml:",omitempty"`
}

type listUploadsResult struct {
	XMLName            xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListMultipartUploadsResult"`
	Bucket             string
	KeyMarker          string
	UploadIDMarker     string `xml:"UploadIdMarker"`
	NextKeyMarker      string
	NextUploadIDMarker string `xml:"NextUploadIdMarker"`
	Prefix             string
	Delimiter          string `xml:",omitempty"`
	EncodingType       string `xml:",omitempty"`
	MaxUploads         int
	IsTruncated        bool
	Uploads            []uploadXML `xml:"Upload"`
	CommonPrefixes     []commonPrefix
}

// listMultipartUploads serves ListMultipartUploads.
func (h *Handler) listMultipartUploads(q *request) error {
	l, err := readListing(q, "max-uploads")
	if err != nil {
		return err
	}
	keyMarker, idMarker := q.query.Get("key-marker"), q.query.Get("upload-id-marker")
	answer := listUploadsResult{
		Bucket: q.bucket, KeyMarker: l.text(keyMarker), UploadIDMarker: idMarker, Prefix: l.text(l.prefix),
		Delimiter: l.text(l.delimiter), EncodingType: l.encoding(), MaxUploads: l.max,
	}
	if l.max == 0 {
		return writeXML(q, answer)
	}
	page, err := h.store.ListUploads(q.Context(), q.bucket, &blob.UploadsOptions{
		Prefix: l.prefix, Delimiter: l.delimiter, KeyMarker: keyMarker, IDMarker: idMarker, Max: l.max,
	})
	if err != nil {
		return err
	}
	who := owner{q.caller.Account, q.caller.Account}
	for _, u := range page.Uploads {
		answer.Uploads = append(answer.Uploads, uploadXML{
			l.text(u.Key), u.ID, who, who, "STANDARD", stampXML(u.Created), string(u.Algorithm), string(u.Type),
		})
	}
	answer.CommonPrefixes = l.prefixes(page.Prefixes)
	answer.IsTruncated = page.NextKey != ""
	answer.NextKeyMarker, answer.NextUploadIDMarker = l.text(page.NextKey), page.NextID
	return writeXML(q, answer)
}

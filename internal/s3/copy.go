package s3

import (
	"encoding/xml"

	"penstock/internal/blob"
)

type copyObjectResult struct {
	XMLName      xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ CopyObjectResult"`
	LastModified string
	ETag         string
	ChecksumType string `xml:",omitempty"`
	checksumXML
}

// copyFrom reads the source of a copy and asks for the right to read it.
func (h *Handler) copyFrom(q *request) (blob.Source, error) {
	from, err := parseCopySource(q.Header.Get(copySource))
	if err != nil {
		return from, err
	}
	action := "s3:GetObject"
	if from.VersionID != "" {
		action = "s3:GetObjectVersion"
	}
	from.If = readConditions(q.Header, "X-Amz-Copy-Source-")
	return from, h.allow(q.Context(), q.caller, action, from.Bucket, from.Key)
}

// directive reads x-amz-metadata-directive or x-amz-tagging-directive.
func directive(value string) (replace bool, err error) {
	switch value {
	case "", "COPY":
		return false, nil
	case "REPLACE":
		return true, nil
	}
	return false, refuse("InvalidArgument", "Unknown metadata directive.")
}

// copyObject serves CopyObject.
func (h *Handler) copyObject(q *request) error {
	from, err := h.copyFrom(q)
	if err != nil {
		return err
	}
	attributes, err := readAttributes(q)
	if err != nil {
		return err
	}
	o := &blob.CopyOptions{Encryption: attributes.Encryption, If: writeConditions(q.Header)}
	replace, err := directive(q.Header.Get("X-Amz-Metadata-Directive"))
	if err != nil {
		return err
	}
	if replace {
		o.Replace = &attributes
	}
	retag, err := directive(q.Header.Get("X-Amz-Tagging-Directive"))
	if err != nil {
		return err
	}
	if retag {
		o.Tags = &attributes.Tags
	}
	if o.Algorithm, err = algorithmNamed(q.Header.Get("X-Amz-Checksum-Algorithm")); err != nil {
		return err
	}
	if from.Bucket == q.bucket && from.Key == q.key && from.VersionID == "" && !replace && o.Encryption.Algorithm == "" {
		return refuse("InvalidRequest", "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.")
	}
	info, err := h.store.Copy(q.Context(), from, q.bucket, q.key, o)
	if err != nil {
		return err
	}
	header := q.w.Header()
	header.Set("X-Amz-Version-Id", info.VersionID)
	if from.VersionID != "" {
		header.Set("X-Amz-Copy-Source-Version-Id", from.VersionID)
	}
	setEncryption(header, info.Encryption)
	return writeXML(q, copyObjectResult{
		LastModified: stampXML(info.Modified), ETag: info.ETag,
		ChecksumType: string(info.Checksum.Type), checksumXML: checksumOf(info.Checksum),
	})
}

package blob

import (
	"context"
	"io"
	"time"
)

// Limits of multipart uploads, as Amazon S3 has them.
const (
	MaxParts    = 10_000
	MinPartSize = 5 << 20 // bytes, all parts but the last
	MaxPartSize = 5 << 30 // bytes; also the most of one Put
)

// Multiparts assembles objects from parts.
type Multiparts interface {
	CreateUpload(ctx context.Context, bucket, key string, o *UploadOptions) (Upload, error)
	// UploadPart stores a part; a part with the same number is replaced.
	UploadPart(ctx context.Context, id UploadID, number int, body io.Reader, o *PutOptions) (Part, error)
	// UploadPartCopy makes a part of an object that exists.
	UploadPartCopy(ctx context.Context, id UploadID, number int, from Source) (Part, error)
	// Upload describes an open upload.
	Upload(ctx context.Context, id UploadID) (Upload, error)
	// ListParts returns parts with a number above after, at most max, and
	// whether there are more.
	ListParts(ctx context.Context, id UploadID, after, max int) ([]Part, bool, error)
	ListUploads(ctx context.Context, bucket string, o *UploadsOptions) (UploadsPage, error)
	// CompleteUpload makes the object of the listed parts; the others are
	// dropped.
	CompleteUpload(ctx context.Context, id UploadID, parts []CompletedPart, o *CompleteOptions) (Info, error)
	// AbortUpload drops the upload and its parts.
	AbortUpload(ctx context.Context, id UploadID) error
}

// UploadID names an upload; Bucket and Key must be those it was created with.
type UploadID struct{ Bucket, Key, ID string }

// UploadOptions describe the object to be.
type UploadOptions struct {
	Attributes
	Algorithm Algorithm
	// Type is how the checksum of the object is made of those of its parts;
	// "" chooses S3's default for the algorithm.
	Type ChecksumType
}

// Upload is an open multipart upload.
type Upload struct {
	UploadID
	Created time.Time
	UploadOptions
}

// Part is a stored part.
type Part struct {
	Number   int
	Size     int64
	ETag     string
	Modified time.Time
	Checksum Checksum
}

// CompletedPart is a part as the caller of CompleteUpload names it; Checksum
// is compared when it is not "".
type CompletedPart struct {
	Number   int
	ETag     string
	Checksum string
}

// CompleteOptions guard the completion.
type CompleteOptions struct {
	If Conditions
	// Checksum is the expected checksum of the whole object; "" for none.
	Checksum string
	// Size is the expected size of the whole object; nil for none.
	Size *int64
}

// UploadsOptions choose what ListUploads returns.
type UploadsOptions struct {
	Prefix    string
	Delimiter string
	// KeyMarker and IDMarker start the listing behind that upload, or behind
	// all uploads of the key when IDMarker is "".
	KeyMarker string
	IDMarker  string
	Max       int
}

// UploadsPage is one answer of ListUploads, by key, then by age.
type UploadsPage struct {
	Uploads  []Upload
	Prefixes []string
	NextKey  string // "" when the listing is complete
	NextID   string
}

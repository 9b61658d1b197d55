package blob

import (
	"io"
	"time"
)

// ObjectRef names one object.
type ObjectRef struct{ Bucket, Key string }

// Attributes are what a writer says about an object; a store keeps them
// unchanged and gives them back.
type Attributes struct {
	ContentType        string `json:",omitempty"`
	CacheControl       string `json:",omitempty"`
	ContentDisposition string `json:",omitempty"`
	ContentEncoding    string `json:",omitempty"`
	ContentLanguage    string `json:",omitempty"`
	Expires            string `json:",omitempty"` // as sent
	WebsiteRedirect    string `json:",omitempty"`
	// Metadata is user metadata, names in lower case without "x-amz-meta-".
	Metadata map[string]string `json:",omitempty"`
	// Encryption holds the server-side encryption headers. The embedded store
	// keeps and echoes them; it does not encrypt.
	Encryption Encryption `json:",omitzero"`
	// Tags are object tags (PutObjectTagging).
	Tags []Tag `json:",omitempty"`
}

// Encryption mirrors the x-amz-server-side-encryption headers.
type Encryption struct {
	Algorithm string `json:",omitempty"` // "AES256", "aws:kms" or "aws:kms:dsse"
	KMSKeyID  string `json:",omitempty"`
	Context   string `json:",omitempty"`
	BucketKey bool   `json:",omitempty"`
}

// Tag is one object tag.
type Tag struct{ Key, Value string }

// Info describes one version of an object.
type Info struct {
	Bucket    string
	Key       string
	VersionID string // "null" for a version written while versioning was suspended
	Latest    bool
	Marker    bool // a delete marker has no content, ETag or attributes
	Size      int64
	ETag      string // with its quotes
	Modified  time.Time
	Attributes
	Checksum Checksum
	// Parts are the sizes of the parts of a multipart object; nil for others.
	// Listings leave Parts, Attributes and Checksum.Value out.
	Parts []int64
}

// Object is an open object. The caller closes Body.
type Object struct {
	Info
	// Offset and Length are the bytes of the object that Body yields.
	Offset, Length int64
	Body           io.ReadCloser
}

// ListOptions choose what a listing returns; nil lists all.
type ListOptions struct {
	Prefix    string
	Delimiter string
	// After starts the listing behind this key or common prefix. A value that
	// Page.Next gave continues that listing.
	After string
	// Max is the number of keys and common prefixes together; 0 means 1000,
	// which is also the most.
	Max int
}

// Page is one answer of a listing.
type Page struct {
	Objects  []Info
	Prefixes []string
	Next     string // "" when the listing is complete
}

// VersionsOptions choose what ListVersions returns.
type VersionsOptions struct {
	Prefix    string
	Delimiter string
	// KeyMarker and VersionMarker start the listing behind that version, or
	// behind all versions of the key when VersionMarker is "".
	KeyMarker     string
	VersionMarker string
	Max           int
}

// VersionsPage is one answer of ListVersions: newest first within a key.
type VersionsPage struct {
	Versions    []Info // versions and delete markers
	Prefixes    []string
	NextKey     string // "" when the listing is complete
	NextVersion string // "" when the last entry was a common prefix
}

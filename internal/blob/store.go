package blob

import (
	"context"
	"io"
	"time"
)

// Store is the bucket port: all that sources, deployments, logs and workers
// in the process need of object storage. A nil options pointer means defaults.
// Methods may be called concurrently.
type Store interface {
	// EnsureBucket creates the bucket when it is absent. A bucket that exists
	// is left as it is; when both it and o name owners, and different ones,
	// the error is AccessDenied.
	EnsureBucket(ctx context.Context, bucket string, o *BucketOptions) error

	// Head describes a version of an object.
	Head(ctx context.Context, bucket, key string, o *GetOptions) (Info, error)

	// Get opens a version of an object. A reader that was opened stays
	// readable to its end when the object is deleted or replaced meanwhile.
	Get(ctx context.Context, bucket, key string, o *GetOptions) (*Object, error)

	// Put reads body to its end and stores it. The object is visible and
	// durable when Put returns nil, and absent when it returns an error.
	Put(ctx context.Context, bucket, key string, body io.Reader, o *PutOptions) (Info, error)

	// Copy stores a version of an object under another name.
	Copy(ctx context.Context, from Source, bucket, key string, o *CopyOptions) (Info, error)

	// Delete removes a version or, without VersionID in a versioned bucket,
	// adds a delete marker. Deleting what does not exist is no error.
	Delete(ctx context.Context, bucket, key string, o *DeleteOptions) (Deleted, error)

	// List returns the objects of a bucket in the order of their keys' bytes.
	List(ctx context.Context, bucket string, o *ListOptions) (Page, error)
}

// Backend is what the embedded S3 endpoint serves.
type Backend interface {
	Store
	Buckets
	Multiparts

	// DeleteMany deletes in one transaction, results in the targets' order.
	DeleteMany(ctx context.Context, bucket string, targets []Target) ([]DeleteResult, error)

	// ListVersions returns versions and delete markers.
	ListVersions(ctx context.Context, bucket string, o *VersionsOptions) (VersionsPage, error)

	// SetTags replaces the tags of a version and returns the version's id.
	SetTags(ctx context.Context, bucket, key, versionID string, tags []Tag) (string, error)
}

// Buckets manages buckets.
type Buckets interface {
	// CreateBucket makes a bucket; BucketAlreadyOwned or BucketAlreadyExists
	// when the name is taken by the same or another owner.
	CreateBucket(ctx context.Context, bucket string, o *BucketOptions) (Bucket, error)
	// Bucket describes one bucket.
	Bucket(ctx context.Context, bucket string) (Bucket, error)
	// ListBuckets returns all buckets, or those of one owner, by name.
	ListBuckets(ctx context.Context, owner string) ([]Bucket, error)
	// DeleteBucket removes a bucket without versions and uploads.
	DeleteBucket(ctx context.Context, bucket string) error
	// SetVersioning changes the versioning state.
	SetVersioning(ctx context.Context, bucket string, v Versioning) error
}

// Versioning is the state of a bucket. New buckets of the embedded store are
// Enabled, because source actions need version ids.
type Versioning string

// The states of PutBucketVersioning.
const (
	Enabled   Versioning = "Enabled"
	Suspended Versioning = "Suspended"
)

// Bucket describes a bucket.
type Bucket struct {
	Name       string
	Owner      string // account; "" is open to every account of the server
	Region     string
	Created    time.Time
	Versioning Versioning
}

// BucketOptions are used when a bucket is created.
type BucketOptions struct {
	Owner  string
	Region string
}

// GetOptions choose a version, a range and conditions.
type GetOptions struct {
	VersionID string
	Range     *Range
	Part      int // part number of a multipart object, instead of Range
	If        Conditions
}

// PutOptions describe a new object.
type PutOptions struct {
	Attributes
	// Length is the number of bytes that body must yield; nil accepts any.
	Length *int64
	// MD5 is the digest that body must have, when set.
	MD5 []byte
	// Algorithm asks for a checksum that is kept with the object.
	Algorithm Algorithm
	// Check, when set, is called with the checksum after the last byte was
	// read and before anything is visible; its error refuses the object. It
	// is how a checksum that comes in a trailer is verified.
	Check func(Checksum) error
	// If is compared with the current version as the object becomes visible.
	If Conditions
}

// Source names what Copy and UploadPartCopy read.
type Source struct {
	Bucket, Key, VersionID string
	If                     Conditions
	Range                  *Range // UploadPartCopy only
}

// CopyOptions describe the copy.
type CopyOptions struct {
	// Replace, when set, takes the place of the source's attributes, all but
	// Tags.
	Replace *Attributes
	// Encryption, when it names an algorithm, replaces the source's.
	Encryption Encryption
	// Tags replaces the source's tags when not nil.
	Tags      *[]Tag
	Algorithm Algorithm // "" keeps the source's checksum
	If        Conditions
}

// DeleteOptions choose a version.
type DeleteOptions struct {
	VersionID string
	If        Conditions
}

// Deleted says what a deletion did.
type Deleted struct {
	VersionID string // the version removed, or the marker made
	Marker    bool   // the version made or removed is a delete marker
}

// Target is one entry of DeleteMany.
type Target struct {
	Key, VersionID string
	If             Conditions
}

// DeleteResult is the answer to one Target.
type DeleteResult struct {
	Deleted
	Err error
}

// Notifier is a store that tells of new objects.
type Notifier interface {
	// OnPut registers fn to be called after an object became durable and
	// before its writer is told, on the writer's goroutine: fn must return
	// soon. A crash may lose a call.
	OnPut(fn func(w Written))
}

// Written tells of a new version of an object.
type Written struct {
	Info
	Owner, Region string // of the bucket
	Operation     string // PutObject, CopyObject or CompleteMultipartUpload
}

package blob

import (
	"errors"
	"fmt"
)

// Code is the kind of a refusal, spelled as the error code of Amazon S3.
type Code string

// The codes that stores answer with.
const (
	NoSuchBucket          Code = "NoSuchBucket"
	NoSuchKey             Code = "NoSuchKey"
	NoSuchVersion         Code = "NoSuchVersion"
	NoSuchUpload          Code = "NoSuchUpload"
	NotModified           Code = "NotModified"
	PreconditionFailed    Code = "PreconditionFailed"
	InvalidRange          Code = "InvalidRange"
	InvalidPart           Code = "InvalidPart"
	InvalidPartOrder      Code = "InvalidPartOrder"
	InvalidPartNumber     Code = "InvalidPartNumber"
	InvalidArgument       Code = "InvalidArgument"
	InvalidRequest        Code = "InvalidRequest"
	InvalidBucketName     Code = "InvalidBucketName"
	KeyTooLong            Code = "KeyTooLongError"
	EntityTooSmall        Code = "EntityTooSmall"
	EntityTooLarge        Code = "EntityTooLarge"
	IncompleteBody        Code = "IncompleteBody"
	BadDigest             Code = "BadDigest"
	InvalidDigest         Code = "InvalidDigest"
	BucketNotEmpty        Code = "BucketNotEmpty"
	BucketAlreadyExists   Code = "BucketAlreadyExists"
	BucketAlreadyOwned    Code = "BucketAlreadyOwnedByYou"
	MethodNotAllowed      Code = "MethodNotAllowed"
	AccessDenied          Code = "AccessDenied"
	CredentialsNotAllowed Code = "CredentialsNotAllowed"
)

// Error is a refusal by a store. Any other error is a failure of the store.
type Error struct {
	Code    Code
	Message string
	Bucket  string
	Key     string
	// Marker is set when the newest version of the key, or the version asked
	// for, is a delete marker; VersionID then names it.
	Marker    bool
	VersionID string
}

// Error implements error.
func (e *Error) Error() string {
	at := e.Bucket
	if e.Key != "" {
		at += "/" + e.Key
	}
	return fmt.Sprintf("blob: %s: %s (%s)", e.Code, e.Message, at)
}

// Is makes errors.Is(err, &Error{Code: c}) compare codes.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// Errorf returns an *Error about an object, or about a bucket when key is "".
func Errorf(code Code, bucket, key, format string, args ...any) *Error {
	return &Error{Code: code, Bucket: bucket, Key: key, Message: fmt.Sprintf(format, args...)}
}

// CodeOf returns the code of the first *Error in err's chain, or "".
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return ""
}

// IsNotFound reports whether err says that a bucket, key or version is absent.
func IsNotFound(err error) bool {
	switch CodeOf(err) {
	case NoSuchBucket, NoSuchKey, NoSuchVersion:
		return true
	}
	return false
}

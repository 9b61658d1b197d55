// Package s3blob keeps objects in an S3 outside of this server: Amazon's or
// any other that speaks its protocol.
package s3blob

// Package s3 serves the wire protocol of Amazon S3 (REST, XML) over a
// [blob.Backend]: artifacts, sources and whatever else users keep there with
// an unmodified SDK or the AWS CLI.
//
// It reads the raw request path itself and never passes through
// http.ServeMux, which would clean keys that hold "//" or "..": here a key is
// a name. Operations and sub-resources that are not served are answered
// NotImplemented (501), never with a success that did nothing.
//
// See https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html.
package s3

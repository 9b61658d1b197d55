// Package blob is the port to object storage: the artifacts of pipelines, the
// sources they watch and the objects users keep in the embedded S3.
//
// [Store] is what the server itself needs and every driver offers. [Backend]
// is what the embedded S3 endpoint serves; only package fileblob offers it.
// Both promise the same: an object is whole or absent, whatever happens to the
// process; a nil error from a write means that the object is durable; the
// listing order is that of the keys' bytes; a key is a name, never a path.
//
// Errors that a caller may branch on are *[Error]; their codes are those of
// Amazon S3.
package blob

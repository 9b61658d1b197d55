package s3

import (
	"net/http"
	"slices"
)

// level is what an operation is about.
type level int

const (
	onService level = iota
	onBucket
	onObject
)

// operation is one operation of S3. Which one a request asks for is told by
// its method, what its path names and its sub-resource.
type operation struct {
	name   string
	level  level
	method string
	sub    string
	action string // of IAM
	serve  func(*Handler, *request) error
}

// copySource is the sub-resource of requests with that header.
const copySource = "x-amz-copy-source"

var operations = []operation{
	{"ListBuckets", onService, "GET", "", "s3:ListAllMyBuckets", (*Handler).listBuckets},

	{"CreateBucket", onBucket, "PUT", "", "s3:CreateBucket", (*Handler).createBucket},
	{"HeadBucket", onBucket, "HEAD", "", "s3:ListBucket", (*Handler).headBucket},
	{"DeleteBucket", onBucket, "DELETE", "", "s3:DeleteBucket", (*Handler).deleteBucket},
	{"GetBucketLocation", onBucket, "GET", "location", "s3:GetBucketLocation", (*Handler).getBucketLocation},
	{"GetBucketVersioning", onBucket, "GET", "versioning", "s3:GetBucketVersioning", (*Handler).getBucketVersioning},
	{"PutBucketVersioning", onBucket, "PUT", "versioning", "s3:PutBucketVersioning", (*Handler).putBucketVersioning},
	{"GetBucketAcl", onBucket, "GET", "acl", "s3:GetBucketAcl", (*Handler).getACL},
	{"PutBucketAcl", onBucket, "PUT", "acl", "s3:PutBucketAcl", (*Handler).putACL},
	{"GetBucketNotificationConfiguration", onBucket, "GET", "notification", "s3:GetBucketNotification", (*Handler).getBucketNotification},
	{"PutBucketNotificationConfiguration", onBucket, "PUT", "notification", "s3:PutBucketNotification", (*Handler).putBucketNotification},
	{"ListObjects", onBucket, "GET", "", "s3:ListBucket", (*Handler).listObjects},
	{"ListObjectsV2", onBucket, "GET", "list-type", "s3:ListBucket", (*Handler).listObjectsV2},
	{"ListObjectVersions", onBucket, "GET", "versions", "s3:ListBucketVersions", (*Handler).listObjectVersions},
	{"ListMultipartUploads", onBucket, "GET", "uploads", "s3:ListBucketMultipartUploads", (*Handler).listMultipartUploads},
	{"DeleteObjects", onBucket, "POST", "delete", "s3:DeleteObject", (*Handler).deleteObjects},

	{"GetObject", onObject, "GET", "", "s3:GetObject", (*Handler).getObject},
	{"HeadObject", onObject, "HEAD", "", "s3:GetObject", (*Handler).headObject},
	{"PutObject", onObject, "PUT", "", "s3:PutObject", (*Handler).putObject},
	{"CopyObject", onObject, "PUT", copySource, "s3:PutObject", (*Handler).copyObject},
	{"DeleteObject", onObject, "DELETE", "", "s3:DeleteObject", (*Handler).deleteObject},
	{"GetObjectAcl", onObject, "GET", "acl", "s3:GetObjectAcl", (*Handler).getACL},
	{"PutObjectAcl", onObject, "PUT", "acl", "s3:PutObjectAcl", (*Handler).putACL},
	{"GetObjectTagging", onObject, "GET", "tagging", "s3:GetObjectTagging", (*Handler).getObjectTagging},
	{"PutObjectTagging", onObject, "PUT", "tagging", "s3:PutObjectTagging", (*Handler).putObjectTagging},
	{"DeleteObjectTagging", onObject, "DELETE", "tagging", "s3:DeleteObjectTagging", (*Handler).deleteObjectTagging},
	{"CreateMultipartUpload", onObject, "POST", "uploads", "s3:PutObject", (*Handler).createMultipartUpload},
	{"UploadPart", onObject, "PUT", "uploadId", "s3:PutObject", (*Handler).uploadPart},
	{"CompleteMultipartUpload", onObject, "POST", "uploadId", "s3:PutObject", (*Handler).completeMultipartUpload},
	{"AbortMultipartUpload", onObject, "DELETE", "uploadId", "s3:AbortMultipartUpload", (*Handler).abortMultipartUpload},
	{"ListParts", onObject, "GET", "uploadId", "s3:ListMultipartUploadParts", (*Handler).listParts},
}

// subresources are the query parameters that choose an operation. Those that
// no operation above has are known in order to be refused.
var subresources = []string{
	"accelerate", "acl", "analytics", "annotation", "attributes", "cors", "delete", "encryption",
	"intelligent-tiering", "inventory", "legal-hold", "lifecycle", "list-type", "location", "logging",
	"metadataConfiguration", "metadataTable", "metrics", "notification", "object-lock",
	"ownershipControls", "policy", "policyStatus", "publicAccessBlock", "rename", "renameObject", "replication",
	"requestPayment", "restore", "retention", "select", "session", "tagging", "torrent",
	"uploadId", "uploads", "versioning", "versions", "website",
}

func findOperation(q *request) (operation, error) {
	at := onService
	switch {
	case q.key != "":
		at = onObject
	case q.bucket != "":
		at = onBucket
	}
	sub := ""
	for _, name := range subresources {
		if q.query.Has(name) {
			sub = name
			break
		}
	}
	if sub == "" && at == onObject && q.Method == http.MethodPut && q.Header.Get(copySource) != "" {
		sub = copySource
	}
	i := slices.IndexFunc(operations, func(o operation) bool {
		return o.level == at && o.method == q.Method && o.sub == sub
	})
	switch {
	case i >= 0:
		return operations[i], nil
	case sub != "":
		return operation{}, errNotImplemented(sub)
	case at == onBucket && q.Method == http.MethodPost:
		return operation{}, errNotImplemented("POST of an HTML form")
	}
	return operation{}, refuse("MethodNotAllowed", "The specified method is not allowed against this resource.")
}

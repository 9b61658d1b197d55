package auth

import "slices"

// readActions are those that a job may do on its input artifacts, and
// writeActions those on its output artifacts. The multipart calls that IAM
// folds into s3:PutObject are listed under their own names as well.
var (
	readActions  = []string{"s3:GetObject", "s3:GetObjectVersion", "s3:HeadObject"}
	writeActions = []string{
		"s3:PutObject", "s3:CreateMultipartUpload", "s3:UploadPart", "s3:CompleteMultipartUpload",
		"s3:AbortMultipartUpload", "s3:ListParts", "s3:ListMultipartUploadParts",
	}
)

// AllowS3 tells whether p may do the action, for example "s3:GetObject", on an
// object; the key is empty for actions on the bucket. Copying an object takes
// s3:GetObject on the source and s3:PutObject on the target.
func (p Principal) AllowS3(action, bucket, key string) bool {
	if p.Job == nil {
		return true
	}
	ref := ObjectRef{Bucket: bucket, Key: key}
	switch {
	case slices.Contains(readActions, action):
		return slices.Contains(p.Job.Inputs, ref)
	case slices.Contains(writeActions, action):
		return slices.Contains(p.Job.Outputs, ref)
	case action == "s3:GetBucketLocation":
		inBucket := func(o ObjectRef) bool { return o.Bucket == bucket }
		return slices.ContainsFunc(p.Job.Inputs, inBucket) || slices.ContainsFunc(p.Job.Outputs, inBucket)
	}
	return false
}

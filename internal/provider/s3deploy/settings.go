package s3deploy

import (
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"penstock/internal/provider"
	"penstock/jobworker"
)

// settings are the action's configuration, checked and with its placeholders
// filled in.
type settings struct {
	input        jobworker.Artifact
	bucket       provider.Ref // without a key
	extract      bool
	key          string // the object's key or, with extract, the prefix without slashes around it
	kmsKey       string
	acl          string
	cacheControl string
}

// cannedACLs are the values of CannedACL.
var cannedACLs = []string{"private", "public-read", "public-read-write", "authenticated-read",
	"aws-exec-read", "bucket-owner-read", "bucket-owner-full-control"}

// uuidSpace makes {uuid} of an action's execution id, so that a second run of
// the same action writes to the same place.
var uuidSpace = uuid.MustParse("6b0f4a52-3b2f-4b0c-9a3e-5f6d2c1e7a90")

func parse(j jobworker.Job, now time.Time) (settings, error) {
	c := j.Configuration
	s := settings{key: c["ObjectKey"], kmsKey: c["KMSEncryptionKeyARN"], acl: c["CannedACL"], cacheControl: c["CacheControl"]}
	bad := func(format string, args ...any) (settings, error) {
		return s, jobworker.Permanent(jobworker.ConfigurationError, format, args...)
	}
	if len(j.Inputs) != 1 {
		return bad("An S3 deployment has exactly one input artifact.")
	}
	s.input = j.Inputs[0]
	s.bucket.Account, s.bucket.Region = provider.Owner(j)
	if s.bucket.Bucket = c["BucketName"]; s.bucket.Bucket == "" {
		return bad("The configuration of the S3 deployment lacks BucketName.")
	}
	switch strings.ToLower(c["Extract"]) {
	case "true":
		s.extract = true
	case "false":
	default:
		return bad("Extract has to be true or false.")
	}
	if s.acl != "" && !slices.Contains(cannedACLs, s.acl) {
		return bad("CannedACL has to be one of %s.", strings.Join(cannedACLs, ", "))
	}
	if strings.ContainsFunc(s.cacheControl, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return bad("CacheControl has control characters.")
	}
	s.key = strings.NewReplacer(
		"{datetime}", now.UTC().Format("2006-01-02_15-04-05"),
		"{uuid}", uuid.NewSHA1(uuidSpace, []byte(j.Context.ActionExecutionID)).String(),
	).Replace(s.key)
	if s.extract {
		s.key = strings.TrimSuffix(strings.TrimPrefix(s.key, "/"), "/")
	} else if s.key == "" {
		return bad("Without Extract the configuration needs ObjectKey.")
	}
	return s, nil
}

package s3blob

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"penstock/internal/blob"
)

// Options say where the S3 is and who we are there.
type Options struct {
	Endpoint  string // URL; "" is Amazon's for the region
	Region    string // "" is what the environment says
	PathStyle bool   // needed by most servers that are not Amazon's
	// Static credentials; without them the SDK's default chain is used:
	// environment, shared files, container or instance role.
	AccessKeyID, SecretAccessKey, SessionToken string

	// RoleARN is assumed for the credentials that are handed out with jobs.
	RoleARN string
	// STSEndpoint is the URL of STS; "" is Amazon's for the region.
	STSEndpoint string
	// HandOutOwn permits handing out our own static credentials with jobs when
	// there is no role. They are not limited to the job's artifacts.
	HandOutOwn bool
}

// Store is an S3. It implements [blob.Store].
type Store struct {
	client *s3.Client
	region string
	now    func() time.Time
	page   *int32 // of versions that are listed with a call; nil is what the server likes
}

var _ blob.Store = (*Store)(nil)

// load makes the SDK's configuration.
func (o *Options) load(ctx context.Context) (aws.Config, error) {
	var with []func(*config.LoadOptions) error
	if o.Region != "" {
		with = append(with, config.WithRegion(o.Region))
	}
	if o.AccessKeyID != "" {
		with = append(with, config.WithCredentialsProvider(
			credentials.NewStaticCredentialsProvider(o.AccessKeyID, o.SecretAccessKey, o.SessionToken)))
	}
	return config.LoadDefaultConfig(ctx, with...)
}

// Open returns the store. It does not connect.
func Open(ctx context.Context, o Options) (*Store, error) {
	c, err := o.load(ctx)
	if err != nil {
		return nil, err
	}
	client := s3.NewFromConfig(c, func(s *s3.Options) {
		s.UsePathStyle = o.PathStyle
		if o.Endpoint != "" {
			s.BaseEndpoint = &o.Endpoint
		}
		// Many servers do not know the checksums that the SDK adds by default.
		s.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		s.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	})
	return &Store{client: client, region: c.Region, now: time.Now}, nil
}

// EnsureBucket implements [blob.Store]. The bucket is made in the region of
// the store; Owner is whose credentials we use.
func (s *Store) EnsureBucket(ctx context.Context, bucket string, _ *blob.BucketOptions) error {
	if err := blob.CheckBucket(bucket); err != nil {
		return err
	}
	_, err := s.client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &bucket})
	if err == nil || status(err) != http.StatusNotFound {
		return translate(err, bucket, "", "")
	}
	in := &s3.CreateBucketInput{Bucket: &bucket}
	if s.region != "" && s.region != "us-east-1" {
		in.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(s.region)}
	}
	_, err = s.client.CreateBucket(ctx, in)
	err = translate(err, bucket, "", "")
	if blob.CodeOf(err) == blob.BucketAlreadyOwned {
		return nil // someone else of us was faster
	}
	return err
}

// translate turns an error of the SDK into one of the port.
func translate(err error, bucket, key, version string) error {
	if err == nil {
		return nil
	}
	code := blob.Code("")
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		code = blob.Code(e.ErrorCode())
	}
	// Answers to HEAD and 304 have no body with a code.
	switch status(err) {
	case http.StatusNotModified:
		code = blob.NotModified
	case http.StatusPreconditionFailed:
		code = blob.PreconditionFailed
	case http.StatusRequestedRangeNotSatisfiable:
		if code != blob.InvalidPartNumber {
			code = blob.InvalidRange
		}
	case http.StatusMethodNotAllowed:
		code = blob.MethodNotAllowed
	case http.StatusForbidden:
		code = blob.AccessDenied
	case http.StatusNotFound:
		switch {
		case code != "NotFound" && code != "":
		case key == "":
			code = blob.NoSuchBucket
		case version != "":
			code = blob.NoSuchVersion
		default:
			code = blob.NoSuchKey
		}
	}
	switch code {
	case blob.NoSuchBucket, blob.NoSuchKey, blob.NoSuchVersion, blob.NoSuchUpload, blob.NotModified, blob.PreconditionFailed,
		blob.InvalidRange, blob.InvalidPartNumber, blob.InvalidArgument, blob.InvalidRequest, blob.InvalidBucketName,
		blob.KeyTooLong, blob.EntityTooLarge, blob.BadDigest, blob.BucketAlreadyExists, blob.BucketAlreadyOwned,
		blob.MethodNotAllowed, blob.AccessDenied:
		return blob.Errorf(code, bucket, key, "%v", err)
	}
	return err
}

func status(err error) int {
	if e, ok := errors.AsType[interface {
		error
		HTTPStatusCode() int
	}](err); ok {
		return e.HTTPStatusCode()
	}
	return 0
}

// text is an optional string of the SDK.
func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func date(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

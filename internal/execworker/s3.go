package execworker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"penstock/jobworker"
)

// What an S3 answers; other errors may pass.
var (
	ErrNoObject = errors.New("the object or its bucket does not exist")
	ErrDenied   = errors.New("access denied")
)

// S3 moves artifacts with the credentials of a job.
type S3 interface {
	Download(ctx context.Context, c jobworker.Credentials, bucket, key string, w io.Writer) error
	// Upload stores size bytes of r, encrypted with the KMS key when kmsKeyID
	// is set.
	Upload(ctx context.Context, c jobworker.Credentials, bucket, key, kmsKeyID string, r io.ReadSeeker, size int64) error
}

// S3Config says where the artifact buckets are.
type S3Config struct {
	Region string
	// Endpoint is the base URL of an S3 that is not AWS's; objects are then
	// addressed by path.
	Endpoint string
	HTTP     *http.Client // default: the SDK's
}

type sdkS3 struct{ c S3Config }

// NewS3 returns an S3 on the AWS SDK.
func NewS3(c S3Config) S3 { return &sdkS3{c} }

func (s *sdkS3) client(c jobworker.Credentials) *s3.Client {
	o := s3.Options{
		Region:      s.c.Region,
		Credentials: credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, c.SessionToken),
		// Trailing checksums are beyond many servers that are not AWS's.
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
	}
	if s.c.Endpoint != "" {
		o.BaseEndpoint = &s.c.Endpoint
		o.UsePathStyle = true
	}
	if s.c.HTTP != nil {
		o.HTTPClient = s.c.HTTP
	}
	return s3.New(o)
}

func (s *sdkS3) Download(ctx context.Context, c jobworker.Credentials, bucket, key string, w io.Writer) error {
	out, err := s.client(c).GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return known(err)
	}
	defer out.Body.Close()
	_, err = io.Copy(w, out.Body)
	return err
}

// maxPut is the largest object that one PutObject may carry.
const maxPut = 5 << 30

func (s *sdkS3) Upload(ctx context.Context, c jobworker.Credentials, bucket, key, kmsKeyID string, r io.ReadSeeker, size int64) error {
	if size > maxPut {
		return fmt.Errorf("the packed artifact has %d bytes, more than the %d that one upload may have", size, int64(maxPut))
	}
	in := &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: r, ContentLength: &size, ContentType: aws.String("application/zip")}
	if kmsKeyID != "" {
		in.ServerSideEncryption, in.SSEKMSKeyId = types.ServerSideEncryptionAwsKms, &kmsKeyID
	}
	_, err := s.client(c).PutObject(ctx, in)
	return known(err)
}

// known adds ErrNoObject or ErrDenied by the HTTP status.
func known(err error) error {
	if e, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		switch e.HTTPStatusCode() {
		case http.StatusNotFound:
			return fmt.Errorf("%w: %w", ErrNoObject, err)
		case http.StatusForbidden, http.StatusUnauthorized:
			return fmt.Errorf("%w: %w", ErrDenied, err)
		}
	}
	return err
}

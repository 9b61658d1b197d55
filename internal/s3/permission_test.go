package s3

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"penstock/internal/auth"
	"penstock/internal/blob"
)

// as signs with the credentials of a session.
func (e *endpoint) as(scope auth.SessionScope) *sdk.Client {
	c := e.sessions.Mint(scope, time.Hour)
	return e.client(func(o *sdk.Options) {
		o.Credentials = credentials.NewStaticCredentialsProvider(c.AccessKeyID, string(c.SecretAccessKey), string(c.SessionToken))
	})
}

func TestJobCredentialsReachOnlyTheirArtifacts(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t)
	b := e.bucket(t)
	if err := e.store.EnsureBucket(t.Context(), "other-bucket", nil); err != nil {
		t.Fatal(err)
	}
	in, out, foreign := "pipe/Source/abc1234.zip", "pipe/Built/xyz7890", "pipe/Source/other77.zip"
	var version string
	for _, key := range []string{in, foreign, out + "-not"} {
		info, err := e.store.Put(t.Context(), b, key, strings.NewReader("secret"), nil)
		if err != nil {
			t.Fatal(err)
		}
		if key == in {
			version = info.VersionID
		}
	}
	c := e.as(auth.SessionScope{Account: testAccount, ARN: "arn:aws:sts::000000000000:assumed-role/job/1", Job: &auth.JobScope{
		JobID: "1", Inputs: []auth.ObjectRef{{Bucket: b, Key: in}}, Outputs: []auth.ObjectRef{{Bucket: b, Key: out}},
	}})
	ctx := t.Context()
	body := func() *bytes.Reader { return bytes.NewReader([]byte("x")) }
	upload := func(ctx context.Context, key string) error {
		u, err := c.CreateMultipartUpload(ctx, &sdk.CreateMultipartUploadInput{Bucket: &b, Key: &key})
		if err != nil {
			return err
		}
		p, err := c.UploadPart(ctx, &sdk.UploadPartInput{Bucket: &b, Key: &key, UploadId: u.UploadId, PartNumber: aws.Int32(1), Body: body()})
		if err != nil {
			return err
		}
		if _, err := c.ListParts(ctx, &sdk.ListPartsInput{Bucket: &b, Key: &key, UploadId: u.UploadId}); err != nil {
			return err
		}
		_, err = c.CompleteMultipartUpload(ctx, &sdk.CompleteMultipartUploadInput{Bucket: &b, Key: &key, UploadId: u.UploadId,
			MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{PartNumber: aws.Int32(1), ETag: p.ETag}}}})
		return err
	}
	for _, tc := range []struct {
		name    string
		allowed bool
		call    func() error
	}{
		{"read input", true, func() error {
			_, err := c.GetObject(ctx, &sdk.GetObjectInput{Bucket: &b, Key: &in})
			return err
		}},
		{"read input by version", true, func() error {
			_, err := c.GetObject(ctx, &sdk.GetObjectInput{Bucket: &b, Key: &in, VersionId: &version})
			return err
		}},
		{"head input", true, func() error {
			_, err := c.HeadObject(ctx, &sdk.HeadObjectInput{Bucket: &b, Key: &in})
			return err
		}},
		{"write output", true, func() error {
			_, err := c.PutObject(ctx, &sdk.PutObjectInput{Bucket: &b, Key: &out, Body: body(), ServerSideEncryption: types.ServerSideEncryptionAwsKms})
			return err
		}},
		{"multipart output", true, func() error { return upload(ctx, out) }},
		{"copy input to output", true, func() error {
			_, err := c.CopyObject(ctx, &sdk.CopyObjectInput{Bucket: &b, Key: &out, CopySource: aws.String(b + "/" + in)})
			return err
		}},
		{"bucket location", true, func() error {
			_, err := c.GetBucketLocation(ctx, &sdk.GetBucketLocationInput{Bucket: &b})
			return err
		}},
		{"read output", false, func() error {
			_, err := c.GetObject(ctx, &sdk.GetObjectInput{Bucket: &b, Key: &out})
			return err
		}},
		{"read another artifact", false, func() error {
			_, err := c.GetObject(ctx, &sdk.GetObjectInput{Bucket: &b, Key: &foreign})
			return err
		}},
		{"read by a path that cleans to the input", false, func() error {
			_, err := c.GetObject(ctx, &sdk.GetObjectInput{Bucket: &b, Key: aws.String("pipe/x/../Source/abc1234.zip")})
			return err
		}},
		{"write input", false, func() error {
			_, err := c.PutObject(ctx, &sdk.PutObjectInput{Bucket: &b, Key: &in, Body: body()})
			return err
		}},
		{"write beside output", false, func() error {
			_, err := c.PutObject(ctx, &sdk.PutObjectInput{Bucket: &b, Key: aws.String(out + "-not"), Body: body()})
			return err
		}},
		{"multipart elsewhere", false, func() error { return upload(ctx, "elsewhere") }},
		{"copy another artifact to output", false, func() error {
			_, err := c.CopyObject(ctx, &sdk.CopyObjectInput{Bucket: &b, Key: &out, CopySource: aws.String(b + "/" + foreign)})
			return err
		}},
		{"tags of input", false, func() error {
			_, err := c.GetObjectTagging(ctx, &sdk.GetObjectTaggingInput{Bucket: &b, Key: &in})
			return err
		}},
		{"delete output", false, func() error {
			_, err := c.DeleteObject(ctx, &sdk.DeleteObjectInput{Bucket: &b, Key: &out})
			return err
		}},
		{"delete many", false, func() error {
			_, err := c.DeleteObjects(ctx, &sdk.DeleteObjectsInput{Bucket: &b, Delete: &types.Delete{Objects: []types.ObjectIdentifier{{Key: &out}}}})
			return err
		}},
		{"list", false, func() error {
			_, err := c.ListObjectsV2(ctx, &sdk.ListObjectsV2Input{Bucket: &b})
			return err
		}},
		{"list versions", false, func() error {
			_, err := c.ListObjectVersions(ctx, &sdk.ListObjectVersionsInput{Bucket: &b})
			return err
		}},
		{"list uploads", false, func() error {
			_, err := c.ListMultipartUploads(ctx, &sdk.ListMultipartUploadsInput{Bucket: &b})
			return err
		}},
		{"list buckets", false, func() error {
			_, err := c.ListBuckets(ctx, &sdk.ListBucketsInput{})
			return err
		}},
		{"create a bucket", false, func() error {
			_, err := c.CreateBucket(ctx, &sdk.CreateBucketInput{Bucket: aws.String("new-bucket")})
			return err
		}},
		{"delete a bucket", false, func() error {
			_, err := c.DeleteBucket(ctx, &sdk.DeleteBucketInput{Bucket: aws.String("other-bucket")})
			return err
		}},
		{"location of another bucket", false, func() error {
			_, err := c.GetBucketLocation(ctx, &sdk.GetBucketLocationInput{Bucket: aws.String("other-bucket")})
			return err
		}},
		{"suspend versioning", false, func() error {
			_, err := c.PutBucketVersioning(ctx, &sdk.PutBucketVersioningInput{Bucket: &b, VersioningConfiguration: &types.VersioningConfiguration{Status: "Suspended"}})
			return err
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := tc.call()
			if tc.allowed && err != nil {
				t.Errorf("refused: %v", err)
			}
			if !tc.allowed && code(err) != "AccessDenied" {
				t.Errorf("want AccessDenied, got %v", err)
			}
		})
	}
}

func TestAccountsDoNotSeeEachOther(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t)
	mine, yours := e.client(), e.as(auth.SessionScope{Account: "111111111111", ARN: "arn:aws:iam::111111111111:user/u"})
	ctx := t.Context()
	if _, err := mine.CreateBucket(ctx, &sdk.CreateBucketInput{Bucket: aws.String("mine-only"),
		CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: testRegion}}); err != nil {
		t.Fatal(err)
	}
	if _, err := mine.PutObject(ctx, &sdk.PutObjectInput{Bucket: aws.String("mine-only"), Key: aws.String("k"), Body: strings.NewReader("x")}); err != nil {
		t.Fatal(err)
	}
	_, err := yours.GetObject(ctx, &sdk.GetObjectInput{Bucket: aws.String("mine-only"), Key: aws.String("k")})
	if code(err) != "AccessDenied" {
		t.Errorf("reading another account's bucket: %v", err)
	}
	if err := e.store.EnsureBucket(ctx, "yours-only", &blob.BucketOptions{Owner: "111111111111"}); err != nil {
		t.Fatal(err)
	}
	_, err = yours.CopyObject(ctx, &sdk.CopyObjectInput{Bucket: aws.String("yours-only"), Key: aws.String("k"), CopySource: aws.String("mine-only/k")})
	if code(err) != "AccessDenied" {
		t.Errorf("copying out of another account's bucket: %v", err)
	}
	_, err = yours.CreateBucket(ctx, &sdk.CreateBucketInput{Bucket: aws.String("mine-only"),
		CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: testRegion}})
	if code(err) != "BucketAlreadyExists" {
		t.Errorf("taking another account's name: %v", err)
	}
	all, err := yours.ListBuckets(ctx, &sdk.ListBucketsInput{})
	if err != nil || len(all.Buckets) != 1 || *all.Buckets[0].Name != "yours-only" {
		t.Errorf("buckets: %+v, %v", all, err)
	}
}

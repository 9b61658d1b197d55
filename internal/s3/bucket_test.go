package s3

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"penstock/internal/auth"
)

func TestBucketLife(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t)
	c, ctx, b := e.client(), t.Context(), aws.String("life-bucket")
	create := &sdk.CreateBucketInput{Bucket: b, CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: testRegion}}
	if _, err := c.HeadBucket(ctx, &sdk.HeadBucketInput{Bucket: b}); code(err) != "NotFound" {
		t.Errorf("HeadBucket before: %v", err)
	}
	if _, err := c.CreateBucket(ctx, create); err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateBucket(ctx, create); code(err) != "BucketAlreadyOwnedByYou" {
		t.Errorf("created again: %v", err)
	}
	head, err := c.HeadBucket(ctx, &sdk.HeadBucketInput{Bucket: b})
	if err != nil || aws.ToString(head.BucketRegion) != testRegion {
		t.Errorf("HeadBucket: %+v, %v", head, err)
	}
	_, err = c.PutBucketVersioning(ctx, &sdk.PutBucketVersioningInput{Bucket: b, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusSuspended}})
	if err != nil {
		t.Fatal(err)
	}
	if v, err := c.GetBucketVersioning(ctx, &sdk.GetBucketVersioningInput{Bucket: b}); err != nil || v.Status != types.BucketVersioningStatusSuspended {
		t.Errorf("versioning: %+v, %v", v, err)
	}
	put, err := c.PutObject(ctx, &sdk.PutObjectInput{Bucket: b, Key: aws.String("k"), Body: strings.NewReader("x")})
	if err != nil || aws.ToString(put.VersionId) != "null" {
		t.Fatalf("put while suspended: %+v, %v", put, err)
	}
	if _, err := c.DeleteBucket(ctx, &sdk.DeleteBucketInput{Bucket: b}); code(err) != "BucketNotEmpty" {
		t.Errorf("deleting a full bucket: %v", err)
	}
	if _, err := c.DeleteObject(ctx, &sdk.DeleteObjectInput{Bucket: b, Key: aws.String("k"), VersionId: aws.String("null")}); err != nil {
		t.Fatal(err)
	}
	// An upload that nobody finished does not keep a bucket alive.
	if _, err := c.CreateMultipartUpload(ctx, &sdk.CreateMultipartUploadInput{Bucket: b, Key: aws.String("k")}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.DeleteBucket(ctx, &sdk.DeleteBucketInput{Bucket: b}); err != nil {
		t.Errorf("deleting an empty bucket: %v", err)
	}
	if _, err := c.ListObjectsV2(ctx, &sdk.ListObjectsV2Input{Bucket: b}); code(err) != "NoSuchBucket" {
		t.Errorf("listing afterwards: %v", err)
	}
}

func TestACLs(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t)
	b, c, ctx := e.bucket(t), e.client(), t.Context()
	if _, err := c.PutObject(ctx, &sdk.PutObjectInput{Bucket: &b, Key: aws.String("k"), Body: strings.NewReader("x"), ACL: types.ObjectCannedACLBucketOwnerFullControl}); err != nil {
		t.Fatal(err)
	}
	got, err := c.GetObjectAcl(ctx, &sdk.GetObjectAclInput{Bucket: &b, Key: aws.String("k")})
	if err != nil || len(got.Grants) != 1 || *got.Grants[0].Grantee.ID != testAccount || got.Grants[0].Permission != types.PermissionFullControl {
		t.Errorf("GetObjectAcl: %+v, %v", got, err)
	}
	if _, err := c.GetObjectAcl(ctx, &sdk.GetObjectAclInput{Bucket: &b, Key: aws.String("absent")}); code(err) != "NoSuchKey" {
		t.Errorf("of an absent key: %v", err)
	}
	if _, err := c.PutObjectAcl(ctx, &sdk.PutObjectAclInput{Bucket: &b, Key: aws.String("k"), ACL: types.ObjectCannedACLPrivate}); err != nil {
		t.Errorf("private: %v", err)
	}
	if _, err := c.PutBucketAcl(ctx, &sdk.PutBucketAclInput{Bucket: &b, ACL: types.BucketCannedACLPublicRead}); code(err) != "AccessControlListNotSupported" {
		t.Errorf("public: %v", err)
	}
}

func TestTagging(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t)
	b, c, ctx, key := e.bucket(t), e.client(), t.Context(), aws.String("k")
	if _, err := c.PutObject(ctx, &sdk.PutObjectInput{Bucket: &b, Key: key, Body: strings.NewReader("x"), Metadata: map[string]string{"m": "1"}}); err != nil {
		t.Fatal(err)
	}
	set := func(tags ...types.Tag) error {
		_, err := c.PutObjectTagging(ctx, &sdk.PutObjectTaggingInput{Bucket: &b, Key: key, Tagging: &types.Tagging{TagSet: tags}})
		return err
	}
	count := func(key *string) int {
		out, err := c.GetObjectTagging(ctx, &sdk.GetObjectTaggingInput{Bucket: &b, Key: key})
		if err != nil {
			t.Fatal(err)
		}
		return len(out.TagSet)
	}
	one, two := types.Tag{Key: aws.String("a"), Value: aws.String("1")}, types.Tag{Key: aws.String("b"), Value: aws.String("2")}
	if err := set(one, two); err != nil || count(key) != 2 {
		t.Errorf("two tags: %v", err)
	}
	if err := set(one, one); code(err) != "InvalidTag" {
		t.Errorf("a tag twice: %v", err)
	}
	copyTo := func(to string, o sdk.CopyObjectInput) {
		t.Helper()
		o.Bucket, o.Key, o.CopySource = &b, &to, aws.String(b+"/k")
		if _, err := c.CopyObject(ctx, &o); err != nil {
			t.Fatal(err)
		}
	}
	copyTo("same", sdk.CopyObjectInput{})
	copyTo("new-tags", sdk.CopyObjectInput{TaggingDirective: types.TaggingDirectiveReplace, Tagging: aws.String("x=y")})
	copyTo("new-metadata", sdk.CopyObjectInput{MetadataDirective: types.MetadataDirectiveReplace, ContentType: aws.String("text/new")})
	for key, want := range map[string]int{"same": 2, "new-tags": 1, "new-metadata": 2} {
		if got := count(&key); got != want {
			t.Errorf("%s has %d tags, want %d", key, got, want)
		}
	}
	if head, err := c.HeadObject(ctx, &sdk.HeadObjectInput{Bucket: &b, Key: aws.String("new-metadata")}); err != nil || *head.ContentType != "text/new" || len(head.Metadata) != 0 {
		t.Errorf("new-metadata: %+v, %v", head, err)
	}
	_, err := c.CopyObject(ctx, &sdk.CopyObjectInput{Bucket: &b, Key: key, CopySource: aws.String(b + "/k")})
	if code(err) != "InvalidRequest" {
		t.Errorf("copy onto itself: %v", err)
	}
	if _, err := c.DeleteObjectTagging(ctx, &sdk.DeleteObjectTaggingInput{Bucket: &b, Key: key}); err != nil || count(key) != 0 {
		t.Errorf("after deletion: %v", err)
	}
}

// TestPresignedVersion2WithSession makes a URL of version 2 by hand, as boto3
// makes it with temporary credentials and an override.
func TestPresignedVersion2WithSession(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t)
	b := e.bucket(t)
	if _, err := e.store.Put(t.Context(), b, "a k", strings.NewReader("content"), nil); err != nil {
		t.Fatal(err)
	}
	session := e.sessions.Mint(auth.SessionScope{Account: testAccount, ARN: "arn:aws:sts::000000000000:assumed-role/r/s"}, time.Hour)
	expires := fmt.Sprint(time.Now().Add(time.Hour).Unix())
	sign := func(resource string) string {
		mac := hmac.New(sha1.New, []byte(session.SecretAccessKey))
		fmt.Fprintf(mac, "GET\n\n\n%s\nx-amz-security-token:%s\n%s", expires, string(session.SessionToken), resource)
		return base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	get := func(override, signature string) (*http.Response, string) {
		q := url.Values{"AWSAccessKeyId": {session.AccessKeyID}, "Signature": {signature}, "Expires": {expires},
			"x-amz-security-token": {string(session.SessionToken)}, "response-content-type": {override}}
		answer, err := http.Get(e.url + "/" + b + "/a%20k?" + q.Encode())
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer, string(text)
	}
	signature := sign("/" + b + "/a%20k?response-content-type=text/x-mine")
	answer, text := get("text/x-mine", signature)
	if answer.StatusCode != 200 || text != "content" || answer.Header.Get("Content-Type") != "text/x-mine" {
		t.Errorf("%s %s", answer.Status, text)
	}
	if answer, text := get("text/html", signature); answer.StatusCode != 403 {
		t.Errorf("with another override: %s %s", answer.Status, text)
	}
}

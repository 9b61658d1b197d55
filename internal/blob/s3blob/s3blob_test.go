package s3blob

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"penstock/internal/auth"
	"penstock/internal/blob"
	"penstock/internal/blob/blobtest"
	"penstock/internal/blob/fileblob"
	"penstock/internal/s3"
)

// external is our own S3 endpoint, which this package takes for a stranger's.
func external(t *testing.T) (Options, *fileblob.Store) {
	t.Helper()
	embedded, err := fileblob.Open(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { embedded.Close() })
	h := s3.NewHandler(embedded, auth.NewAuthenticator(auth.Config{
		Account: "000000000000", RootAccessKeyID: "AKIAEXTERNALEXTERNAL", RootSecretAccessKey: "secret", Now: time.Now,
	}), nil)
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return Options{
		Endpoint: server.URL, Region: "eu-west-1", PathStyle: true,
		AccessKeyID: "AKIAEXTERNALEXTERNAL", SecretAccessKey: "secret",
	}, embedded
}

func TestContract(t *testing.T) {
	t.Parallel()
	blobtest.Run(t, func(t *testing.T) blob.Store {
		o, _ := external(t)
		s, err := Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}

func TestLongBodiesGoInParts(t *testing.T) {
	t.Parallel()
	o, embedded := external(t)
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.EnsureBucket(t.Context(), "bucket", nil); err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{partSize - 1, partSize, partSize + 1, 2 * partSize} {
		content := bytes.Repeat([]byte{byte(size)}, size)
		// Not seekable, length unknown.
		if _, err := s.Put(t.Context(), "bucket", fmt.Sprint(size), io.MultiReader(bytes.NewReader(content)), nil); err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		object, err := embedded.Get(t.Context(), "bucket", fmt.Sprint(size), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(object.Body); err != nil || !bytes.Equal(got, content) {
			t.Errorf("%d bytes came back as %d, %v", size, len(got), err)
		}
		object.Body.Close()
	}
	_, err = s.Put(t.Context(), "bucket", "bad", bytes.NewReader(make([]byte, partSize+5)), &blob.PutOptions{MD5: make([]byte, 16)})
	if blob.CodeOf(err) != blob.BadDigest {
		t.Errorf("a wrong digest: %v", err)
	}
	if page, err := embedded.ListUploads(t.Context(), "bucket", nil); err != nil || len(page.Uploads) != 0 {
		t.Errorf("the upload was not aborted: %+v, %v", page.Uploads, err)
	}
}

func TestCredentialsByRole(t *testing.T) {
	t.Parallel()
	var asked url.Values
	stsServer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		asked = r.PostForm
		io.WriteString(w, `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
			<AccessKeyId>ASIAJOB</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>
			<Expiration>2030-01-02T03:04:05Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`)
	}))
	defer stsServer.Close()
	c, err := NewCredentials(t.Context(), Options{
		Region: "eu-west-1", AccessKeyID: "A", SecretAccessKey: "s", STSEndpoint: stsServer.URL,
		RoleARN: "arn:aws-cn:iam::111122223333:role/jobs",
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.For(t.Context(), "000000000000",
		[]blob.ObjectRef{{Bucket: "in", Key: "p/a*/1"}}, []blob.ObjectRef{{Bucket: "out", Key: "p/b/2"}}, "job 1")
	if err != nil {
		t.Fatal(err)
	}
	if got.AccessKeyID != "ASIAJOB" || got.SessionToken != "t" || got.Expires.Year() != 2030 {
		t.Errorf("credentials %+v", got)
	}
	if asked.Get("RoleArn") != "arn:aws-cn:iam::111122223333:role/jobs" || asked.Get("RoleSessionName") != "penstock-000000000000-job-1" {
		t.Errorf("asked for %v", asked)
	}
	const want = `{"Version":"2012-10-17","Statement":[` +
		`{"Effect":"Allow","Action":["s3:GetObject","s3:GetObjectVersion"],"Resource":["arn:aws-cn:s3:::in/p/a${*}/1"]},` +
		`{"Effect":"Allow","Action":["s3:PutObject","s3:AbortMultipartUpload","s3:ListMultipartUploadParts"],"Resource":["arn:aws-cn:s3:::out/p/b/2"]},` +
		`{"Effect":"Allow","Action":["s3:GetBucketLocation"],"Resource":["arn:aws-cn:s3:::in","arn:aws-cn:s3:::out"]},` +
		`{"Effect":"Allow","Action":["kms:Decrypt","kms:GenerateDataKey"],"Resource":["*"],"Condition":{"StringLike":{"kms:ViaService":"s3.*"}}}]}`
	if asked.Get("Policy") != want {
		t.Errorf("policy\n%s, want\n%s", asked.Get("Policy"), want)
	}
}

func TestCredentialsWithoutRole(t *testing.T) {
	t.Parallel()
	o := Options{Region: "eu-west-1", AccessKeyID: "A", SecretAccessKey: "s"}
	c, err := NewCredentials(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.For(t.Context(), "0", nil, nil, "j"); blob.CodeOf(err) != blob.CredentialsNotAllowed || !strings.Contains(err.Error(), "role") {
		t.Errorf("without a role: %v", err)
	}
	o.HandOutOwn = true
	if c, err = NewCredentials(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if got, err := c.For(t.Context(), "0", nil, nil, "j"); err != nil || got.AccessKeyID != "A" {
		t.Errorf("when permitted: %+v, %v", got, err)
	}
}

func TestNothingPermittedIsDenied(t *testing.T) {
	t.Parallel()
	policy, err := sessionPolicy("aws", nil, nil)
	if err != nil || !strings.Contains(policy, `"Deny"`) {
		t.Errorf("policy of a job without artifacts: %s, %v", policy, err)
	}
}

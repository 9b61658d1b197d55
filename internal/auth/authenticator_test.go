package auth

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"penstock/internal/core/fault"
	"penstock/internal/sigv4"
)

const (
	rootID     = "AKIAROOT"
	rootSecret = "root-secret"
	rootARN    = "arn:aws:iam::000000000000:root"
)

func newTestAuthenticator(t testing.TB, change func(*Config)) (*Authenticator, *Sessions) {
	s := newTestSessions(t, testNow)
	c := Config{
		Account: "000000000000", RootAccessKeyID: rootID, RootSecretAccessKey: rootSecret,
		Sessions: s, Now: func() time.Time { return testNow },
	}
	if change != nil {
		change(&c)
	}
	return NewAuthenticator(c), s
}

func signingCredentials(c Credentials) sigv4.Credentials {
	return sigv4.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: string(c.SecretAccessKey), SessionToken: string(c.SessionToken)}
}

// signedRequest is what a server gets of a request with the body "{}".
func signedRequest(c sigv4.Credentials, service string) *http.Request {
	r := httptest.NewRequest("POST", "http://localhost/b/k", strings.NewReader("{}"))
	r.Header.Set("X-Amz-Target", "CodePipeline_20150709.PutJobSuccessResult")
	sigv4.Sign(r, sigv4.PayloadHash([]byte("{}")), c, "eu-central-1", service, testNow)
	return r
}

func TestAuthenticate(t *testing.T) {
	t.Parallel()
	root := sigv4.Credentials{AccessKeyID: rootID, SecretAccessKey: rootSecret}
	keyID, keySecret := NewAccessKey()
	serviceID, serviceSecret := NewAccessKey()
	keys := map[string]AccessKey{
		keyID:     {ID: keyID, Secret: keySecret, Account: "111111111111", User: "ci"},
		serviceID: {ID: serviceID, Secret: serviceSecret, Account: "222222222222", User: "admin", ServicePrincipal: "worker.example"},
	}
	a, sessions := newTestAuthenticator(t, func(c *Config) {
		c.AccessKey = func(id string) (AccessKey, bool, error) { k, ok := keys[id]; return k, ok, nil }
	})
	key := sigv4.Credentials{AccessKeyID: keyID, SecretAccessKey: string(keySecret)}
	service := sigv4.Credentials{AccessKeyID: serviceID, SecretAccessKey: string(serviceSecret)}
	keyWithToken := key
	keyWithToken.SessionToken = "t"
	user := sessions.Mint(SessionScope{Account: "000000000000", ARN: "arn:aws:sts::000000000000:assumed-role/R/s"}, time.Hour)
	over := sessions.Mint(SessionScope{Account: "000000000000", ARN: "a"}, 0)
	job := sessions.Mint(testScope, time.Hour)
	noToken := signingCredentials(user)
	noToken.SessionToken = ""
	rootWithToken := root
	rootWithToken.SessionToken = string(user.SessionToken)

	tests := []struct {
		name    string
		creds   sigv4.Credentials
		service string
		want    Principal
		code    string
	}{
		{"root", root, "codepipeline", Principal{Account: "000000000000", Region: "eu-central-1", AccessKeyID: rootID, ARN: rootARN, Root: true}, ""},
		{"root at our own service", root, "penstock", Principal{Account: "000000000000", Region: "eu-central-1", AccessKeyID: rootID, ARN: rootARN, Root: true}, ""},
		{"session", signingCredentials(user), "codepipeline", Principal{Account: "000000000000", Region: "eu-central-1", AccessKeyID: user.AccessKeyID, ARN: "arn:aws:sts::000000000000:assumed-role/R/s", Expires: user.Expiration}, ""},
		{"another key", key, "codepipeline", Principal{Account: "111111111111", Region: "eu-central-1", AccessKeyID: keyID, ARN: "arn:aws:iam::111111111111:user/ci"}, ""},
		{"key of a service", service, "penstock", Principal{Account: "222222222222", Region: "eu-central-1", AccessKeyID: serviceID, ARN: "arn:aws:iam::222222222222:user/admin", ServicePrincipal: "worker.example"}, ""},
		{"another key's secret", sigv4.Credentials{AccessKeyID: keyID, SecretAccessKey: rootSecret}, "codepipeline", Principal{}, "InvalidSignatureException"},
		{"another key with a token", keyWithToken, "codepipeline", Principal{}, "UnrecognizedClientException"},
		{"no such key", sigv4.Credentials{AccessKeyID: "AKIAXXXXXXXXXXXXXXXX", SecretAccessKey: "x"}, "codepipeline", Principal{}, "UnrecognizedClientException"},
		{"other service", root, "s3", Principal{}, "InvalidSignatureException"},
		{"unknown key", sigv4.Credentials{AccessKeyID: "AKIAOTHER", SecretAccessKey: rootSecret}, "codepipeline", Principal{}, "UnrecognizedClientException"},
		{"empty key", sigv4.Credentials{}, "codepipeline", Principal{}, "UnrecognizedClientException"},
		{"wrong secret", sigv4.Credentials{AccessKeyID: rootID, SecretAccessKey: "x"}, "codepipeline", Principal{}, "InvalidSignatureException"},
		{"session without token", noToken, "codepipeline", Principal{}, "UnrecognizedClientException"},
		{"root with a token", rootWithToken, "codepipeline", Principal{}, "UnrecognizedClientException"},
		{"session over", signingCredentials(over), "codepipeline", Principal{}, "ExpiredTokenException"},
		{"job credentials", signingCredentials(job), "codepipeline", Principal{}, "AccessDeniedException"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			ctx, err := a.Authenticate(t.Context(), signedRequest(test.creds, test.service), []byte("{}"))
			if fault.Code(err) != test.code {
				t.Fatalf("got %v, want code %q", err, test.code)
			}
			if err != nil {
				return
			}
			if got, ok := PrincipalFrom(ctx); !ok || !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}

	t.Run("text of a denial", func(t *testing.T) {
		t.Parallel()
		_, err := a.Authenticate(t.Context(), signedRequest(signingCredentials(job), "codepipeline"), []byte("{}"))
		want := "AccessDeniedException: User: " + testScope.ARN + " is not authorized to perform: codepipeline:PutJobSuccessResult"
		if err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	})
	t.Run("regions", func(t *testing.T) {
		t.Parallel()
		a, _ := newTestAuthenticator(t, func(c *Config) { c.Regions = []string{"us-east-1"} })
		if _, err := a.Authenticate(t.Context(), signedRequest(root, "codepipeline"), []byte("{}")); fault.Code(err) != "InvalidSignatureException" {
			t.Errorf("a region that is not listed: %v", err)
		}
	})
}

// TestJobCredentialsEndWithJob asks the hook on each request.
func TestJobCredentialsEndWithJob(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	active := true
	var failure error
	var asked []string
	a, sessions := newTestAuthenticator(t, func(c *Config) {
		c.JobActive = func(jobID string, expires time.Time) (bool, error) {
			mu.Lock()
			defer mu.Unlock()
			asked = append(asked, jobID+" "+expires.Format(time.RFC3339))
			return active, failure
		}
	})
	job := signingCredentials(sessions.Mint(testScope, time.Minute))
	p, err := a.AuthenticateS3(signedRequest(job, "s3"))
	if err != nil || !reflect.DeepEqual(p.Job, testScope.Job) {
		t.Fatalf("got %+v, %v", p, err)
	}
	active = false
	if _, err := a.AuthenticateS3(signedRequest(job, "s3")); fault.Code(err) != "ExpiredToken" {
		t.Fatalf("after the job: %v", err)
	}
	failure = errors.New("the database is away")
	if _, err := a.AuthenticateS3(signedRequest(job, "s3")); !errors.Is(err, failure) || fault.Code(err) != "" {
		t.Fatalf("when nobody knows: %v, want a failure of the server", err)
	}
	if want := slices.Repeat([]string{"j1 2026-03-04T05:07:07Z"}, 3); !reflect.DeepEqual(asked, want) {
		t.Errorf("asked %v, want %v", asked, want)
	}
	root := sigv4.Credentials{AccessKeyID: rootID, SecretAccessKey: rootSecret}
	if _, err := a.AuthenticateS3(signedRequest(root, "s3")); err != nil {
		t.Errorf("root: %v", err)
	}
}

func TestAuthenticateS3BodyFault(t *testing.T) {
	t.Parallel()
	a, _ := newTestAuthenticator(t, nil)
	r := signedRequest(sigv4.Credentials{AccessKeyID: rootID, SecretAccessKey: rootSecret}, "s3")
	r.Body = io.NopCloser(strings.NewReader("[]"))
	if _, err := a.AuthenticateS3(r); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(r.Body); fault.Code(err) != "XAmzContentSHA256Mismatch" {
		t.Errorf("got %v", err)
	}
}

// TestSDKUploads lets aws-sdk-go-v2 upload in each of its ways.
func TestSDKUploads(t *testing.T) {
	t.Parallel()
	a, sessions := newTestAuthenticator(t, func(c *Config) { c.Now = time.Now; c.Sessions.now = time.Now })
	type upload struct {
		payload, trailer, key string
		body                  []byte
		err                   error
	}
	uploads := make(chan upload, 1)
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u := upload{payload: r.Header.Get("X-Amz-Content-Sha256"), key: r.URL.Path}
		if _, u.err = a.AuthenticateS3(r); u.err == nil {
			u.body, u.err = io.ReadAll(r.Body)
			u.trailer = r.Trailer.Get("X-Amz-Checksum-Crc64nvme") + r.Trailer.Get("X-Amz-Checksum-Crc32")
		}
		uploads <- u
	})
	plain, secure := httptest.NewServer(handler), httptest.NewTLSServer(handler)
	t.Cleanup(plain.Close)
	t.Cleanup(secure.Close)
	data := bytes.Repeat([]byte("penstock"), 20000)
	job := sessions.Mint(testScope, time.Hour)

	tests := []struct {
		name, url string
		algorithm types.ChecksumAlgorithm
		payload   string
	}{
		{"http, default", plain.URL, "", ""},
		{"https, default", secure.URL, "", sigv4.StreamingUnsignedTrailer},
		{"https, CRC64NVME", secure.URL, types.ChecksumAlgorithmCrc64nvme, sigv4.StreamingUnsignedTrailer},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			client := s3.New(s3.Options{
				BaseEndpoint: aws.String(test.url), Region: "us-east-1", UsePathStyle: true,
				// What the SDK's own configuration sets by default.
				RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported,
				Credentials:                credentials.NewStaticCredentialsProvider(job.AccessKeyID, string(job.SecretAccessKey), string(job.SessionToken)),
				HTTPClient:                 &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}},
			})
			_, err := client.PutObject(context.Background(), &s3.PutObjectInput{
				Bucket: aws.String("bucket"), Key: aws.String("a//b/../c d+e%2F日"), Body: bytes.NewReader(data), ChecksumAlgorithm: test.algorithm,
			})
			u := <-uploads
			if err != nil || u.err != nil {
				t.Fatalf("client: %v, server: %v", err, u.err)
			}
			if !bytes.Equal(u.body, data) || u.key != "/bucket/a//b/../c d+e%2F日" {
				t.Errorf("%d bytes under %q", len(u.body), u.key)
			}
			if test.payload == "" {
				if u.payload != sigv4.PayloadHash(data) {
					t.Errorf("payload %s", u.payload)
				}
				return
			}
			name := "CRC32"
			if test.algorithm != "" {
				name = string(test.algorithm)
			}
			sum, _ := sigv4.NewChecksum(name)
			sum.Write(data)
			if want := base64.StdEncoding.EncodeToString(sum.Sum(nil)); u.payload != test.payload || u.trailer != want {
				t.Errorf("payload %s, trailer %q, want %s, %q", u.payload, u.trailer, test.payload, want)
			}
		})
	}
}

// TestLookupFailures tells long-term keys from temporary ones by their id.
func TestLookupFailures(t *testing.T) {
	t.Parallel()
	a, _ := newTestAuthenticator(t, nil)
	if _, err := a.Lookup("AKIAOTHER", ""); !errors.Is(err, sigv4.ErrUnknownKey) {
		t.Errorf("unknown: %v", err)
	}
	if _, err := a.Lookup("ASIAOTHER", ""); !errors.Is(err, sigv4.ErrBadToken) {
		t.Errorf("temporary: %v", err)
	}
}

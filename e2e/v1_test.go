package e2e

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"

	awsv1 "github.com/aws/aws-sdk-go/aws"
	credentialsv1 "github.com/aws/aws-sdk-go/aws/credentials"
	sessionv1 "github.com/aws/aws-sdk-go/aws/session"
	codepipelinev1 "github.com/aws/aws-sdk-go/service/codepipeline"
	s3v1 "github.com/aws/aws-sdk-go/service/s3"
)

// v1 makes clients of the first AWS SDK for Go, whose requests are those of the
// Java SDK of its time more than today's SDKs are: no checksums of their own,
// buckets in host names.
type v1 struct {
	t        testing.TB
	endpoint string
	address  string // where BUCKET.localhost is
}

func (s *server) v1(t testing.TB) v1 {
	address := strings.TrimPrefix(s.url, "http://")
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	return v1{t: t, endpoint: "http://localhost:" + port, address: address}
}

func (v v1) session(id, secret, token string) *sessionv1.Session {
	v.t.Helper()
	transport := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, v.address)
	}}
	v.t.Cleanup(transport.CloseIdleConnections)
	s, err := sessionv1.NewSession(&awsv1.Config{
		Region: awsv1.String(region), Endpoint: &v.endpoint, Credentials: credentialsv1.NewStaticCredentials(id, secret, token),
		HTTPClient: &http.Client{Transport: transport},
	})
	if err != nil {
		v.t.Fatal(err)
	}
	return s
}

func (v v1) codepipeline() *codepipelinev1.CodePipeline {
	return codepipelinev1.New(v.session(keyID, secretKey, ""))
}

// s3 returns a client with the credentials of a job.
func (v v1) s3(c *codepipelinev1.AWSSessionCredentials) *s3v1.S3 {
	return s3v1.New(v.session(*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken))
}

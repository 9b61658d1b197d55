package s3

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"

	"penstock/internal/auth"
	"penstock/internal/blob/fileblob"
)

const (
	testKey     = "AKIAROOTROOTROOTROOT"
	testSecret  = "rootsecretrootsecretrootsecretrootsecret"
	testAccount = "000000000000"
	testRegion  = "eu-west-1"
)

// endpoint is the whole of it: store, authentication, listener.
type endpoint struct {
	store    *fileblob.Store
	sessions *auth.Sessions
	url      string
}

func newEndpoint(t *testing.T) *endpoint {
	t.Helper()
	store, err := fileblob.Open(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	master, err := auth.LoadOrCreateMasterKey(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	sessions := auth.NewSessions(master, time.Now)
	h := NewHandler(store, auth.NewAuthenticator(auth.Config{
		Account: testAccount, RootAccessKeyID: testKey, RootSecretAccessKey: testSecret,
		Sessions: sessions, Now: time.Now,
	}), nil)
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return &endpoint{store: store, sessions: sessions, url: server.URL}
}

// client is an SDK client as root, or with the given credentials.
func (e *endpoint) client(options ...func(*sdk.Options)) *sdk.Client {
	return sdk.New(sdk.Options{
		BaseEndpoint: aws.String(e.url), Region: testRegion, UsePathStyle: true,
		Credentials:      credentials.NewStaticCredentialsProvider(testKey, testSecret, ""),
		RetryMaxAttempts: 1,
		HTTPClient:       &http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone()},
	}, options...)
}

// bucket makes one and returns its name.
func (e *endpoint) bucket(t *testing.T) string {
	t.Helper()
	name := "bucket-" + strings.ToLower(strings.NewReplacer("/", "-", "_", "-").Replace(t.Name()))
	if len(name) > 60 {
		name = name[:60]
	}
	if err := e.store.EnsureBucket(t.Context(), name, nil); err != nil {
		t.Fatal(err)
	}
	return name
}

// dialTo sends every connection to the endpoint, whatever the host's name.
func dialTo(endpoint string) *http.Transport {
	u, _ := url.Parse(endpoint)
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, u.Host)
	}
	return t
}

// escapeSource writes a copy source as SDKs want it: every byte escaped that
// could mean something.
func escapeSource(bucket, key string) string {
	return bucket + "/" + strings.ReplaceAll(url.QueryEscape(key), "+", "%20")
}

package app

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// One address serves every service; what is not signed is told apart by
// target, content type and path.
func TestRouter(t *testing.T) {
	t.Parallel()
	s := open(t, settings(t))
	tests := []struct {
		name, method, path string
		header             map[string]string
		body               string
		status             int
		want               string // in the answer
	}{
		{"health", "GET", "/healthz", nil, "", 200, "ok"},
		{"ready before it runs", "GET", "/readyz", nil, "", 503, "starting or stopping"},
		{"metrics", "GET", "/metrics", nil, "", 200, `penstock_build_info{version="test"} 1`},
		{"own pages take no other method", "POST", "/healthz", nil, "", 405, ""},
		{"own pages hide nothing of S3", "GET", "/-/nothing", nil, "", 404, ""},
		{"unsigned target", "POST", "/", map[string]string{"X-Amz-Target": "CodePipeline_20150709.ListPipelines"}, "{}", 400, "MissingAuthenticationTokenException"},
		{"unsigned JSON without a target", "POST", "/", map[string]string{"Content-Type": "application/x-amz-json-1.1"}, "{}", 400, "Exception"},
		{"unsigned form", "POST", "/", map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, "Action=GetCallerIdentity&Version=2011-06-15", 403, "<ErrorResponse"},
		{"unsigned bucket", "GET", "/bucket/key", nil, "", 403, "<Code>AccessDenied</Code>"},
		{"unsigned root", "GET", "/", nil, "", 403, "<Code>AccessDenied</Code>"},
		{"forged scope of a service", "POST", "/", map[string]string{"Authorization": "AWS4-HMAC-SHA256 Credential=A/20261002/eu-west-1/codepipeline/aws4_request, SignedHeaders=host;x-amz-date, Signature=00", "X-Amz-Date": "20261002T120000Z"}, "{}", 400, "Exception"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), tt.method, s.url+tt.path, strings.NewReader(tt.body))
			s.ok(err)
			for k, v := range tt.header {
				r.Header.Set(k, v)
			}
			resp, err := http.DefaultClient.Do(r)
			s.ok(err)
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			s.ok(err)
			if resp.StatusCode != tt.status || !strings.Contains(string(body), tt.want) {
				t.Errorf("got %d %s, want %d with %q", resp.StatusCode, body, tt.status, tt.want)
			}
		})
	}
	who, err := sts.New(sts.Options{BaseEndpoint: &s.url, Region: region, Credentials: credentials.NewStaticCredentialsProvider(rootID, rootToken, "")}).
		GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	s.ok(err)
	if *who.Account != "000000000000" || *who.Arn != "arn:aws:iam::000000000000:root" {
		t.Errorf("the caller is %s of %s", *who.Arn, *who.Account)
	}
	s.run()
	s.until("it is ready", func() bool {
		resp, err := http.Get(s.url + "/readyz")
		s.ok(err)
		return errors.Join(resp.Body.Close()) == nil && resp.StatusCode == http.StatusOK
	})
	for _, path := range []string{s.URL(), s.url} { // its own listener, and the test's
		resp, err := http.Get(path + "/readyz")
		s.ok(err)
		s.ok(resp.Body.Close())
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s answers %s", path, resp.Status)
		}
	}
}

// A bucket may have the name of a page of the server, once the request is
// signed.
func TestSignedRequestsReachEveryBucket(t *testing.T) {
	t.Parallel()
	s := open(t, settings(t))
	for _, name := range []string{"metrics", "healthz", "webhooks"} {
		_, err := s.s3.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &name})
		s.ok(err)
		_, err = s.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &name, Key: aws.String("k"), Body: strings.NewReader(name)})
		s.ok(err)
		if _, err = s.s3.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: &name, Key: aws.String("k")}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The bucket of action logs is nobody's to reach.
func TestReservedBucket(t *testing.T) {
	t.Parallel()
	s := open(t, settings(t))
	name := aws.String(reservedBucket)
	s.ok(s.logs.Recover(t.Context()))
	if _, err := s.s3.GetObject(t.Context(), &s3.GetObjectInput{Bucket: name, Key: aws.String("k")}); codeOf(err) != "AccessDenied" {
		t.Errorf("reading answers %v", err)
	}
	if _, err := s.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: name, Key: aws.String("k"), Body: strings.NewReader("x")}); codeOf(err) != "AccessDenied" {
		t.Errorf("writing answers %v", err)
	}
	if _, err := s.s3.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: name}); codeOf(err) != "AccessDenied" {
		t.Errorf("listing answers %v", err)
	}
}

// The first start makes a root key, writes it to a file and says so; later
// starts use it.
func TestFirstCredentials(t *testing.T) {
	t.Parallel()
	cfg := settings(t)
	cfg.RootAccessKeyID, cfg.RootSecretAccessKey = "", ""
	file := filepath.Join(cfg.Data, "credentials")
	var first string
	for i := range 2 {
		notes := &syncBuffer{}
		a, err := Open(t.Context(), cfg, "test", slog.New(slog.DiscardHandler), notes)
		if err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = string(content)
			if !strings.Contains(notes.String(), file) {
				t.Errorf("the first start says %q", notes.String())
			}
			if mode, err := os.Stat(file); err != nil || mode.Mode().Perm() != 0o600 {
				t.Errorf("the file has mode %v, %v", mode.Mode(), err)
			}
		} else if notes.String() != "" || string(content) != first {
			t.Errorf("the second start says %q", notes.String())
		}
		for line := range strings.Lines(first) {
			if _, secret, ok := strings.Cut(line, "aws_secret_access_key = "); ok && strings.Contains(notes.String(), strings.TrimSpace(secret)) {
				t.Error("the notice shows the secret")
			}
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}
}

// What keeps a server from starting says what to do.
func TestOpenRefused(t *testing.T) {
	t.Parallel()
	occupied, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { occupied.Close() })
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name  string
		flags []string
		key   string
		want  string
	}{
		{"address in use", []string{"--listen", occupied.Addr().String()}, "", "choose another address with --listen"},
		{"data is a file", []string{"--data", file}, "", "choose another with --data"},
		{"bad master key", nil, "short", "PENSTOCK_MASTER_KEY"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg := settings(t, tt.flags...)
			cfg.MasterKey = tt.key
			_, err := Open(t.Context(), cfg, "test", slog.New(slog.DiscardHandler), io.Discard)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// Regions that the server does not serve are refused.
func TestRegions(t *testing.T) {
	t.Parallel()
	s := open(t, settings(t, "--regions", "us-east-1,eu-central-1"))
	if _, err := s.sdk.ListPipelines(t.Context(), &codepipeline.ListPipelinesInput{}); err == nil {
		t.Error("a region that is not among --regions is served")
	}
	other := codepipeline.New(codepipeline.Options{BaseEndpoint: &s.url, Region: "eu-central-1", Credentials: credentials.NewStaticCredentialsProvider(rootID, rootToken, "")})
	if _, err := other.ListPipelines(t.Context(), &codepipeline.ListPipelinesInput{}); err != nil {
		t.Errorf("a region among them: %v", err)
	}
}

// Keys of objects have letters and digits in equal measure, and tokens are
// long.
func TestNewKey(t *testing.T) {
	t.Parallel()
	seen := map[byte]int{}
	const n = 6200
	for range n {
		k := newKey()
		if len(k) != 7 {
			t.Fatalf("key %q", k)
		}
		for i := range len(k) {
			seen[k[i]]++
		}
	}
	if len(seen) != len(letters) {
		t.Errorf("%d letters are used, want %d", len(seen), len(letters))
	}
	for c, count := range seen { // 700 are expected; ten standard deviations are 260
		if count < 440 || count > 960 {
			t.Errorf("%c is used %d times of %d", c, count, 7*n)
		}
	}
	if a, b := newToken(), newToken(); a == b || len(a) < 43 {
		t.Errorf("tokens %q and %q", a, b)
	}
}

// Package clientcfg finds what a client command needs to reach a server: the
// endpoint, region and credentials that the AWS CLI would use, and those of a
// local server where nothing is configured.
package clientcfg

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"

	"penstock/internal/api"
	"penstock/internal/sigv4"
	"penstock/jobworker"
)

// What is used where nothing else is configured.
const (
	DefaultEndpoint = "http://127.0.0.1:7480"
	DefaultRegion   = "us-east-1"
)

// LocalCredentials is the file, relative to the working folder, in which a
// server that was started there leaves its first access key.
const LocalCredentials = "penstock-data/credentials"

// Options are what the command line says; each may be empty.
type Options struct {
	Endpoint, Region, Profile string
	// Dir is the folder that LocalCredentials is looked for in. Default: the
	// working folder.
	Dir string
}

// Config is where the server is and who calls.
type Config struct {
	Endpoint    string
	Region      string
	Credentials aws.CredentialsProvider
	// S3Endpoint is the base URL of the artifact buckets, "" for AWS's own.
	S3Endpoint string
	// Notice tells a person of a choice that nobody configured; "" when there
	// was none.
	Notice string
}

// What goes wrong with credentials.
var (
	// ErrNoCredentials says that they are configured nowhere.
	ErrNoCredentials = errors.New("no credentials are configured")
	// ErrCredentials says that what is configured does not yield any: a token
	// has expired, say, or a process failed. Calls fail with it.
	ErrCredentials = errors.New("the configured credentials cannot be read")
)

// Load finds the configuration. The endpoint is taken from o.Endpoint,
// AWS_ENDPOINT_URL_CODEPIPELINE, AWS_ENDPOINT_URL, the profile's services
// section, its endpoint_url, or else is DefaultEndpoint. Credentials are those
// of AWS's default chain. Where it finds none, the server is on this machine
// and LocalCredentials exists, that file is used.
func Load(ctx context.Context, o Options) (*Config, error) {
	var opts []func(*config.LoadOptions) error
	if o.Region != "" {
		opts = append(opts, config.WithRegion(o.Region))
	}
	if o.Profile != "" {
		opts = append(opts, config.WithSharedConfigProfile(o.Profile))
	}
	loaded, err := config.LoadDefaultConfig(ctx, opts...)
	if err != nil {
		return nil, err
	}
	c := &Config{Region: loaded.Region, Credentials: loaded.Credentials}
	if c.Region == "" {
		c.Region = DefaultRegion
	}
	if c.Endpoint, err = choose(o.Endpoint, configured(ctx, loaded, "CodePipeline"), DefaultEndpoint); err != nil {
		return nil, err
	}
	// One Penstock serves the artifacts too, AWS does not.
	artifacts := c.Endpoint
	if isAWS(artifacts) {
		artifacts = ""
	}
	general := configured(ctx, loaded, "S3")
	if o.Endpoint != "" {
		general = specific(ctx, loaded, "S3")
	}
	if c.S3Endpoint, err = choose(general, artifacts); err != nil {
		return nil, err
	}
	if !aws.IsCredentialsProvider(c.Credentials, (*ec2rolecreds.Provider)(nil)) || !isLoopback(c.Endpoint) {
		return c, nil
	}
	return c, c.useLocal(ctx, o.Dir)
}

// useLocal takes the credentials that a server on this machine has left.
func (c *Config) useLocal(ctx context.Context, dir string) error {
	file := filepath.Join(dir, filepath.FromSlash(LocalCredentials))
	if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
		return ErrNoCredentials
	}
	shared, err := config.LoadSharedConfigProfile(ctx, "default", func(o *config.LoadSharedConfigOptions) {
		o.ConfigFiles, o.CredentialsFiles = []string{}, []string{file}
	})
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if !shared.Credentials.HasKeys() {
		return fmt.Errorf("%s: %w", file, ErrNoCredentials)
	}
	k := shared.Credentials
	c.Credentials = credentials.NewStaticCredentialsProvider(k.AccessKeyID, k.SecretAccessKey, k.SessionToken)
	c.Notice = fmt.Sprintf("no AWS credentials are configured: using %s with %s, region %s", file, c.Endpoint, c.Region)
	return nil
}

// serviceEndpoints is met by the environment and by the profile.
type serviceEndpoints interface {
	GetServiceBaseEndpoint(ctx context.Context, sdkID string) (string, bool, error)
}

// configured returns the endpoint configured for a service, in the order of the
// AWS CLI: the environment before the profile, in each what names the service
// before what is for all. "" means none.
func configured(ctx context.Context, c aws.Config, sdkID string) string {
	return search(ctx, c, sdkID, true)
}

// specific is configured without what is for all services.
func specific(ctx context.Context, c aws.Config, sdkID string) string {
	return search(ctx, c, sdkID, false)
}

func search(ctx context.Context, c aws.Config, sdkID string, all bool) string {
	if ignore, found, err := config.GetIgnoreConfiguredEndpoints(ctx, c.ConfigSources); err == nil && found && ignore {
		return ""
	}
	for _, source := range c.ConfigSources {
		general := ""
		switch s := source.(type) {
		case config.EnvConfig:
			general = s.BaseEndpoint
		case config.SharedConfig:
			general = s.BaseEndpoint
		default:
			continue
		}
		if v, ok, err := source.(serviceEndpoints).GetServiceBaseEndpoint(ctx, sdkID); err == nil && ok && v != "" {
			return v
		}
		if all && general != "" {
			return general
		}
	}
	return ""
}

// choose returns the first URL that is not empty, checked; "" when all are.
func choose(urls ...string) (string, error) {
	for _, v := range urls {
		if v == "" {
			continue
		}
		u, err := url.Parse(v)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return "", fmt.Errorf("the endpoint %q is not an http:// or https:// URL", v)
		}
		return strings.TrimSuffix(v, "/"), nil
	}
	return "", nil
}

func hostOf(endpoint string) string {
	u, err := url.Parse(endpoint)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

func isLoopback(endpoint string) bool {
	host := hostOf(endpoint)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || net.ParseIP(host).IsLoopback()
}

func isAWS(endpoint string) bool {
	host := hostOf(endpoint)
	return strings.HasSuffix(host, ".amazonaws.com") || strings.HasSuffix(host, ".amazonaws.com.cn") || strings.HasSuffix(host, ".api.aws")
}

// httpClient follows no redirects, which would drop the signature, and gives up
// on servers that do not take the connection.
func httpClient() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DialContext = (&net.Dialer{Timeout: 10 * time.Second}).DialContext
	transport.ResponseHeaderTimeout = time.Minute
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func (c *Config) retrieve(ctx context.Context) (aws.Credentials, error) {
	k, err := c.Credentials.Retrieve(ctx)
	if err != nil {
		return k, fmt.Errorf("%w: %w", ErrCredentials, err)
	}
	return k, nil
}

// Client returns a client that signs its calls.
func (c *Config) Client() *api.Client {
	return &api.Client{Endpoint: c.Endpoint, HTTP: httpClient(), Sign: func(r *http.Request, body []byte) error {
		k, err := c.retrieve(r.Context())
		if err != nil {
			return err
		}
		keys := sigv4.Credentials{AccessKeyID: k.AccessKeyID, SecretAccessKey: k.SecretAccessKey, SessionToken: k.SessionToken}
		sigv4.Sign(r, sigv4.PayloadHash(body), keys, c.Region, "codepipeline", time.Now())
		return nil
	}}
}

// Caller returns the same for job workers.
func (c *Config) Caller() (jobworker.Caller, error) {
	return jobworker.NewCaller(jobworker.Config{
		Endpoint: c.Endpoint, Region: c.Region, HTTP: httpClient(),
		Credentials: func(ctx context.Context) (jobworker.Credentials, error) {
			k, err := c.retrieve(ctx)
			return jobworker.Credentials{AccessKeyID: k.AccessKeyID, SecretAccessKey: k.SecretAccessKey, SessionToken: k.SessionToken}, err
		},
	})
}

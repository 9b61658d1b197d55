package clientcfg

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"penstock/internal/api"
	"penstock/internal/sigv4"
)

// The AWS configuration is read from the process's environment, so that these
// tests cannot run side by side.

const profiles = `
[default]
aws_access_key_id = AKIDDEFAULT
aws_secret_access_key = default-secret

[profile remote]
region = eu-west-1
endpoint_url = https://all.example.com/
services = remote
aws_access_key_id = AKIDREMOTE
aws_secret_access_key = remote-secret

[profile plain]
endpoint_url = https://all.example.com
aws_access_key_id = AKIDPLAIN
aws_secret_access_key = plain-secret

[profile bare]
region = eu-west-1

[services remote]
codepipeline =
  endpoint_url = https://pipelines.example.com
`

// isolate gives the test an environment without AWS settings, but vars.
func isolate(t *testing.T, configFile string, vars map[string]string) {
	t.Helper()
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "") // so that it is restored
			os.Unsetenv(name)
		}
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "config")
	if err := os.WriteFile(file, []byte(configFile), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CONFIG_FILE", file)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(dir, "none"))
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	for name, value := range vars {
		t.Setenv(name, value)
	}
}

// localDir is a folder in which a server has run.
func localDir(t *testing.T, content string) string {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, filepath.FromSlash(LocalCredentials))
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

const localKey = "[default]\naws_access_key_id = AKIDLOCAL\naws_secret_access_key = local-secret\n"

func TestLoad(t *testing.T) {
	type vars = map[string]string
	keys := func(more vars) vars {
		v := vars{"AWS_ACCESS_KEY_ID": "AKIDENV", "AWS_SECRET_ACCESS_KEY": "env-secret"}
		for name, value := range more {
			v[name] = value
		}
		return v
	}
	local := localDir(t, localKey)
	for _, tc := range []struct {
		name    string
		config  string
		env     vars
		options Options

		endpoint, s3, region, key string
		notice                    bool
	}{
		{name: "nothing at all: the local server", options: Options{Dir: local},
			endpoint: DefaultEndpoint, s3: DefaultEndpoint, region: DefaultRegion, key: "AKIDLOCAL", notice: true},
		{name: "another port of this machine", options: Options{Dir: local, Endpoint: "http://localhost:9000/"},
			endpoint: "http://localhost:9000", s3: "http://localhost:9000", region: DefaultRegion, key: "AKIDLOCAL", notice: true},
		{name: "a region alone", env: vars{"AWS_REGION": "eu-north-1"}, options: Options{Dir: local},
			endpoint: DefaultEndpoint, s3: DefaultEndpoint, region: "eu-north-1", key: "AKIDLOCAL", notice: true},
		{name: "configured credentials win over the local file", env: keys(nil), options: Options{Dir: local},
			endpoint: DefaultEndpoint, s3: DefaultEndpoint, region: DefaultRegion, key: "AKIDENV"},
		{name: "default profile", config: profiles, options: Options{Dir: local},
			endpoint: DefaultEndpoint, s3: DefaultEndpoint, region: DefaultRegion, key: "AKIDDEFAULT"},
		{name: "flags win", config: profiles, env: keys(vars{"AWS_ENDPOINT_URL_CODEPIPELINE": "http://env:1", "AWS_ENDPOINT_URL": "http://env:2", "AWS_REGION": "eu-north-1"}),
			options:  Options{Endpoint: "http://flag:1", Region: "ap-south-1", Profile: "plain"},
			endpoint: "http://flag:1", s3: "http://flag:1", region: "ap-south-1", key: "AKIDPLAIN"},
		{name: "a flag leaves an S3 of its own alone", env: keys(vars{"AWS_ENDPOINT_URL_S3": "http://s3:1"}), options: Options{Endpoint: "http://flag:1"},
			endpoint: "http://flag:1", s3: "http://s3:1", region: DefaultRegion, key: "AKIDENV"},
		{name: "the service's variable before the general one", env: keys(vars{"AWS_ENDPOINT_URL_CODEPIPELINE": "http://env:1", "AWS_ENDPOINT_URL": "http://env:2"}),
			endpoint: "http://env:1", s3: "http://env:2", region: DefaultRegion, key: "AKIDENV"},
		{name: "the general variable before the profile's service", config: profiles, env: vars{"AWS_ENDPOINT_URL": "http://env:2", "AWS_PROFILE": "remote"},
			endpoint: "http://env:2", s3: "http://env:2", region: "eu-west-1", key: "AKIDREMOTE"},
		{name: "the profile's service", config: profiles, options: Options{Profile: "remote"},
			endpoint: "https://pipelines.example.com", s3: "https://all.example.com", region: "eu-west-1", key: "AKIDREMOTE"},
		{name: "the profile's endpoint", config: profiles, options: Options{Profile: "plain"},
			endpoint: "https://all.example.com", s3: "https://all.example.com", region: DefaultRegion, key: "AKIDPLAIN"},
		{name: "configured endpoints ignored", config: profiles, env: vars{"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true", "AWS_PROFILE": "remote", "AWS_ENDPOINT_URL": "http://env:2"},
			endpoint: DefaultEndpoint, s3: DefaultEndpoint, region: "eu-west-1", key: "AKIDREMOTE"},
		{name: "AWS itself", env: keys(nil), options: Options{Endpoint: "https://codepipeline.eu-west-1.amazonaws.com", Region: "eu-west-1"},
			endpoint: "https://codepipeline.eu-west-1.amazonaws.com", s3: "", region: "eu-west-1", key: "AKIDENV"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			isolate(t, tc.config, tc.env)
			c, err := Load(t.Context(), tc.options)
			if err != nil {
				t.Fatal(err)
			}
			k, err := c.Credentials.Retrieve(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if c.Endpoint != tc.endpoint || c.S3Endpoint != tc.s3 || c.Region != tc.region || k.AccessKeyID != tc.key {
				t.Errorf("got endpoint %q, S3 %q, region %q, key %q\nwant %q, %q, %q, %q", c.Endpoint, c.S3Endpoint, c.Region, k.AccessKeyID, tc.endpoint, tc.s3, tc.region, tc.key)
			}
			if got := c.Notice != ""; got != tc.notice {
				t.Errorf("notice %q, want one: %v", c.Notice, tc.notice)
			}
		})
	}
}

func TestLoadRefuses(t *testing.T) {
	for _, tc := range []struct {
		name    string
		options Options
		want    string
	}{
		{"no credentials and no local server", Options{Dir: t.TempDir()}, ErrNoCredentials.Error()},
		{"a local file without keys", Options{Dir: localDir(t, "[default]\n")}, ErrNoCredentials.Error()},
		{"an unknown profile", Options{Profile: "nobody"}, "nobody"},
		{"an endpoint that is no URL", Options{Endpoint: "localhost:7480"}, "http://"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			isolate(t, "", nil)
			if _, err := Load(t.Context(), tc.options); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want an error with %q", err, tc.want)
			}
		})
	}
}

// A server elsewhere never sees the local server's key.
func TestLocalCredentialsStayLocal(t *testing.T) {
	isolate(t, "", nil)
	c, err := Load(t.Context(), Options{Endpoint: "https://penstock.example.com", Dir: localDir(t, localKey)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Client().ListPipelines(t.Context(), &api.ListPipelinesInput{}); !errors.Is(err, ErrCredentials) {
		t.Errorf("got %v, want no credentials for this server", err)
	}
}

type oneKey struct{}

func (oneKey) Lookup(id, _ string) (sigv4.Key, error) {
	if id != "AKIDENV" {
		return sigv4.Key{}, errors.New("unexpected key " + id)
	}
	return sigv4.Key{Secret: "env-secret"}, nil
}

func TestCallsAreSigned(t *testing.T) {
	isolate(t, "", map[string]string{"AWS_ACCESS_KEY_ID": "AKIDENV", "AWS_SECRET_ACCESS_KEY": "env-secret"})
	verifier := &sigv4.Verifier{Keys: oneKey{}, Now: time.Now, Services: []string{"codepipeline"}, Regions: []string{"eu-west-1"}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if _, err := verifier.Verify(r, body); err != nil {
			t.Error(err)
			w.WriteHeader(http.StatusBadRequest)
		}
		_, _ = w.Write([]byte(`{"pipelines":[],"jobs":[]}`))
	}))
	defer server.Close()
	c, err := Load(t.Context(), Options{Endpoint: server.URL, Region: "eu-west-1"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Client().ListPipelines(t.Context(), &api.ListPipelinesInput{}); err != nil {
		t.Error(err)
	}
	caller, err := c.Caller()
	if err != nil {
		t.Fatal(err)
	}
	if err := caller.Call(t.Context(), "PollForJobs", map[string]string{}, nil); err != nil {
		t.Error(err)
	}
}

// Package config holds the settings of the server: one struct, its defaults,
// and where each value may come from: a flag, a PENSTOCK_ variable, a file.
package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// Config are the settings of `penstock server`.
type Config struct {
	Listen          string // address to listen on
	ListenTLS       string // address to listen on with TLS; "" = none
	TLSCert, TLSKey string // "" = those of `penstock tls init` in the data folder
	MetricsListen   string // address for /metrics alone; "" = with the rest
	Data            string // folder for everything that is kept
	Database        string // "" = SQLite in the data folder
	Account         string // account of the root access key
	Regions         []string

	RootAccessKeyID     string // environment only
	RootSecretAccessKey string // environment only
	MasterKey           string // environment only

	S3Endpoint        string // "" = the embedded store
	S3Region          string
	S3AccessKeyID     string // environment only; "" = the SDK's default chain
	S3SecretAccessKey string // environment only
	S3RoleARN         string // role that job credentials are made from
	S3STSEndpoint     string
	S3LogBucket       string // for the logs of actions on the external S3
	S3ShareKeys       bool   // hand out the static keys with jobs when there is no role
	S3Hosts           []string

	Lambda             Lambda
	CloudWatchEndpoint string
	CloudWatchAWS      bool // AWS's own CloudWatch when there is no endpoint

	HostRunner        bool
	Concurrency       int // jobs that each built-in action type runs at a time
	AckWindow         time.Duration
	ContinuationDelay time.Duration
	PollInterval      time.Duration
	CredentialLife    time.Duration
	MaxPipelines      int
	MaxPolling        int
	MaxActionTypes    int
	MaxEventRules     int
	CreateActionTypes bool // by UpdateActionType

	EventFile   string // "" = no such sink
	EventURL    string // "" = no such sink
	EventSecret string // environment only; signs what goes to EventURL

	Webhook  Webhook
	Git      Git
	Approval Approval
	Limits   Limits
	Keep     Retention

	LogLevel  slog.Level
	LogFormat string // text or json

	file string
}

// Flags declares a flag for each setting.
func (c *Config) Flags(f *pflag.FlagSet) {
	f.StringVar(&c.Listen, "listen", "127.0.0.1:7480", "address to listen on; port 0 takes any free port")
	f.StringVar(&c.ListenTLS, "listen-tls", "", "address to listen on with TLS too, for clients that know only AWS's host names (docs/tls.md); port 443 as a rule")
	f.StringVar(&c.TLSCert, "tls-cert", "", "certificate chain in PEM for --listen-tls; a new one is taken at once (default: server.pem in DATA/tls)")
	f.StringVar(&c.TLSKey, "tls-key", "", "key of --tls-cert in PEM (default: server-key.pem in DATA/tls)")
	f.StringVar(&c.MetricsListen, "metrics-listen", "", "address to serve /metrics on, which it then has to itself (default: on all of --listen and --listen-tls)")
	f.StringVar(&c.Data, "data", "./penstock-data", "folder for state, artifacts, credentials and keys")
	f.StringVar(&c.Database, "database", "", "postgres:// URL of a database that any number of nodes may share; empty keeps the state in SQLite in the data folder")
	f.StringVar(&c.file, "config", "", "JSON file of settings: an object whose keys are the names of these flags")
	f.StringVar(&c.Account, "account", "000000000000", "12-digit account of the root access key")
	f.StringSliceVar(&c.Regions, "regions", nil, "regions that clients may name; none means any")
	f.StringVar(&c.S3Endpoint, "s3-endpoint", "", "URL of an external S3 for artifacts; empty uses the embedded one")
	f.StringVar(&c.S3Region, "s3-region", "us-east-1", "region of the external S3")
	f.StringVar(&c.S3RoleARN, "s3-role-arn", "", "role to assume for the credentials of jobs on the external S3")
	f.StringVar(&c.S3STSEndpoint, "s3-sts-endpoint", "", "URL of the STS that assumes --s3-role-arn; empty uses AWS's")
	f.StringVar(&c.S3LogBucket, "s3-log-bucket", "penstock-logs", "bucket on the external S3 for the logs of actions")
	f.BoolVar(&c.S3ShareKeys, "s3-share-keys", false, "hand the server's own S3 keys to jobs when there is no role (they reach every bucket)")
	f.StringSliceVar(&c.S3Hosts, "s3-hosts", nil, "host names under which buckets are addressed as BUCKET.HOST, beside localhost")
	c.Lambda.flags(f)
	f.StringVar(&c.CloudWatchEndpoint, "cloudwatch-endpoint", "", "URL of a CloudWatch API for CloudWatchAlarm rules; credentials as the AWS SDKs find them")
	f.BoolVar(&c.CloudWatchAWS, "cloudwatch-aws", false, "let CloudWatchAlarm rules ask AWS's CloudWatch")
	f.BoolVar(&c.HostRunner, "host-runner", false, "run Commands actions on this host without isolation (default: only while listening on a loopback address)")
	f.IntVar(&c.Concurrency, "concurrency", 8, "jobs of each built-in action type that run at the same time")
	f.DurationVar(&c.AckWindow, "ack-window", 2*time.Minute, "how long a polled job waits for its acknowledgement, 10s to 15m")
	f.DurationVar(&c.ContinuationDelay, "continuation-delay", 30*time.Second, "pause before a job with a continuation token can be polled")
	f.DurationVar(&c.PollInterval, "poll-interval", time.Minute, "how often polling sources are looked at")
	f.DurationVar(&c.CredentialLife, "credential-life", time.Hour, "how long the artifact credentials of a job live")
	f.IntVar(&c.MaxPipelines, "max-pipelines", 1000, "pipelines of an account in a region")
	f.IntVar(&c.MaxPolling, "max-polling-pipelines", 300, "pipelines with polling sources of an account in a region")
	f.IntVar(&c.MaxActionTypes, "max-action-types", 50, "custom action types, and registered ones, of an account in a region")
	f.BoolVar(&c.CreateActionTypes, "allow-create-action-types", false, "let UpdateActionType register action types that are not there, as `penstock action-type register` does")
	f.IntVar(&c.MaxEventRules, "max-event-rules", 300, "EventBridge rules of an account in a region")
	f.StringVar(&c.EventFile, "event-file", "", "file to append state-change events to, one JSON document a line")
	f.StringVar(&c.EventURL, "event-url", "", "URL to post state-change events to, signed with PENSTOCK_EVENT_SECRET")
	c.Webhook.flags(f)
	c.Git.flags(f)
	c.Approval.flags(f)
	c.Limits.flags(f)
	c.Keep.flags(f)
	f.TextVar(&c.LogLevel, "log-level", slog.LevelInfo, "least level to log: debug, info, warn, error")
	f.StringVar(&c.LogFormat, "log-format", "text", "form of the log: text or json")
}

// Load fills what no flag has set from PENSTOCK_ variables and then from the
// file of --config, and checks the whole.
func (c *Config) Load(f *pflag.FlagSet, env func(string) string) error {
	if v := env("PENSTOCK_CONFIG"); v != "" && !f.Changed("config") {
		c.file = v
	}
	file, err := readFile(c.file)
	if err != nil {
		return err
	}
	var errs []error
	f.VisitAll(func(fl *pflag.Flag) {
		if fl.Changed || fl.Name == "config" || fl.Name == "help" {
			return
		}
		name := "PENSTOCK_" + strings.ToUpper(strings.ReplaceAll(fl.Name, "-", "_"))
		v, from := env(name), name
		if v == "" {
			v, from = file[fl.Name], c.file+": "+fl.Name
		}
		if v == "" {
			return
		}
		if err := f.Set(fl.Name, v); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", from, err))
		}
	})
	for name := range file {
		if f.Lookup(name) == nil {
			errs = append(errs, fmt.Errorf("%s: there is no setting %q; see `penstock server --help`", c.file, name))
		}
	}
	c.RootAccessKeyID, c.RootSecretAccessKey = env("PENSTOCK_ROOT_ACCESS_KEY_ID"), env("PENSTOCK_ROOT_SECRET_ACCESS_KEY")
	c.MasterKey = env("PENSTOCK_MASTER_KEY")
	c.EventSecret, c.Approval.Secret = env("PENSTOCK_EVENT_SECRET"), env("PENSTOCK_APPROVAL_SECRET")
	c.S3AccessKeyID, c.S3SecretAccessKey = env("PENSTOCK_S3_ACCESS_KEY_ID"), env("PENSTOCK_S3_SECRET_ACCESS_KEY")
	if !f.Changed("host-runner") {
		c.HostRunner = c.local()
	}
	c.Git.Any = len(c.Git.Bases) == 0 && c.local()
	return errors.Join(append(errs, c.validate())...)
}

func readFile(name string) (map[string]string, error) {
	if name == "" {
		return nil, nil
	}
	raw, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber() // 1000000 is not to become 1e+06
	var values map[string]any
	if err := d.Decode(&values); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if d.More() {
		return nil, fmt.Errorf("%s: something follows the object of settings", name)
	}
	out := map[string]string{}
	for k, v := range values {
		out[k] = flagText(v)
	}
	return out, nil
}

// minEventSecret keeps secrets that can be guessed from one signed event away.
const minEventSecret = 16

// flagText writes a JSON value as its flag takes it.
func flagText(v any) string {
	var parts []string
	switch v := v.(type) {
	case nil:
		return ""
	case []any:
		for _, p := range v {
			parts = append(parts, flagText(p))
		}
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			parts = append(parts, k+"="+flagText(v[k]))
		}
	default:
		return fmt.Sprint(v)
	}
	return strings.Join(parts, ",")
}

var accountPattern = regexp.MustCompile(`^[0-9]{12}$`)

func (c *Config) validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		bad("--listen must be HOST:PORT: %v", err)
	}
	if _, _, err := net.SplitHostPort(c.ListenTLS); c.ListenTLS != "" && err != nil {
		bad("--listen-tls must be HOST:PORT: %v", err)
	}
	if _, _, err := net.SplitHostPort(c.MetricsListen); c.MetricsListen != "" && err != nil {
		bad("--metrics-listen must be HOST:PORT: %v", err)
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		bad("--tls-cert and --tls-key go together: set both or neither")
	}
	if !accountPattern.MatchString(c.Account) {
		bad("--account must be 12 digits, not %q", c.Account)
	}
	if c.Database != "" && !strings.HasPrefix(c.Database, "postgres://") && !strings.HasPrefix(c.Database, "postgresql://") {
		bad("--database must be empty or a URL like postgres://USER@HOST/NAME")
	}
	if (c.RootAccessKeyID == "") != (c.RootSecretAccessKey == "") {
		bad("PENSTOCK_ROOT_ACCESS_KEY_ID and PENSTOCK_ROOT_SECRET_ACCESS_KEY go together: set both or neither")
	}
	if (c.S3AccessKeyID == "") != (c.S3SecretAccessKey == "") {
		bad("PENSTOCK_S3_ACCESS_KEY_ID and PENSTOCK_S3_SECRET_ACCESS_KEY go together: set both or neither")
	}
	if c.EventURL != "" && len(c.EventSecret) < minEventSecret {
		bad("--event-url needs PENSTOCK_EVENT_SECRET, at least %d characters that only the receiver knows too (openssl rand -hex 32)", minEventSecret)
	}
	if c.AckWindow < 10*time.Second || c.AckWindow > 15*time.Minute {
		bad("--ack-window must be between 10s and 15m")
	}
	if c.ContinuationDelay < 0 || c.PollInterval < time.Second || c.CredentialLife < time.Minute || c.Concurrency < 1 {
		bad("--continuation-delay must not be negative, --poll-interval at least 1s, --credential-life at least 1m, --concurrency at least 1")
	}
	if c.CloudWatchEndpoint != "" && !webAddress(c.CloudWatchEndpoint) {
		bad("--cloudwatch-endpoint must be an http or https URL")
	}
	errs = append(errs, c.Webhook.validate(), c.Git.validate(), c.Approval.validate(), c.Lambda.validate(), c.Limits.validate(), c.Keep.validate())
	if c.LogFormat != "text" && c.LogFormat != "json" {
		bad("--log-format must be text or json")
	}
	return errors.Join(errs...)
}

// webAddress reports whether the text is a URL that can be called.
func webAddress(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

// local reports whether only this host can reach the server.
func (c *Config) local() bool {
	return loopback(c.Listen) && (c.ListenTLS == "" || loopback(c.ListenTLS))
}

// loopback reports whether the address can be reached from this host only.
func loopback(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

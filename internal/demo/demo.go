// Package demo shows Penstock at work: it starts a real server, runs a real
// pipeline on it with every kind of action, and leaves the data for the reader
// to go on with.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"penstock/internal/api"
	"penstock/internal/auth"
	"penstock/internal/control"
	"penstock/internal/sigv4"
)

// Options of Run.
type Options struct {
	Program string // the penstock binary
	Data    string // folder for the demo's data; its old content is removed
	Listen  string
	Out     io.Writer
	Color   bool
}

const (
	region       = "us-east-1"
	name         = "hello"
	sourceBucket = "demo-source"
	sourceKey    = "app.zip"
	siteBucket   = "demo-site"
	marker       = ".penstock-demo" // says that a folder is ours to remove
)

// demo is a demonstration on its way.
type demo struct {
	Options
	url     string
	key     sigv4.Credentials
	client  *api.Client
	s3      *s3.Client
	server  *process
	workers []*process
}

// Run plays the demonstration. It stops what it started when it returns.
func Run(ctx context.Context, o Options) (err error) {
	d := &demo{Options: o}
	defer func() { err = errors.Join(err, d.stop()) }()
	for _, step := range []struct {
		title string
		run   func(context.Context) error
	}{
		{"Starting a server in " + o.Data, d.startServer},
		{"Making buckets and putting the source there", d.putSource},
		{"Starting two job workers of the kinds that you can write: custom and partner", d.startWorkers},
		{"Creating a pipeline: S3 source, Commands, custom and partner test, approval, S3 deploy", d.createPipeline},
		{"", d.watch},
		{"The deployed object, s3://" + siteBucket + "/index.html", d.showSite},
	} {
		if step.title != "" {
			fmt.Fprintf(o.Out, "\n%s\n", d.bold("==> "+step.title))
		}
		if err := step.run(ctx); err != nil {
			return err
		}
	}
	d.farewell()
	return nil
}

func (d *demo) bold(s string) string {
	if !d.Color {
		return s
	}
	return "\x1b[1m" + s + "\x1b[0m"
}

// emptyFolder makes the data folder anew; it removes none that is not a
// demo's.
func (d *demo) emptyFolder() error {
	if entries, err := os.ReadDir(d.Data); err == nil && len(entries) > 0 {
		if _, err := os.Stat(filepath.Join(d.Data, marker)); err != nil {
			return fmt.Errorf("%s is not empty and not a demo's folder; name another with --data", d.Data)
		}
		if err := os.RemoveAll(d.Data); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(d.Data, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(d.Data, marker), nil, 0o600)
}

func (d *demo) startServer(ctx context.Context) (err error) {
	if err := d.emptyFolder(); err != nil {
		return err
	}
	d.server, err = start(d.Program, filepath.Join(d.Data, "server.log"), nil,
		"server", "--data", d.Data, "--listen", d.Listen, "--continuation-delay", "1s")
	if err != nil {
		return err
	}
	line, err := d.server.firstLine()
	if err != nil {
		return err
	}
	if _, err := fmt.Sscanf(line, "penstock listening on %s", &d.url); err != nil {
		return fmt.Errorf("the server said %q", line)
	}
	id, secret, _, err := auth.LoadOrCreateCredentials(d.Data)
	if err != nil {
		return err
	}
	d.key = sigv4.Credentials{AccessKeyID: id, SecretAccessKey: string(secret)}
	d.client = &api.Client{Endpoint: d.url, HTTP: http.DefaultClient, Sign: func(r *http.Request, body []byte) error {
		sigv4.Sign(r, sigv4.PayloadHash(body), d.key, region, "codepipeline", time.Now())
		return nil
	}}
	d.s3 = s3.New(s3.Options{
		Region: region, BaseEndpoint: &d.url, UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(id, string(secret), ""),
	})
	fmt.Fprintf(d.Out, "    %s (log: %s)\n", line, d.server.log)
	return d.ready(ctx)
}

// ready waits until the server serves.
func (d *demo) ready(ctx context.Context) error {
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.url+"/readyz", nil)
		if err != nil {
			return err
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		if err := d.server.alive(); err != nil {
			return err
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
}

func pause(ctx context.Context, t time.Duration) error {
	timer := time.NewTimer(t)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

func (d *demo) putSource(ctx context.Context) error {
	for _, b := range []string{sourceBucket, siteBucket} {
		if _, err := d.s3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &b}); err != nil {
			return err
		}
	}
	source, err := sourceZip()
	if err != nil {
		return err
	}
	out, err := d.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(sourceBucket), Key: aws.String(sourceKey), Body: source})
	if err != nil {
		return err
	}
	fmt.Fprintf(d.Out, "    s3://%s/%s, version %s\n", sourceBucket, sourceKey, aws.ToString(out.VersionId))
	return nil
}

func (d *demo) startWorkers(ctx context.Context) error {
	_, err := d.client.CreateCustomActionType(ctx, &api.CreateCustomActionTypeInput{
		Category: "Test", Provider: "Lint", Version: "1",
		InputArtifactDetails: api.ArtifactDetails{MinimumCount: 1, MaximumCount: 1},
	})
	if err != nil {
		return err
	}
	partner := control.RegisterPartnerInput{
		TypeID: control.TypeID{Category: "Test", Provider: "Acme", Version: "1"}, Inputs: control.Counts{Minimum: 1, Maximum: 1},
	}
	if err := d.client.CallRaw(ctx, "Penstock.RegisterPartner", partner, &control.RegisterPartnerOutput{}); err != nil {
		return err
	}
	var client control.ConnectPartnerOutput
	if err := d.client.CallRaw(ctx, "Penstock.ConnectPartner", control.ConnectPartnerInput{TypeID: partner.TypeID}, &client); err != nil {
		return err
	}
	env := []string{
		"AWS_ENDPOINT_URL=" + d.url, "AWS_REGION=" + region, "AWS_ACCESS_KEY_ID=" + d.key.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + d.key.SecretAccessKey,
	}
	custom, err := d.worker("custom", env, "Lint", `grep -q '<h1>' index.html && echo "index.html has a heading"`)
	if err != nil {
		return err
	}
	token := []string{"PENSTOCK_CLIENT_ID=" + client.ClientID, "PENSTOCK_CLIENT_TOKEN=" + client.ClientToken}
	third, err := d.worker("partner", append(token, env...), "Acme", `echo "scanned $(ls | wc -l) files, nothing found"`)
	if err != nil {
		return err
	}
	d.workers = []*process{custom, third}
	fmt.Fprintf(d.Out, "    penstock worker --category Test --provider Lint --version 1 --exec '…'\n")
	fmt.Fprintf(d.Out, "    PENSTOCK_CLIENT_TOKEN=… penstock worker --category Test --provider Acme --version 1 --exec '…'\n")
	return nil
}

func (d *demo) worker(kind string, env []string, provider, command string) (*process, error) {
	return start(d.Program, filepath.Join(d.Data, kind+"-worker.log"), env,
		"worker", "--category", "Test", "--provider", provider, "--version", "1", "--exec", command)
}

func (d *demo) createPipeline(ctx context.Context) error {
	_, err := d.client.CreatePipeline(ctx, &api.CreatePipelineInput{Pipeline: declaration()})
	return err
}

func (d *demo) showSite(ctx context.Context) error {
	out, err := d.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(siteBucket), Key: aws.String("index.html")})
	if err != nil {
		return err
	}
	defer out.Body.Close()
	_, err = io.Copy(d.Out, out.Body)
	return err
}

func (d *demo) farewell() {
	fmt.Fprintf(d.Out, `
%s
The demo stops its server now; its data stays in %[2]s. To go on by hand:

    %[3]s server --data %[2]s &
    export AWS_SHARED_CREDENTIALS_FILE=%[4]s AWS_ENDPOINT_URL=http://127.0.0.1:7480 AWS_DEFAULT_REGION=%[5]s
    aws codepipeline get-pipeline-state --name %[6]s
    aws codepipeline start-pipeline-execution --name %[6]s
    aws s3 ls --recursive s3://%[7]s
    %[3]s status %[6]s --watch
    %[3]s logs %[6]s --action Build
`, d.bold("==> Done"), d.Data, d.Program, filepath.Join(d.Data, "credentials"), region, name, siteBucket)
}

func (d *demo) stop() error {
	var errs []error
	for _, p := range append(d.workers, d.server) {
		if p != nil {
			errs = append(errs, p.stop())
		}
	}
	return errors.Join(errs...)
}

package sts

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdkcredentials "github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"penstock/internal/auth"
	"penstock/internal/sigv4"
)

const account = "123456789012"

var root = sigv4.Credentials{AccessKeyID: "AKIAROOT", SecretAccessKey: "root-secret"}

func newTestServer(t *testing.T) (string, *auth.Sessions) {
	t.Helper()
	key, err := auth.LoadOrCreateMasterKey(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	sessions := auth.NewSessions(key, time.Now)
	a := auth.NewAuthenticator(auth.Config{
		Account: account, RootAccessKeyID: root.AccessKeyID, RootSecretAccessKey: auth.Secret(root.SecretAccessKey),
		Sessions: sessions, Now: time.Now,
	})
	server := httptest.NewServer(New(a, sessions, func() string { return "request-1" }, slog.New(slog.DiscardHandler)))
	t.Cleanup(server.Close)
	return server.URL, sessions
}

func newClient(endpoint string, c sigv4.Credentials) *sts.Client {
	return sts.New(sts.Options{
		BaseEndpoint: aws.String(endpoint), Region: "eu-central-1", RetryMaxAttempts: 1,
		Credentials: sdkcredentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, c.SessionToken),
	})
}

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	e, ok := errors.AsType[smithy.APIError](err)
	if !ok || e.ErrorCode() != code {
		t.Errorf("got %v, want code %s", err, code)
	}
}

func TestGetCallerIdentity(t *testing.T) {
	t.Parallel()
	endpoint, _ := newTestServer(t)
	out, err := newClient(endpoint, root).GetCallerIdentity(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if *out.Account != account || *out.Arn != "arn:aws:iam::"+account+":root" || *out.UserId != account {
		t.Errorf("account %s, ARN %s, user %s", *out.Account, *out.Arn, *out.UserId)
	}
	_, err = newClient(endpoint, sigv4.Credentials{AccessKeyID: "AKIANOBODY", SecretAccessKey: "x"}).GetCallerIdentity(context.Background(), nil)
	wantCode(t, err, "InvalidClientTokenId")
	_, err = newClient(endpoint, sigv4.Credentials{AccessKeyID: root.AccessKeyID, SecretAccessKey: "x"}).GetCallerIdentity(context.Background(), nil)
	wantCode(t, err, "SignatureDoesNotMatch")
}

func TestAssumeRole(t *testing.T) {
	t.Parallel()
	endpoint, _ := newTestServer(t)
	out, err := newClient(endpoint, root).AssumeRole(context.Background(), &sts.AssumeRoleInput{
		RoleArn: aws.String("arn:aws:iam::" + account + ":role/team/Deploy"), RoleSessionName: aws.String("me@host"), DurationSeconds: aws.Int32(900),
	})
	if err != nil {
		t.Fatal(err)
	}
	const arn = "arn:aws:sts::" + account + ":assumed-role/Deploy/me@host"
	if *out.AssumedRoleUser.Arn != arn {
		t.Errorf("ARN %s", *out.AssumedRoleUser.Arn)
	}
	if left := time.Until(*out.Credentials.Expiration); left > 15*time.Minute || left < 14*time.Minute {
		t.Errorf("ends in %v", left)
	}
	session := sigv4.Credentials{AccessKeyID: *out.Credentials.AccessKeyId, SecretAccessKey: *out.Credentials.SecretAccessKey, SessionToken: *out.Credentials.SessionToken}
	client := newClient(endpoint, session)
	who, err := client.GetCallerIdentity(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if *who.Arn != arn || *who.UserId != *out.AssumedRoleUser.AssumedRoleId || !strings.HasSuffix(*who.UserId, ":me@host") {
		t.Errorf("the session is %s, user %s", *who.Arn, *who.UserId)
	}
	_, err = client.AssumeRole(context.Background(), &sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::" + account + ":role/R"), RoleSessionName: aws.String("ss")})
	wantCode(t, err, "AccessDenied")
	_, err = client.GetSessionToken(context.Background(), nil)
	wantCode(t, err, "AccessDenied")
}

func TestGetSessionToken(t *testing.T) {
	t.Parallel()
	endpoint, _ := newTestServer(t)
	out, err := newClient(endpoint, root).GetSessionToken(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if left := time.Until(*out.Credentials.Expiration); left > 12*time.Hour || left < 12*time.Hour-time.Minute {
		t.Errorf("ends in %v", left)
	}
	session := sigv4.Credentials{AccessKeyID: *out.Credentials.AccessKeyId, SecretAccessKey: *out.Credentials.SecretAccessKey, SessionToken: *out.Credentials.SessionToken}
	who, err := newClient(endpoint, session).GetCallerIdentity(context.Background(), nil)
	if err != nil || *who.Arn != "arn:aws:iam::"+account+":root" {
		t.Fatalf("got %+v, %v", who, err)
	}
}

// TestRefusals sends forms that SDKs would not.
func TestRefusals(t *testing.T) {
	t.Parallel()
	endpoint, sessions := newTestServer(t)
	job := sessions.Mint(auth.SessionScope{Account: account, ARN: "arn:aws:sts::" + account + ":assumed-role/job/j", Job: &auth.JobScope{JobID: "j"}}, time.Hour)
	jobCredentials := sigv4.Credentials{AccessKeyID: job.AccessKeyID, SecretAccessKey: string(job.SecretAccessKey), SessionToken: string(job.SessionToken)}
	const role = "Action=AssumeRole&Version=2011-06-15&RoleArn=arn:aws:iam::" + account + ":role/R"
	const session = role + "&RoleSessionName=me"
	tests := []struct {
		name, form string
		creds      sigv4.Credentials
		status     int
		code, text string
	}{
		{"no action", "Version=2011-06-15", root, 400, "MissingAction", "Missing Action"},
		{"unknown action", "Action=Dance&Version=2011-06-15", root, 400, "InvalidAction", "Could not find operation Dance for version 2011-06-15"},
		{"other version", "Action=GetCallerIdentity&Version=2010-05-08", root, 400, "InvalidAction", "Could not find operation GetCallerIdentity for version 2010-05-08"},
		{"no version", "Action=GetCallerIdentity", root, 400, "InvalidAction", "Could not find operation GetCallerIdentity for version NO_VERSION_SPECIFIED"},
		{"no form", "%zz", root, 400, "MalformedQueryString", "The query string contains a syntax error."},
		{"job credentials", "Action=GetCallerIdentity&Version=2011-06-15", jobCredentials, 403, "AccessDenied", "User: arn:aws:sts::" + account + ":assumed-role/job/j is not authorized to perform: sts:GetCallerIdentity"},
		{"no role", "Action=AssumeRole&Version=2011-06-15", root, 400, "ValidationError", "1 validation error detected: Value null at 'roleArn' failed to satisfy constraint: Member must not be null"},
		{"no session name", role, root, 400, "ValidationError", "1 validation error detected: Value null at 'roleSessionName' failed to satisfy constraint: Member must not be null"},
		{"short session name", role + "&RoleSessionName=m", root, 400, "ValidationError", "1 validation error detected: Value 'm' at 'roleSessionName' failed to satisfy constraint: Member must have length greater than or equal to 2"},
		{"long session name", role + "&RoleSessionName=" + strings.Repeat("m", 65), root, 400, "ValidationError", "1 validation error detected: Value '" + strings.Repeat("m", 65) + "' at 'roleSessionName' failed to satisfy constraint: Member must have length less than or equal to 64"},
		{"session name with blank", role + "&RoleSessionName=m+e", root, 400, "ValidationError", `1 validation error detected: Value 'm e' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]*`},
		{"no ARN", "Action=AssumeRole&Version=2011-06-15&RoleArn=admin&RoleSessionName=me", root, 400, "ValidationError", "admin is invalid"},
		{"other account", "Action=AssumeRole&Version=2011-06-15&RoleArn=arn:aws:iam::999999999999:role/R&RoleSessionName=me", root, 403, "AccessDenied", "User: arn:aws:iam::" + account + ":root is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::999999999999:role/R"},
		{"too short", session + "&DurationSeconds=899", root, 400, "ValidationError", "1 validation error detected: Value '899' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900"},
		{"too long", session + "&DurationSeconds=43201", root, 400, "ValidationError", "1 validation error detected: Value '43201' at 'durationSeconds' failed to satisfy constraint: Member must have value less than or equal to 43200"},
		{"no number", session + "&DurationSeconds=day", root, 400, "MalformedInput", "DurationSeconds is not an integer"},
		{"session policy", session + "&Policy=%7B%7D", root, 400, "ValidationError", "Penstock does not support the parameter Policy: leave it out"},
		{"managed session policy", session + "&PolicyArns.member.1.arn=a", root, 400, "ValidationError", "Penstock does not support the parameter PolicyArns: leave it out"},
		{"second factor", "Action=GetSessionToken&Version=2011-06-15&TokenCode=123456", root, 400, "ValidationError", "Penstock does not support the parameter TokenCode: leave it out"},
		{"too large", "Action=" + strings.Repeat("a", maxBody), root, 413, "RequestEntityTooLarge", "The request body is larger than 262144 bytes."},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r, err := http.NewRequest("POST", endpoint, strings.NewReader(test.form))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
			sigv4.Sign(r, sigv4.PayloadHash([]byte(test.form)), test.creds, "us-east-1", "sts", time.Now())
			wantError(t, r, test.status, test.code, test.text)
		})
	}
	t.Run("not signed", func(t *testing.T) {
		t.Parallel()
		r, err := http.NewRequest("POST", endpoint, strings.NewReader("Action=GetCallerIdentity"))
		if err != nil {
			t.Fatal(err)
		}
		wantError(t, r, 403, "MissingAuthenticationToken", "Missing Authentication Token")
	})
}

func wantError(t *testing.T, r *http.Request, status int, code, text string) {
	t.Helper()
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var got errorResponse
	if err := xml.Unmarshal(body, &got); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	if response.StatusCode != status || got.Type != "Sender" || got.Code != code || got.Message != text {
		t.Errorf("%d %s", response.StatusCode, body)
	}
	if got.RequestID != "request-1" || response.Header.Get("x-amzn-RequestId") != "request-1" || response.Header.Get("Content-Type") != "text/xml" {
		t.Errorf("request id %q, headers %v", got.RequestID, response.Header)
	}
}

// TestPresigned is what tools send as a proof of who they are.
func TestPresigned(t *testing.T) {
	t.Parallel()
	endpoint, _ := newTestServer(t)
	r, err := http.NewRequest("GET", endpoint+"/?"+url.Values{"Action": {"GetCallerIdentity"}, "Version": {version}}.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.Get(sigv4.Presign(r, root, "us-east-1", "sts", time.Minute, time.Now()))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	const want = `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>arn:aws:iam::` + account +
		`:root</Arn><UserId>` + account + `</UserId><Account>` + account +
		`</Account></GetCallerIdentityResult><ResponseMetadata><RequestId>request-1</RequestId></ResponseMetadata></GetCallerIdentityResponse>`
	if err != nil || response.StatusCode != 200 || string(body) != want {
		t.Errorf("%d %s, %v, want\n%s", response.StatusCode, body, err, want)
	}
}

// TestCLI runs the real AWS CLI.
func TestCLI(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("aws"); err != nil {
		t.Skip("no AWS CLI on this machine")
	}
	endpoint, _ := newTestServer(t)
	run := func(args ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), "aws", append([]string{"sts", "--endpoint-url", endpoint, "--region", "eu-central-1", "--output", "text"}, args...)...)
		cmd.Env = append(cmd.Environ(), "AWS_ACCESS_KEY_ID="+root.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+root.SecretAccessKey,
			"AWS_SESSION_TOKEN=", "AWS_CONFIG_FILE=/nonexistent", "AWS_SHARED_CREDENTIALS_FILE=/nonexistent")
		out, err := cmd.CombinedOutput()
		return strings.TrimSpace(string(out)), err
	}
	if out, err := run("get-caller-identity", "--query", "Arn"); err != nil || out != "arn:aws:iam::"+account+":root" {
		t.Errorf("get-caller-identity: %v, %s", err, out)
	}
	out, err := run("assume-role", "--role-arn", "arn:aws:iam::"+account+":role/R", "--role-session-name", "cli", "--query", "AssumedRoleUser.Arn")
	if err != nil || out != "arn:aws:sts::"+account+":assumed-role/R/cli" {
		t.Errorf("assume-role: %v, %s", err, out)
	}
	if out, err := run("assume-role", "--role-arn", "arn:aws:iam::"+account+":role/R", "--role-session-name", "cli", "--policy", "{}"); err == nil || !strings.Contains(out, "ValidationError") {
		t.Errorf("assume-role with a policy: %v, %s", err, out)
	}
}

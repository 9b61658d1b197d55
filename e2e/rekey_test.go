package e2e

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/hex"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRekey changes the master key of a server with secrets of every kind, which
// all go on to open, and after which the old key opens none.
func TestRekey(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	offline := func(env ...string) result {
		return s.execAs(append(append([]string{"PENSTOCK_DATA=" + s.data}, s.env...), env...), binary, "rekey")
	}
	key := filepath.Join(s.data, "master.key")
	text := func(name string) string {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	place := object{"minimumCount": 0, "maximumCount": 1}
	for _, category := range []string{"Source", "Build"} {
		s.call("CreateCustomActionType", object{"category": category, "provider": "Own", "version": "1", "inputArtifactDetails": place, "outputArtifactDetails": place,
			"configurationProperties": []object{{"name": "ApiKey", "required": false, "key": false, "secret": true}}}, nil)
	}
	partner := s.connect("Test", "Acme")
	const apiKey, hush, gitToken = "the-api-key-that-is-sealed-anew", "the-secret-of-the-webhook", "the-token-at-the-git-host"
	s.secret(apiKey)
	s.secret(hush)
	s.secret(gitToken)
	s.call("CreatePipeline", object{"pipeline": declaration("sealed",
		stage("Source", action("Fetch", "Custom", "Source", "Own", object{"ApiKey": apiKey}, outputs("Source"))),
		stage("Build", action("Make", "Custom", "Build", "Own", object{"ApiKey": apiKey}, inputs("Source"))),
		stage("Test", action("Try", "ThirdParty", "Test", "Acme", nil, inputs("Source"))))}, nil)
	var hook struct{ Webhook struct{ URL string } }
	s.call("PutWebhook", object{"webhook": object{"name": "push", "targetPipeline": "sealed", "targetAction": "Fetch", "filters": []object{},
		"authentication": "GITHUB_HMAC", "authenticationConfiguration": object{"SecretToken": hush}}}, &hook)
	other := s.penstock("access-key", "create", "--account", "111122223333", "--user", "ci")
	_, secret, _ := strings.Cut(other, "aws_secret_access_key = ")
	_, id, _ := strings.Cut(other, "aws_access_key_id = ")
	secret, id = strings.Fields(secret)[0], strings.Fields(id)[0]
	s.secret(secret)

	type work struct{ ID, Nonce string }
	poll := func(category string) work {
		var out struct{ Jobs []work }
		s.call("PollForJobs", object{"actionTypeId": object{"category": category, "owner": "Custom", "provider": "Own", "version": "1"}}, &out)
		if len(out.Jobs) != 1 {
			t.Fatalf("%d jobs of %s", len(out.Jobs), category)
		}
		return out.Jobs[0]
	}
	source := poll("Source") // its secret lies in the job too
	s.call("AcknowledgeJob", object{"jobId": source.ID, "nonce": source.Nonce}, nil)

	before := text(key)
	if r := offline(); r.code == 0 || !strings.Contains(r.problems, "stop all servers") && !strings.Contains(r.problems, "in use by process") {
		t.Errorf("beside a server: exit %d, %s", r.code, r.problems)
	}
	if text(key) != before {
		t.Fatal("the master key was changed all the same")
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if r := offline("PENSTOCK_NEW_MASTER_KEY=short"); r.code == 0 || !strings.Contains(r.problems, "32 bytes") {
		t.Errorf("a key that is none: exit %d, %s", r.code, r.problems)
	}
	if r := offline(); r.code != 0 || !strings.Contains(r.out, "sealed the secrets of 5 records") { // declaration, job, client, webhook, access key
		t.Fatalf("exit %d\n%s%s", r.code, r.out, r.problems)
	}
	if text(key) == before || text(key+".old") != before {
		t.Error("the keys did not change places")
	}
	if _, err := os.Stat(key + ".new"); err == nil {
		t.Error("master.key.new is left")
	}
	if r := offline(); r.code == 0 || !strings.Contains(r.problems, "master.key.old") {
		t.Errorf("with the key of before in the way: exit %d, %s", r.code, r.problems)
	}

	// The old key opens nothing: the server refuses it.
	now := text(key)
	restore := func(content string) {
		if err := os.WriteFile(key, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	restore(before)
	if err := s.start(); err == nil {
		t.Error("a server started with the old master key")
	}
	s.kill()
	restore(now)
	if err := s.start(); err != nil {
		t.Fatalf("%v\n%s", err, s.log.String())
	}

	var details struct {
		JobDetails struct {
			Data struct {
				ActionConfiguration struct{ Configuration map[string]string }
			}
		}
	}
	seen := func(id string) {
		t.Helper()
		s.call("GetJobDetails", object{"jobId": id}, &details)
		if got := details.JobDetails.Data.ActionConfiguration.Configuration["ApiKey"]; got != apiKey {
			t.Errorf("the secret of the configuration is %q", got)
		}
	}
	seen(source.ID)
	s.call("PutJobSuccessResult", object{"jobId": source.ID}, nil)
	build := poll("Build") // made from the declaration after the change
	seen(build.ID)
	s.call("AcknowledgeJob", object{"jobId": build.ID, "nonce": build.Nonce}, nil)
	s.call("PutJobSuccessResult", object{"jobId": build.ID}, nil)
	var jobs struct{ Jobs []struct{ JobID string } }
	s.call("PollForThirdPartyJobs", object{"actionTypeId": object{"category": "Test", "owner": "ThirdParty", "provider": "Acme", "version": "1"}}, &jobs)
	s.call("GetThirdPartyJobDetails", object{"jobId": jobs.Jobs[0].JobID, "clientToken": partner.ClientToken}, nil)

	mac := hmac.New(sha1.New, []byte(hush))
	mac.Write([]byte("{}"))
	deliver := func(signature string) int {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+hook.Webhook.URL[strings.Index(hook.Webhook.URL, "/webhooks/"):], strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Hub-Signature", "sha1="+signature)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	if good, bad := deliver(hex.EncodeToString(mac.Sum(nil))), deliver(strings.Repeat("00", 20)); good != http.StatusOK || bad == http.StatusOK {
		t.Errorf("a signed delivery: %d, a forged one: %d", good, bad)
	}
	if r := s.execAs([]string{"AWS_ACCESS_KEY_ID=" + id, "AWS_SECRET_ACCESS_KEY=" + secret}, binary, "status"); r.code != 0 {
		t.Errorf("the access key of another account: exit %d, %s", r.code, r.problems)
	}
}

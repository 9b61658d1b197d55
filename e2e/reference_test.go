package e2e

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"penstock/jobworker"
)

// post sends a body as it is, signed by the SDK, and returns the answer.
func (s *server) post(operation, body string) (*http.Response, string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.url+"/", strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "CodePipeline_20150709."+operation)
	sum := sha256.Sum256([]byte(body))
	err = v4.NewSigner().SignHTTP(s.t.Context(), aws.Credentials{AccessKeyID: keyID, SecretAccessKey: secretKey}, req,
		hex.EncodeToString(sum[:]), "codepipeline", region, time.Now())
	if err != nil {
		s.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp, string(answer)
}

// TestReferenceRequests sends the sample requests of AcknowledgeJob and
// AcknowledgeThirdPartyJob of the API reference in their written form, with ids
// of this server in the place of the samples', and wants the sample answers.
func TestReferenceRequests(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	s.call("CreateCustomActionType", object{"category": "Test", "provider": "Sample", "version": "1",
		"inputArtifactDetails": object{"minimumCount": 0, "maximumCount": 1}, "outputArtifactDetails": object{"minimumCount": 0, "maximumCount": 1}}, nil)
	acme := s.connect("Test", "Acme", "--inputs", "0-1")
	s.versioned("sample-source")
	s.put("sample-source", "app.zip", zipped(t, map[string]string{"a": "b"}))
	s.call("CreatePipeline", object{"pipeline": declaration("sample",
		stage("Source", manualSource("sample-source", "app.zip")),
		stage("Test", action("Custom", "Custom", "Test", "Sample", nil), action("Partner", "ThirdParty", "Test", "Acme", nil)))}, nil)

	var custom struct{ Jobs []struct{ ID, Nonce string } }
	until(t, "a custom job", func(context.Context) (string, bool) {
		s.call("PollForJobs", object{"actionTypeId": actionType("Test", "Custom", "Sample")}, &custom)
		return s.actions("sample"), len(custom.Jobs) == 1
	})
	// Workers walk through these lists without looking: they are never null.
	if _, text := s.post("GetJobDetails", `{"jobId": "`+custom.Jobs[0].ID+`"}`); !strings.Contains(text, `"inputArtifacts":[]`) ||
		!strings.Contains(text, `"outputArtifacts":[]`) || !strings.Contains(text, `"actionConfiguration":{"configuration":{}}`) {
		t.Errorf("a job without artifacts is %s", text)
	}
	s.wantSample("AcknowledgeJob", "{\n    \"jobId\": \""+custom.Jobs[0].ID+"\",\n    \"nonce\": \""+custom.Jobs[0].Nonce+"\"\n}")

	var partner struct{ Jobs []thirdPartyJob }
	until(t, "a partner's job", func(context.Context) (string, bool) {
		s.call("PollForThirdPartyJobs", object{"actionTypeId": actionType("Test", "ThirdParty", "Acme")}, &partner)
		return s.actions("sample"), len(partner.Jobs) == 1
	})
	var details struct{ JobDetails job }
	s.call("GetThirdPartyJobDetails", object{"jobId": partner.Jobs[0].JobID, "clientToken": acme.ClientToken}, &details)
	s.wantSample("AcknowledgeThirdPartyJob", "{\n    \"jobId\": \""+partner.Jobs[0].JobID+"\",\n    \"nonce\": \""+details.JobDetails.Nonce+
		"\",\n    \"clientToken\": \""+acme.ClientToken+"\"\n}")

	// The samples' own ids: one is no id of a custom job at all, the other may
	// be a partner's but is unknown.
	s.refused("ValidationException", "AcknowledgeJob", object{"jobId": "f4f4ff82-2d11-EXAMPLE", "nonce": "3"})
	s.refused("JobNotFoundException", "AcknowledgeThirdPartyJob", object{"jobId": "f4f4ff82-2d11-EXAMPLE", "nonce": "3", "clientToken": "ABCXYZ"})
}

// wantSample wants the sample answer, with the headers of the protocol.
func (s *server) wantSample(operation, body string) {
	s.t.Helper()
	resp, text := s.post(operation, body)
	var answer map[string]any
	if err := json.Unmarshal([]byte(text), &answer); err != nil || len(answer) != 1 || answer["status"] != "InProgress" || resp.StatusCode != http.StatusOK {
		s.t.Errorf("%s answers %d %s, want 200 with the status InProgress alone", operation, resp.StatusCode, text)
	}
	if got := resp.Header.Get("Content-Type"); got != "application/x-amz-json-1.1" {
		s.t.Errorf("%s answers with Content-Type %q", operation, got)
	}
	if resp.Header.Get("X-Amzn-RequestId") == "" {
		s.t.Errorf("%s answers without a request id", operation)
	}
}

func actionType(category, owner, provider string) object {
	return object{"category": category, "owner": owner, "provider": provider, "version": "1"}
}

// kitType is actionType for the worker kit.
func kitType(category, owner, provider string) jobworker.ActionType {
	return jobworker.ActionType{Category: category, Owner: owner, Provider: provider, Version: "1"}
}

package e2e

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
)

// another connects one more client of the provider.
func (s *server) another(provider string) client {
	s.t.Helper()
	return s.clientFrom(s.penstock("partner", "connect", "--provider", provider))
}

func (s *server) clientFrom(text string) client {
	s.t.Helper()
	var c client
	if err := json.Unmarshal([]byte(text), &c); err != nil || c.ClientToken == "" {
		s.t.Fatalf("%s: %v", text, err)
	}
	s.secret(c.ClientToken)
	return c
}

// TestPartnerLife has the SDK as the worker of two clients, through a change of
// tokens while a job runs, a kill of the server and the end of a client.
func TestPartnerLife(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	s.args[4] = freeAddress(t) // the SDK's client finds the server again
	s.kill()
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	big := s.connect("Test", "Acme", "--inputs", "1", "--property", "ApiKey:secret")
	small := s.another("Acme")
	s.versioned("life-source")
	s.put("life-source", "app.zip", zipped(t, map[string]string{"a": "b"}))
	s.secret("api-key-of-a-customer")
	for _, p := range []struct {
		name string
		of   client
	}{{"one", big}, {"two", big}, {"three", big}, {"other", small}} {
		s.create(declaration(p.name, stage("Source", manualSource("life-source", "app.zip")),
			stage("Test", action("Acme", "ThirdParty", "Test", "Acme", object{"ClientId": p.of.ClientID, "ApiKey": "api-key-of-a-customer"}, inputs("Source")))))
		s.state(p.name, "Acme", "InProgress")
	}
	worker := s.codepipeline()
	id := types.ActionTypeId{Category: types.ActionCategoryTest, Owner: types.ActionOwnerThirdParty, Provider: aws.String("Acme"), Version: aws.String("1")}
	poll := func() (jobs []types.ThirdPartyJob) {
		t.Helper()
		out, err := worker.PollForThirdPartyJobs(t.Context(), &codepipeline.PollForThirdPartyJobsInput{ActionTypeId: &id, MaxBatchSize: aws.Int32(2)})
		if err != nil {
			t.Fatal(err)
		}
		return out.Jobs
	}
	details := func(job *string, token string) (*types.ThirdPartyJobDetails, error) {
		out, err := worker.GetThirdPartyJobDetails(t.Context(), &codepipeline.GetThirdPartyJobDetailsInput{JobId: job, ClientToken: &token})
		if err != nil {
			return nil, err
		}
		return out.JobDetails, nil
	}
	take := func(job *string, token string) {
		t.Helper()
		d, err := details(job, token)
		if err != nil {
			t.Fatal(err)
		}
		out, err := worker.AcknowledgeThirdPartyJob(t.Context(), &codepipeline.AcknowledgeThirdPartyJobInput{JobId: job, Nonce: d.Nonce, ClientToken: &token})
		if err != nil || out.Status != types.JobStatusInProgress {
			t.Fatalf("%v, %v", out, err)
		}
	}
	succeed := func(job *string, token string) error {
		_, err := worker.PutThirdPartyJobSuccessResult(t.Context(), &codepipeline.PutThirdPartyJobSuccessResultInput{JobId: job, ClientToken: &token})
		return err
	}
	refused := func(what string, err error) {
		t.Helper()
		if _, ok := errors.AsType[*types.InvalidClientTokenException](err); !ok {
			t.Errorf("%s: %v", what, err)
		}
	}

	// The clients take turns, although big has the three oldest jobs.
	first := poll()
	if len(first) != 2 || *first[0].ClientId != big.ClientID || *first[1].ClientId != small.ClientID {
		t.Fatalf("polled %+v", first)
	}
	take(first[0].JobId, big.ClientToken)
	take(first[1].JobId, small.ClientToken)
	_, err := details(first[0].JobId, small.ClientToken)
	refused("the token of another client", err)

	// A new token while a job runs; both work, also behind a crash.
	renewed := s.clientFrom(s.penstock("partner", "rotate", "--client", big.ClientID))
	s.kill()
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{big.ClientToken, renewed.ClientToken} {
		if _, err := details(first[0].JobId, token); err != nil {
			t.Errorf("within the grace: %v", err)
		}
	}
	if err := succeed(first[0].JobId, big.ClientToken); err != nil {
		t.Error(err)
	}
	s.ends("one", s.newest("one"), "Succeeded")
	last := s.clientFrom(s.penstock("partner", "rotate", "--client", big.ClientID, "--grace", "0s"))
	_, err = details(first[0].JobId, renewed.ClientToken)
	refused("without a grace", err)

	// The end of big: one job in progress, one handed out; small goes on.
	second := poll()
	if len(second) != 2 || *second[0].ClientId != big.ClientID || *second[1].ClientId != big.ClientID {
		t.Fatalf("polled %+v", second)
	}
	take(second[0].JobId, last.ClientToken)
	s.penstock("partner", "revoke", big.ClientID)
	refused("the report of a revoked client", succeed(second[0].JobId, last.ClientToken))
	for _, name := range []string{"two", "three"} {
		s.ends(name, s.newest(name), "Failed")
		if e := s.state(name, "Acme", "Failed").ErrorDetails; *e.Code != "PermissionError" || !strings.Contains(*e.Message, "was revoked") {
			t.Errorf("%s failed with %s: %s", name, *e.Code, *e.Message)
		}
	}
	if err := succeed(first[1].JobId, small.ClientToken); err != nil {
		t.Error(err)
	}
	s.ends("other", s.newest("other"), "Succeeded")

	// All of it is in the audit log, and no secret.
	log := s.penstock("audit", "--output", "json")
	for what, least := range map[string]int{
		`"operation":"ConnectPartner"`: 2, `"operation":"RotateClient"`: 2, `"operation":"RevokeClient"`: 1, `"secrets":["ApiKey"]`: 5,
		`"outcome":"InvalidClientTokenException"`: 3, `"principal":"arn:aws:iam::000000000000:root"`: 13, `"accessKeyId":"` + keyID + `"`: 13,
	} {
		if n := strings.Count(log, what); n < least {
			t.Errorf("%s is %d times in the audit log, want %d:\n%s", what, n, least, log)
		}
	}
	for _, secret := range []string{big.ClientToken, renewed.ClientToken, last.ClientToken, small.ClientToken, "api-key-of-a-customer"} {
		if strings.Contains(log, secret) {
			t.Errorf("%s is in the audit log", secret)
		}
	}
}

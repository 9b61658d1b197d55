package app

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
)

// TestWebhooks: the settings of webhooks reach the operations and the receiver.
func TestWebhooks(t *testing.T) {
	t.Parallel()
	s := open(t, settings(t, "--public-url=https://cd.example.com/penstock/", "--webhook-reveal-secret", "--trusted-proxies=127.0.0.1", "--max-webhooks=2"))
	s.create("hooked", stage("Source", types.ActionDeclaration{
		Name: aws.String("Fetch"), ActionTypeId: typeID("Source", "AWS", "S3"), OutputArtifacts: []types.OutputArtifact{{Name: aws.String("Code")}},
		Configuration: map[string]string{"S3Bucket": "source", "S3ObjectKey": "app.zip", "PollForSourceChanges": "false"},
	}), gate())
	put := func(name string, way types.WebhookAuthenticationType, c types.WebhookAuthConfiguration) (*types.ListWebhookItem, error) {
		out, err := s.sdk.PutWebhook(t.Context(), &codepipeline.PutWebhookInput{Webhook: &types.WebhookDefinition{
			Name: &name, TargetPipeline: aws.String("hooked"), TargetAction: aws.String("Fetch"), Filters: []types.WebhookFilterRule{},
			Authentication: way, AuthenticationConfiguration: &c,
		}})
		if err != nil {
			return nil, err
		}
		return out.Webhook, nil
	}
	signed, err := put("signed", types.WebhookAuthenticationTypeGithubHmac, types.WebhookAuthConfiguration{SecretToken: aws.String("hush")})
	s.ok(err)
	if !strings.HasPrefix(*signed.Url, "https://cd.example.com/penstock/webhooks/trigger?t=") || *signed.Definition.AuthenticationConfiguration.SecretToken != "hush" {
		t.Errorf("URL %s, secret %s", *signed.Url, *signed.Definition.AuthenticationConfiguration.SecretToken)
	}
	ranged, err := put("ranged", types.WebhookAuthenticationTypeIp, types.WebhookAuthConfiguration{AllowedIPRange: aws.String("192.0.2.0/24")})
	s.ok(err)
	if _, err := put("third", types.WebhookAuthenticationTypeUnauthenticated, types.WebhookAuthConfiguration{}); codeOf(err) != "LimitExceededException" {
		t.Errorf("a third webhook: %v", err)
	}
	u, err := url.Parse(*ranged.Url)
	s.ok(err)
	for from, want := range map[string]int{"192.0.2.7": 200, "198.51.100.7": 403} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/webhooks/trigger?"+u.RawQuery, strings.NewReader("{}"))
		s.ok(err)
		r.Header.Set("X-Forwarded-For", from)
		r.Header.Set("Authorization", "Basic eDp5") // of the sender's, not for us
		resp, err := http.DefaultClient.Do(r)
		s.ok(err)
		body, err := io.ReadAll(resp.Body)
		s.ok(err)
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("from %s: %d %s", from, resp.StatusCode, body)
		}
	}
	runs, err := s.sdk.ListPipelineExecutions(t.Context(), &codepipeline.ListPipelineExecutionsInput{PipelineName: aws.String("hooked")})
	s.ok(err)
	if len(runs.PipelineExecutionSummaries) != 2 || *runs.PipelineExecutionSummaries[0].Trigger.TriggerDetail != *ranged.Arn {
		t.Errorf("executions %+v", runs.PipelineExecutionSummaries)
	}
	var names []string
	pages := codepipeline.NewListWebhooksPaginator(s.sdk, &codepipeline.ListWebhooksInput{MaxResults: aws.Int32(1)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		s.ok(err)
		for _, w := range page.Webhooks {
			names = append(names, *w.Definition.Name)
		}
	}
	if strings.Join(names, " ") != "ranged signed" {
		t.Errorf("pages list %q", names)
	}
}

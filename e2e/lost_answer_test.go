package e2e

import (
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/iotest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
)

// losing breaks off the first answer that holds a job.
type losing struct{ lost atomic.Int32 }

// Do implements the SDK's HTTPClient.
func (l *losing) Do(r *http.Request) (*http.Response, error) {
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(strings.NewReader(string(body)))
	if !strings.Contains(string(body), `"jobs":[]`) && l.lost.CompareAndSwap(0, 1) {
		broken := &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
		resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(string(body[:len(body)/2])), iotest.ErrReader(broken)))
	}
	return resp, nil
}

// TestLostAnswer: an SDK whose answer to a poll was lost on the way polls again
// by itself, and is given the same jobs. Others are not.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	s.versioned("workers-source")
	s.put("workers-source", "app.zip", zipped(t, map[string]string{"main.txt": "the source"}))
	s.registerSample("Test", "Custom")
	s.connect("Test", "Partner", "--inputs", "1", "--outputs", "0")
	for _, c := range []struct {
		owner types.ActionOwner
		poll  func(*codepipeline.Client, *types.ActionTypeId) (jobs int, err error)
	}{
		{types.ActionOwnerCustom, func(client *codepipeline.Client, kind *types.ActionTypeId) (int, error) {
			out, err := client.PollForJobs(t.Context(), &codepipeline.PollForJobsInput{ActionTypeId: kind, MaxBatchSize: aws.Int32(10)})
			if err != nil {
				return 0, err
			}
			return len(out.Jobs), nil
		}},
		{types.ActionOwnerThirdParty, func(client *codepipeline.Client, kind *types.ActionTypeId) (int, error) {
			out, err := client.PollForThirdPartyJobs(t.Context(), &codepipeline.PollForThirdPartyJobsInput{ActionTypeId: kind, MaxBatchSize: aws.Int32(10)})
			if err != nil {
				return 0, err
			}
			return len(out.Jobs), nil
		}},
	} {
		provider := map[types.ActionOwner]string{types.ActionOwnerCustom: "Custom", types.ActionOwnerThirdParty: "Partner"}[c.owner]
		name := "lost-" + provider
		s.call("CreatePipeline", object{"pipeline": declaration(name,
			stage("Source", manualSource("workers-source", "app.zip")),
			stage("Test", many(3, string(c.owner), "Test", provider)...))}, nil)
		for _, action := range []string{"A0", "A1", "A2"} {
			s.state(name, action, types.ActionExecutionStatusInProgress) // so their jobs are there
		}
		broken := &losing{}
		kind := &types.ActionTypeId{Category: types.ActionCategoryTest, Owner: c.owner, Provider: &provider, Version: aws.String("1")}
		options := s.codepipeline().Options()
		options.HTTPClient = broken
		if n, err := c.poll(codepipeline.New(options), kind); n != 3 || err != nil || broken.lost.Load() != 1 {
			t.Errorf("%s: the poll whose answer was lost got %d jobs, %v; want 3", provider, n, err)
		}
		if n, err := c.poll(s.codepipeline(), kind); n != 0 || err != nil {
			t.Errorf("%s: another poll got %d jobs, %v; want none", provider, n, err)
		}
	}
}

package e2e

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
)

// sampleWorker does what AWS's sample worker does: ten threads, polls for as
// many jobs as there are free ones, and a report of complete success at each
// round's end, with a revision whatever the category. It parses the answer to
// the acknowledgement as an enumeration and only goes on with InProgress.
type sampleWorker struct {
	t      *testing.T
	client *codepipeline.Client
	kind   *types.ActionTypeId
	rounds int                            // of each action, continuations included
	tokens func(id string) (string, bool) // client tokens by client; nil is a worker of custom actions

	mu    sync.Mutex
	seen  map[string]bool // jobs
	done  map[string]int  // rounds by action execution
	ended int             // actions
}

// sampleJob is a job of either kind, with its client's token when it has one.
type sampleJob struct {
	id, nonce, token   string
	action             string // execution of it
	continuation       *string
	inputs, outputs    []types.Artifact
	secret             *types.AWSSessionCredentials
	configurationIsNil bool
}

const sampleThreads = 10

// run works until as many actions have ended as there are.
func (w *sampleWorker) run(actions int) {
	w.t.Helper()
	defer func() {
		if w.t.Failed() {
			w.t.Logf("rounds by action: %v", w.done)
		}
	}()
	w.seen, w.done = map[string]bool{}, map[string]int{}
	free := make(chan struct{}, sampleThreads)
	for range sampleThreads {
		free <- struct{}{}
	}
	var threads sync.WaitGroup
	defer threads.Wait()
	until(w.t, "all actions to end", func(ctx context.Context) (string, bool) {
		w.mu.Lock()
		ended := w.ended
		w.mu.Unlock()
		if batch := len(free); ended < actions && batch > 0 {
			for _, j := range w.poll(ctx, batch) {
				<-free
				threads.Go(func() {
					defer func() { free <- struct{}{} }()
					if err := w.process(ctx, j); err != nil {
						w.t.Errorf("job %s: %v", j.id, err)
					}
				})
			}
		}
		return fmt.Sprintf("%d of %d", ended, actions), ended == actions || w.t.Failed()
	})
}

func (w *sampleWorker) poll(ctx context.Context, batch int) []sampleJob {
	if w.tokens != nil {
		return w.pollPartner(ctx, batch)
	}
	out, err := w.client.PollForJobs(ctx, &codepipeline.PollForJobsInput{ActionTypeId: w.kind, MaxBatchSize: aws.Int32(int32(batch))})
	if err != nil || out.Jobs == nil || len(out.Jobs) > batch {
		w.t.Errorf("a poll for %d jobs: %s, %v", batch, asJSON(out), err)
		return nil
	}
	var jobs []sampleJob
	for _, j := range out.Jobs {
		d := j.Data
		jobs = append(jobs, sampleJob{*j.Id, *j.Nonce, "", *d.PipelineContext.Action.ActionExecutionId, d.ContinuationToken,
			d.InputArtifacts, d.OutputArtifacts, d.ArtifactCredentials, d.ActionConfiguration.Configuration == nil})
	}
	return jobs
}

// pollPartner reads the details of all jobs before any of them is acknowledged.
func (w *sampleWorker) pollPartner(ctx context.Context, batch int) []sampleJob {
	out, err := w.client.PollForThirdPartyJobs(ctx, &codepipeline.PollForThirdPartyJobsInput{ActionTypeId: w.kind, MaxBatchSize: aws.Int32(int32(batch))})
	if err != nil || out.Jobs == nil || len(out.Jobs) > batch {
		w.t.Errorf("a poll for %d partner jobs: %s, %v", batch, asJSON(out), err)
		return nil
	}
	var jobs []sampleJob
	for _, j := range out.Jobs {
		token, ok := w.tokens(*j.ClientId)
		if !ok {
			w.t.Errorf("a job of the unknown client %s", *j.ClientId)
			return nil
		}
		details, err := w.client.GetThirdPartyJobDetails(ctx, &codepipeline.GetThirdPartyJobDetailsInput{JobId: j.JobId, ClientToken: &token})
		if err != nil {
			w.t.Errorf("details of %s: %v", *j.JobId, err)
			return nil
		}
		d := details.JobDetails.Data
		jobs = append(jobs, sampleJob{*j.JobId, *details.JobDetails.Nonce, token, *d.PipelineContext.Action.ActionExecutionId, d.ContinuationToken,
			d.InputArtifacts, d.OutputArtifacts, d.ArtifactCredentials, d.ActionConfiguration.Configuration == nil})
	}
	return jobs
}

// process is what one thread does with one job.
func (w *sampleWorker) process(ctx context.Context, j sampleJob) error {
	status, err := w.acknowledge(ctx, j)
	if err != nil {
		return fmt.Errorf("acknowledge: %w", err)
	}
	if !slices.Contains(status.Values(), status) {
		return fmt.Errorf("the acknowledgement answers %q, which is no status", status)
	}
	if status != types.JobStatusInProgress {
		return nil
	}
	switch {
	case len(j.inputs) != 1 || j.outputs == nil || len(j.outputs) > 0 || j.configurationIsNil:
		return fmt.Errorf("the job has the inputs %v and the outputs %#v", j.inputs, j.outputs)
	case j.secret == nil:
		return errors.New("the job has no credentials")
	}
	w.mu.Lock()
	twice := w.seen[j.id]
	w.seen[j.id] = true
	round := w.done[j.action] + 1
	w.done[j.action] = round
	w.mu.Unlock()
	if before := aws.ToString(j.continuation); twice || before != "" != (round > 1) || before != "" && before != token(j.action, round-1) {
		return fmt.Errorf("round %d of action %s has the token %q (or came twice: %v)", round, j.action, before, twice)
	}
	var next *string
	if round < w.rounds {
		next = aws.String(token(j.action, round))
	}
	if err := w.succeed(ctx, j, next); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	if next == nil {
		w.mu.Lock()
		w.ended++
		w.mu.Unlock()
	}
	return nil
}

func token(action string, round int) string { return fmt.Sprintf("%s-%d", action, round) }

func (w *sampleWorker) acknowledge(ctx context.Context, j sampleJob) (types.JobStatus, error) {
	if j.token != "" {
		out, err := w.client.AcknowledgeThirdPartyJob(ctx, &codepipeline.AcknowledgeThirdPartyJobInput{JobId: &j.id, Nonce: &j.nonce, ClientToken: &j.token})
		if err != nil {
			return "", err
		}
		return out.Status, nil
	}
	out, err := w.client.AcknowledgeJob(ctx, &codepipeline.AcknowledgeJobInput{JobId: &j.id, Nonce: &j.nonce})
	if err != nil {
		return "", err
	}
	return out.Status, nil
}

func (w *sampleWorker) succeed(ctx context.Context, j sampleJob, next *string) (err error) {
	revision := &types.CurrentRevision{Revision: aws.String("revision of " + j.action), ChangeIdentifier: aws.String("change")}
	details := &types.ExecutionDetails{ExternalExecutionId: aws.String("external-" + j.action), PercentComplete: aws.Int32(100), Summary: aws.String("done")}
	if j.token != "" {
		_, err = w.client.PutThirdPartyJobSuccessResult(ctx, &codepipeline.PutThirdPartyJobSuccessResultInput{
			JobId: &j.id, ClientToken: &j.token, ContinuationToken: next, CurrentRevision: revision, ExecutionDetails: details})
		return err
	}
	_, err = w.client.PutJobSuccessResult(ctx, &codepipeline.PutJobSuccessResultInput{
		JobId: &j.id, ContinuationToken: next, CurrentRevision: revision, ExecutionDetails: details})
	return err
}

// testSampleWorker runs the sample worker of either kind on twelve actions that
// take three rounds each.
func testSampleWorker(t *testing.T, s *server, owner, provider string, tokens func(string) (string, bool)) {
	s.call("CreatePipeline", object{"pipeline": declaration("sample-"+provider,
		stage("Source", manualSource("workers-source", "app.zip")),
		stage("Test", many(12, owner, "Test", provider)...))}, nil)
	kind := types.ActionTypeId{Category: types.ActionCategoryTest, Owner: types.ActionOwner(owner), Provider: &provider, Version: aws.String("1")}
	w := &sampleWorker{t: t, client: s.codepipeline(), kind: &kind, rounds: 3, tokens: tokens}
	w.run(12)
	if len(w.seen) != 36 || len(w.done) != 12 {
		t.Errorf("%d jobs of %d actions were done, want 36 of 12", len(w.seen), len(w.done))
	}
	s.ends("sample-"+provider, s.newest("sample-"+provider), "Succeeded")
	if st := s.state("sample-"+provider, "A3", "Succeeded"); *st.PercentComplete != 100 || *st.Summary != "done" {
		t.Errorf("an action is shown as %s", asJSON(st))
	}
}

func testSampleCustomWorker(t *testing.T, s *server) {
	s.registerSample("Test", "Sample")
	testSampleWorker(t, s, "Custom", "Sample", nil)
}

func testSamplePartnerWorker(t *testing.T, s *server) {
	c := s.connect("Test", "Partner", "--inputs", "1", "--outputs", "0")
	testSampleWorker(t, s, "ThirdParty", "Partner", func(id string) (string, bool) { return c.ClientToken, id == c.ClientID })
}

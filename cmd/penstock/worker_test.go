package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"penstock/jobworker"
)

// customJob is an answer of PollForJobs.
func customJob(id string) answer {
	return answer{body: `{"jobs":[{"id":"` + id + `","nonce":"1","accountId":"000000000000","data":{
		"actionTypeId":{"category":"Build","owner":"Custom","provider":"P","version":"1"},"actionConfiguration":{"configuration":{"Target":"all"}},
		"pipelineContext":{"pipelineName":"web","stage":{"name":"Build"},"action":{"name":"Compile"}},"inputArtifacts":[],"outputArtifacts":[]}}]}`}
}

var (
	noJobs   = answer{body: `{"jobs":[]}`}
	taken    = answer{body: `{"status":"InProgress"}`}
	accepted = answer{body: ``}
)

func workerArgs(more ...string) []string {
	return append([]string{"worker", "--category", "Build", "--provider", "P", "--version", "1"}, more...)
}

func TestWorker(t *testing.T) {
	t.Parallel()
	waiting := "penstock: waiting for jobs of Build/Custom/P/1 at URL\n"
	for _, tc := range []struct {
		name   string
		args   []string
		on     func(*fake)
		code   int
		stdout string
		stderr string
		report string // the body of the one report, "" for none
		polls  int
	}{
		{
			name: "a job that goes well", args: workerArgs("--once", "--exec", `echo "target $PENSTOCK_CONFIG_Target"`),
			on: func(f *fake) {
				f.on("PollForJobs", customJob("job-1")).on("AcknowledgeJob", taken).on("PutJobSuccessResult", accepted)
			},
			stdout: "target all\n",
			stderr: waiting + "web: Build/Compile started: job job-1\nweb: Build/Compile succeeded: target all\n",
			report: `{"jobId":"job-1","executionDetails":{"summary":"target all"}}`, polls: 1,
		},
		{
			name: "a job that fails", args: workerArgs("--once", "--exec", "echo oops; exit 3"),
			on: func(f *fake) {
				f.on("PollForJobs", customJob("job-1")).on("AcknowledgeJob", taken).on("PutJobFailureResult", accepted)
			},
			stdout: "oops\n",
			stderr: waiting + "web: Build/Compile started: job job-1\nweb: Build/Compile failed: JobFailed: The command failed: exit status 3. Last lines: oops\n",
			report: `{"jobId":"job-1","failureDetails":{"type":"JobFailed","message":"The command failed: exit status 3. Last lines:\noops"}}`, polls: 1,
		},
		{
			name: "as many jobs as asked for", args: workerArgs("--max-jobs", "2", "--exec", "true"),
			on: func(f *fake) {
				f.on("PollForJobs", customJob("job-1"), customJob("job-2"), customJob("job-3")).on("AcknowledgeJob", taken).on("PutJobSuccessResult", accepted)
			},
			stderr: waiting + "web: Build/Compile started: job job-1\nweb: Build/Compile succeeded\nweb: Build/Compile started: job job-2\nweb: Build/Compile succeeded\n",
			polls:  2,
		},
		{
			name: "a job that another worker has does not count", args: workerArgs("--max-jobs", "1", "--exec", "true"),
			on: func(f *fake) {
				f.on("PollForJobs", customJob("job-1"), customJob("job-2")).on("AcknowledgeJob", answer{code: "InvalidNonceException"}, taken).on("PutJobSuccessResult", accepted)
			},
			stderr: waiting + "web: Build/Compile started: job job-2\nweb: Build/Compile succeeded\n", polls: 2,
		},
		{
			name: "a result that comes too late", args: workerArgs("--once", "--exec", "true"),
			on: func(f *fake) {
				f.on("PollForJobs", customJob("job-1")).on("AcknowledgeJob", taken).on("PutJobSuccessResult", answer{code: "InvalidJobStateException"})
			},
			stderr: waiting + "web: Build/Compile started: job job-1\nweb: Build/Compile succeeded\nweb: Build/Compile lost: the job was no longer this worker's; its result is dropped\n", polls: 1,
		},
		{
			name: "nothing to do", args: workerArgs("--once", "--exec", "true", "--query-param", "Key=a=b"),
			on: func(f *fake) { f.on("PollForJobs", noJobs) }, stderr: waiting, polls: 1,
		},
		{
			name: "an unknown action type", args: workerArgs("--exec", "true"),
			on:   func(f *fake) { f.on("PollForJobs", answer{code: "ActionTypeNotFoundException", body: "no"}) },
			code: exitRefused, polls: 1,
			stderr: waiting + "penstock: ActionTypeNotFoundException: no; register it with `penstock action-type register`, or with `aws codepipeline create-custom-action-type`\n",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			tc.on(f)
			c := f.console()
			cfg, err := c.load(c.ctx, c.server)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			code, stdout, stderr := c.run(append(tc.args, "--work-dir", dir)...)
			stderr = strings.ReplaceAll(stderr, cfg.Endpoint, "URL")
			if code != tc.code || stdout != tc.stdout || stderr != tc.stderr {
				t.Errorf("exit %d\n%s%s\nwant exit %d\n%s%s", code, stdout, stderr, tc.code, tc.stdout, tc.stderr)
			}
			if tc.report != "" {
				reports := append(f.sent("PutJobSuccessResult"), f.sent("PutJobFailureResult")...)
				if len(reports) != 1 {
					t.Fatalf("reports: %q", reports)
				}
				sameJSON(t, reports[0], tc.report)
			}
			if polls := f.sent("PollForJobs"); len(polls) != tc.polls {
				t.Errorf("%d polls, want %d: %q", len(polls), tc.polls, polls)
			}
			if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
				t.Errorf("left in the working folder: %v, %v", left, err)
			}
		})
	}
}

func TestWorkerQuery(t *testing.T) {
	t.Parallel()
	f := newFake(t).on("PollForJobs", noJobs)
	if code, _, stderr := f.console().run(workerArgs("--once", "--exec", "true", "--concurrency", "3", "--query-param", "Key=a=b")...); code != exitOK {
		t.Fatal(stderr)
	}
	sameJSON(t, f.sent("PollForJobs")[0], `{"actionTypeId":{"category":"Build","owner":"Custom","provider":"P","version":"1"},"maxBatchSize":3,"queryParam":{"Key":"a=b"}}`)
}

func TestWorkerPartner(t *testing.T) {
	t.Parallel()
	data := `{"jobDetails":{"id":"job-1","nonce":"7","data":{"actionTypeId":{"category":"Build","owner":"ThirdParty","provider":"P","version":"1"},
		"actionConfiguration":{"configuration":{}},"pipelineContext":{"pipelineName":"web","stage":{"name":"Build"},"action":{"name":"Compile"}},"inputArtifacts":[],"outputArtifacts":[]}}}`
	offered := answer{body: `{"jobs":[{"clientId":"client-1","jobId":"job-1"}]}`}
	t.Run("its client", func(t *testing.T) {
		t.Parallel()
		f := newFake(t).on("PollForThirdPartyJobs", offered).on("GetThirdPartyJobDetails", answer{body: data}).
			on("AcknowledgeThirdPartyJob", taken).on("PutThirdPartyJobSuccessResult", accepted)
		code, _, stderr := f.console().run(workerArgs("--once", "--exec", "echo fine", "--client-token", "the-token", "--client-id", "client-1")...)
		if code != exitOK || !strings.Contains(stderr, "Build/ThirdParty/P/1") {
			t.Fatalf("exit %d, %s", code, stderr)
		}
		sameJSON(t, f.sent("PutThirdPartyJobSuccessResult")[0], `{"jobId":"job-1","clientToken":"the-token","executionDetails":{"summary":"fine"}}`)
		if strings.Contains(stderr, "the-token") {
			t.Error("the token is shown")
		}
	})
	t.Run("another client", func(t *testing.T) {
		t.Parallel()
		f := newFake(t).on("PollForThirdPartyJobs", offered)
		code, _, stderr := f.console().run(workerArgs("--once", "--exec", "true", "--client-token", "the-token", "--client-id", "client-2")...)
		if code == exitOK || !strings.Contains(stderr, "no client token for client id client-1") {
			t.Errorf("exit %d, %q", code, stderr)
		}
		if sent := f.sent("GetThirdPartyJobDetails"); len(sent) != 0 {
			t.Errorf("the token was sent for another's job: %q", sent)
		}
	})
}

func TestWorkerJSON(t *testing.T) {
	t.Parallel()
	f := newFake(t).on("PollForJobs", customJob("job-1")).on("AcknowledgeJob", taken).on("PutJobSuccessResult", accepted)
	_, stdout, stderr := f.console().run(workerArgs("--once", "--exec", "echo fine", "--output", "json")...)
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	if len(lines) != 2 || !strings.HasSuffix(stderr, "fine\n") {
		t.Fatalf("stdout %s\nstderr %s", stdout, stderr)
	}
	for i, event := range []string{"started", "succeeded"} {
		var got jobEvent
		if err := json.Unmarshal([]byte(lines[i]), &got); err != nil {
			t.Fatal(err)
		}
		if got.Event != event || got.JobID != "job-1" || got.Pipeline != "web" || got.Stage != "Build" || got.Action != "Compile" || !got.Time.Equal(noon) {
			t.Errorf("got %+v, want a job-1 that has %s", got, event)
		}
	}
}

// The first signal lets the command end and reports its result.
func TestWorkerDrains(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	release := filepath.Join(dir, "release")
	f := newFake(t).on("PollForJobs", customJob("job-1"), customJob("job-2"))
	var c *console
	stop := taken
	stop.do = func() { // the signal comes while the job is taken
		c.cancel()
		if err := os.WriteFile(release, nil, 0o600); err != nil {
			t.Error(err)
		}
	}
	f.on("AcknowledgeJob", stop).on("PutJobSuccessResult", accepted)
	c = f.console()
	code, stdout, stderr := c.run(workerArgs("--exec", "test -e "+release+" && echo finished")...)
	if code != exitOK || stdout != "finished\n" || !strings.Contains(stderr, "penstock: stopping: no more jobs are taken") {
		t.Errorf("exit %d, %q, %q", code, stdout, stderr)
	}
	if reports := f.sent("PutJobSuccessResult"); len(reports) != 1 {
		t.Errorf("reports: %q", reports)
	}
}

// sequence is a client whose polls answer in turn.
type sequence struct {
	jobworker.Client
	polls []int // jobs of each answer; -1 is an error
	asked []int
}

func (s *sequence) Poll(_ context.Context, most int, _ time.Duration) ([]jobworker.Job, error) {
	s.asked = append(s.asked, most)
	n := s.polls[len(s.asked)-1]
	if n < 0 {
		return nil, errors.New("broken")
	}
	return make([]jobworker.Job, n), nil
}

func TestLimit(t *testing.T) {
	t.Parallel()
	// Steps: "p" polls for three jobs, "a" has one refused at its
	// acknowledgement, "r" ends one; "!" behind a step expects the stop after it.
	for _, tc := range []struct {
		name  string
		once  bool
		max   int
		polls []int
		steps string
		asked []int
	}{
		{"no limit", false, 0, []int{3, 0, 3}, "p r r r p p", []int{3, 3, 3}},
		{"never more than the rest", false, 5, []int{3, 2}, "p p r r r r r!", []int{3, 2}},
		{"running jobs are waited for", false, 1, []int{1}, "p r!", []int{1}},
		{"a lost one is made up for", false, 2, []int{2, 1}, "p a r p r!", []int{2, 1}},
		{"once", true, 0, []int{2}, "p r r!", []int{3}},
		{"once, no job", true, 0, []int{0}, "p!", []int{3}},
		{"once, all lost", true, 0, []int{2}, "p a a!", []int{3}},
		{"once, broken", true, 0, []int{-1}, "p!", []int{3}},
		{"once, and at most one", true, 1, []int{1}, "p r!", []int{1}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			stopped := false
			s := &sequence{polls: tc.polls}
			l := newLimit(s, tc.once, tc.max, func() { stopped = true })
			for i, step := range strings.Fields(tc.steps) {
				switch step[0] {
				case 'p':
					_, _ = l.Poll(t.Context(), 3, 0) // failures are seen below
				case 'a':
					l.acknowledged(jobworker.Job{}, jobworker.ErrLost)
				case 'r':
					l.acknowledged(jobworker.Job{}, nil)
					l.reported()
				}
				if want := strings.HasSuffix(step, "!"); stopped != want {
					t.Fatalf("after step %d (%s): stopped %v", i, step, stopped)
				}
			}
			for i := range tc.asked {
				if i >= len(s.asked) || s.asked[i] != tc.asked[i] {
					t.Fatalf("asked for %v jobs, want %v", s.asked, tc.asked)
				}
			}
			if broken := tc.polls[0] < 0; (l.failed() != nil) != broken {
				t.Errorf("failed: %v", l.failed())
			}
		})
	}
}

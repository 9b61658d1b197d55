package e2e

import (
	"context"
	"errors"
	"slices"
	"testing"

	"penstock/jobworker"
)

// TestLateWorkers replays what workers do when they acknowledge after the time
// that a hand-out is theirs, alone or when another has been given the job.
//
// AWS's sample worker fills the time. Version 2 of the SDK for Go can lose an
// answer that is longer than its buffer and comes before it has noted that its
// request is out: it then polls again by itself.
func TestLateWorkers(t *testing.T) {
	t.Parallel()
	s := startServer(t, "--ack-window", "10s")
	s.versioned("workers-source")
	s.put("workers-source", "app.zip", zipped(t, map[string]string{"main.txt": "the source"}))
	s.registerJenkins()
	// All are given their jobs before the first waits for the end of a window:
	// the windows pass together.
	late := []func(){lateJenkins(t, s), lateTeamCity(t, s), lateCustomAction(t, s), lateGitSource(t, s)}
	testSampleCustomWorker(t, s)
	testSamplePartnerWorker(t, s)
	for _, then := range late {
		then()
	}
}

// lateJenkins: an executor became free after the window. The job is still
// Jenkins's while nobody else was given it, and lost without a word otherwise.
func lateJenkins(t *testing.T, s *server) (then func()) {
	for _, project := range []string{"alone", "shared"} {
		s.call("CreatePipeline", object{"pipeline": declaration("late-"+project,
			stage("Source", manualSource("workers-source", "app.zip")),
			stage("Build", action("Compile", "Custom", "Build", "Jenkins", object{"ProjectName": project}, inputs("Source"))))}, nil)
	}
	alone, busy, other := s.jenkins(t, "alone"), s.jenkins(t, "shared"), s.jenkins(t, "shared")
	waiting := alone.waitForJob()
	lost := busy.waitForJob()
	return func() {
		won := other.waitForJob() // which is there when the window is over, and so is that of waiting
		if *won.Id != *lost.Id || *won.Nonce == *lost.Nonce {
			t.Fatalf("the job %s was handed out as %s with the nonces %s and %s", *lost.Id, *won.Id, *lost.Nonce, *won.Nonce)
		}
		if !alone.checkout(waiting) {
			t.Error("a late acknowledgement was refused although nobody else was given the job")
		}
		if busy.checkout(lost) {
			t.Error("the acknowledgement with the older nonce was taken")
		}
		if !other.checkout(won) {
			t.Error("the acknowledgement with the newer nonce was refused")
		}
		if busy.checkout(lost) {
			t.Error("the acknowledgement with the older nonce was taken afterwards")
		}
		alone.succeed(waiting.Id, "1")
		other.succeed(won.Id, "2")
		for pipeline, build := range map[string]string{"late-alone": "1", "late-shared": "2"} {
			s.ends(pipeline, s.newest(pipeline), "Succeeded")
			if got := *s.state(pipeline, "Compile", "Succeeded").ExternalExecutionId; got != build {
				t.Errorf("%s was built by %s, want %s", pipeline, got, build)
			}
		}
	}
}

// lateTeamCity: the loser reports a failure, as it does with every error.
// The job is over by then, and stays as it is.
func lateTeamCity(t *testing.T, s *server) (then func()) {
	s.registerTeamCity()
	s.call("CreatePipeline", object{"pipeline": declaration("late-teamcity",
		stage("Source", manualSource("workers-source", "app.zip")),
		stage("Build", teamCityAction("late", inputs("Source"), outputs("Site"))))}, nil)
	loser := s.teamCity(t, "polled", "late", "1")
	loser.steps("type", "polled")
	return func() {
		winner := s.teamCity(t, "", "late", "2")
		winner.steps("type", "polled", "acknowledged InProgress", "input Source", "output Site", "succeeded")
		winner.end()
		loser.tell("go on")
		if left := loser.end(); !slices.Equal(left, []string{"refused InvalidNonceException", "ignored InvalidJobStateException"}) {
			t.Errorf("the loser went on with %q", left)
		}
		s.ends("late-teamcity", s.newest("late-teamcity"), "Succeeded")
		if got := *s.state("late-teamcity", "Build", "Succeeded").ExternalExecutionId; got != "2" {
			t.Errorf("the build is shown as %s, want that of the winner", got)
		}
	}
}

// takeAgain polls until the job that another worker keeps is handed out, and
// acknowledges it.
func (s *server) takeAgain(t testing.TB, kind jobworker.ActionType, query map[string]string) (jobworker.Client, jobworker.Job) {
	t.Helper()
	client := jobworker.NewClient(s.caller(), kind, query)
	var taken jobworker.Job
	until(t, "the job to be handed out again", func(ctx context.Context) (string, bool) {
		jobs, err := client.Poll(ctx, 1, 0)
		if err != nil || len(jobs) == 0 {
			return "none", false
		}
		taken = jobs[0]
		return taken.ID, true
	})
	if err := client.Acknowledge(t.Context(), taken); err != nil {
		t.Fatal(err)
	}
	return client, taken
}

// lateCustomAction: a failure carries no nonce, so the loser's report ends
// the job under the winner, at AWS too. The winner is told so and nothing else
// comes of it.
func lateCustomAction(t *testing.T, s *server) (then func()) {
	s.registerSample("Build", "Late")
	s.call("CreatePipeline", object{"pipeline": declaration("late-custom",
		stage("Source", manualSource("workers-source", "app.zip")),
		stage("Build", action("Make", "Custom", "Build", "Late", nil, inputs("Source"))))}, nil)
	loser := s.script(t, nil, "polled", "custom_action.py", "Late", "1")
	loser.steps("polled")
	return func() {
		client, job := s.takeAgain(t, kitType("Build", "Custom", "Late"), nil)
		loser.tell("go on")
		if left := loser.end(); !slices.Equal(left, []string{"refused InvalidNonceException", "failed"}) {
			t.Errorf("the loser went on with %q", left)
		}
		if err := client.Succeed(t.Context(), job, jobworker.Success{}); !errors.Is(err, jobworker.ErrLost) {
			t.Errorf("the winner's report: %v, want ErrLost", err)
		}
		s.ends("late-custom", s.newest("late-custom"), "Failed")
	}
}

// lateGitSource: the loser abandons the execution; the winner's report is
// refused.
func lateGitSource(t *testing.T, s *server) (then func()) {
	s.registerGitSource()
	s.call("CreatePipeline", object{"pipeline": declaration("late-git",
		stage("Source", gitSource("late-git")), stage("Gate", approval("Look")))}, nil)
	loser := s.script(t, nil, "polled", "git_source.py", "late-git", "unused")
	loser.steps("polled")
	return func() {
		client, job := s.takeAgain(t, kitType("Source", "Custom", "CustomSourceForGit"), map[string]string{"PipelineName": "late-git"})
		loser.tell("go on")
		if left := loser.end(); !slices.Equal(left, []string{"refused InvalidNonceException", "stopped"}) {
			t.Errorf("the loser went on with %q", left)
		}
		if err := client.Succeed(t.Context(), job, jobworker.Success{}); !errors.Is(err, jobworker.ErrLost) {
			t.Errorf("the winner's report: %v, want ErrLost", err)
		}
		s.ends("late-git", s.newest("late-git"), "Stopped")
	}
}

package service_test

import (
	"fmt"
	"strings"
	"testing"
)

func revision(stage, action, id, change string) string {
	return fmt.Sprintf(`{"pipelineName":"P","stageName":%q,"actionName":%q,"actionRevision":{"revisionId":%q,"revisionChangeId":%q,"created":1700000000}}`, stage, action, id, change)
}

// An announced revision starts one execution, which keeps to it.
func TestPutActionRevision(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.fetched() // waits at the gate
	put := func(id, change string) (fresh bool, execution string) {
		t.Helper()
		out := s.root.must("PutActionRevision", revision("Source", "Fetch", id, change))
		fresh, _ = get(t, out, "newRevision").(bool)
		return fresh, text(t, out, "pipelineExecutionId")
	}
	fresh, e := put("r1", "c1")
	if !fresh || e != s.newest("P") {
		t.Fatalf("an unseen revision: %v, %s", fresh, e)
	}
	if fresh, again := put("r1", "c1"); fresh || again != e {
		t.Errorf("a seen revision: %v, %s, want %s", fresh, again, e)
	}
	same(t, jsonOf(t, get(t, s.execution(e), "pipelineExecution.trigger")), `{"triggerType":"PutActionRevision","triggerDetail":"arn:aws:iam::000000000000:root"}`)
	revisionOf := func(job string) string {
		return text(t, s.root.must("GetJobDetails", fmt.Sprintf(`{"jobId":%q}`, job)), "jobDetails.data.outputArtifacts.0.revision")
	}
	job := s.take("Source", "Src")
	if got := revisionOf(job); got != "r1" {
		t.Errorf("the worker is told of revision %q", got)
	}
	s.fail(job)
	s.root.must("RetryStageExecution", fmt.Sprintf(`{"pipelineName":"P","stageName":"Source","pipelineExecutionId":%q,"retryMode":"FAILED_ACTIONS"}`, e))
	job = s.take("Source", "Src")
	if got := revisionOf(job); got != "r1" {
		t.Errorf("in the retry the worker is told of revision %q", got)
	}
	s.succeed(job, "")
	same(t, jsonOf(t, get(t, s.execution(e), "pipelineExecution.artifactRevisions")), `[{"name":"Code","revisionId":"r1","revisionChangeIdentifier":"c1","created":1700000000}]`)
	same(t, jsonOf(t, get(t, s.state(), "stageStates.0.actionStates.0.currentRevision")), `{"revisionId":"r1","revisionChangeId":"c1","created":1700000000}`)

	// Another change with the same revision is new; what a worker reports
	// counts as seen.
	if fresh, _ := put("r1", "c2"); !fresh {
		t.Error("a change that restores a revision is not new")
	}
	s.succeed(s.take("Source", "Src"), `"currentRevision":{"revision":"r9","changeIdentifier":"c9"}`)
	last := s.newest("P")
	if fresh, by := put("r9", "c9"); fresh || by != last {
		t.Errorf("a revision that a worker reported: %v, %s, want %s", fresh, by, last)
	}
	s.start()
	if got := revisionOf(s.take("Source", "Src")); got != "" {
		t.Errorf("another execution is bound to revision %q", got)
	}

	s.root.refuse("PutActionRevision", `{"pipelineName":"P","stageName":"Source","actionName":"Fetch"}`, "ValidationException", "")
	s.root.refuse("PutActionRevision", strings.Replace(revision("Source", "Fetch", "r2", "c"), `"P"`, `"Q"`, 1), "PipelineNotFoundException", "")
	s.root.refuse("PutActionRevision", revision("Nowhere", "Fetch", "r2", "c"), "StageNotFoundException", "Stage 'Nowhere' was not found in pipeline 'P'")
	s.root.refuse("PutActionRevision", revision("Source", "Other", "r2", "c"), "ActionNotFoundException", "")
	s.root.refuse("PutActionRevision", strings.Replace(revision("Source", "Fetch", "r2", "c"), `"c"`, `"\u0000"`, 1), "ValidationException", "The revision of action 'Fetch' has the character U+0000, which cannot be stored")
	s.root.refuse("PutActionRevision", revision("Gate", "Ask", "r2", "c"), "ActionNotFoundException", "Source action 'Ask' was not found in stage 'Gate' of pipeline 'P'")
}

// At the limit nothing starts, and the revision counts as unseen.
func TestPutActionRevisionAtTheLimit(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.customType("Source", "Src", "")
	s.create(declare("P", `"pipelineType":"V2","executionMode":"QUEUED"`,
		stage("Source", action("Fetch", "Source", "Custom", "Src", `"outputArtifacts":[{"name":"Code"}]`)), stage("Gate", approval("Ask", ""))))
	for range 49 {
		s.start()
	}
	s.root.refuse("PutActionRevision", revision("Source", "Fetch", "r1", "c1"), "ConcurrentPipelineExecutionsLimitExceededException", "")
	s.fail(s.take("Source", "Src"))
	if out := s.root.must("PutActionRevision", revision("Source", "Fetch", "r1", "c1")); get(t, out, "newRevision") != true {
		t.Errorf("after the refusal: %s", out)
	}
}

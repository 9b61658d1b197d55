package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
)

func (s *server) registerGitSource() {
	s.t.Helper()
	s.call("CreateCustomActionType", object{"category": "Source", "provider": "CustomSourceForGit", "version": "1",
		"inputArtifactDetails":  object{"minimumCount": 0, "maximumCount": 0},
		"outputArtifactDetails": object{"minimumCount": 1, "maximumCount": 1},
		"configurationProperties": []object{
			{"name": "GitUrl", "required": true, "key": true, "secret": false},
			{"name": "Branch", "required": true, "key": true, "secret": false},
			{"name": "PipelineName", "required": true, "key": true, "secret": false, "queryable": true},
		}}, nil)
}

func gitSource(pipeline string) object {
	return action("Clone", "Custom", "Source", "CustomSourceForGit",
		object{"GitUrl": "ssh://git.example/web.git", "Branch": "main", "PipelineName": pipeline}, outputs("Source"), object{"namespace": "Git"})
}

// testGitSource runs AWS's sample of a source for other Git hosts.
func testGitSource(t *testing.T, s *server) {
	s.registerGitSource()
	s.bucket("git-site")
	pipeline := declaration("git-source",
		stage("Source", gitSource("git-source")),
		stage("Deploy", action("Site", "AWS", "Deploy", "S3",
			object{"BucketName": "git-site", "Extract": "false", "ObjectKey": "#{Git.commit_id}-#{Git.branch}.zip"}, inputs("Source"))))
	pipeline["artifactStore"].(object)["encryptionKey"] = object{"id": "alias/artifacts", "type": "KMS"}
	s.call("CreatePipeline", object{"pipeline": pipeline}, nil)
	archive := zipOf(t, map[string]string{"main.txt": "a clone"})
	w := s.script(t, nil, "", "git_source.py", "git-source", archive)
	w.steps("polled", "acknowledged")
	if name := w.steps("uploaded"); !strings.HasSuffix(name, ".zip") {
		t.Errorf("the artifact of a source is stored as %s, want a .zip", name)
	}
	w.steps("succeeded")
	w.end()
	id := s.newest("git-source")
	s.ends("git-source", id, "Succeeded")
	out, err := s.codepipeline().GetPipelineExecution(t.Context(), &codepipeline.GetPipelineExecutionInput{PipelineName: aws.String("git-source"), PipelineExecutionId: &id})
	if err != nil {
		t.Fatal(err)
	}
	if r := out.PipelineExecution.ArtifactRevisions; len(r) != 1 || *r[0].RevisionId != "Git Commit Id:0123abc" || *r[0].RevisionChangeIdentifier != "CustomSourceForGit" {
		t.Errorf("the revisions of the execution are %s", asJSON(r))
	}
	if want, err := os.ReadFile(archive); err != nil || !bytes.Equal(s.get("git-site", "0123abc-main.zip"), want) {
		t.Errorf("another archive was deployed, or %v", err)
	}
}

// testGitLabSource runs a source in JavaScript that an event wakes: the job has
// to be there when the event is.
func testGitLabSource(t *testing.T, s *server, events string) {
	s.call("CreateCustomActionType", object{"category": "Source", "provider": "GitLab", "version": "1",
		"inputArtifactDetails":    object{"minimumCount": 0, "maximumCount": 0},
		"outputArtifactDetails":   object{"minimumCount": 1, "maximumCount": 1},
		"configurationProperties": []object{{"name": "Token", "required": true, "key": false, "secret": true}}}, nil)
	s.bucket("gitlab-site")
	s.call("CreatePipeline", object{"pipeline": declaration("gitlab",
		stage("Source", action("Clone", "Custom", "Source", "GitLab", object{"Token": "a-secret-for-gitlab"}, outputs("Source"), object{"namespace": "Git"})),
		stage("Deploy", action("Site", "AWS", "Deploy", "S3", object{"BucketName": "gitlab-site", "Extract": "false", "ObjectKey": "#{Git.CommitId}#{Git.Branch}"}, inputs("Source"))))}, nil)
	started := func(execution string) string {
		var event string
		until(t, "the event of the source's start", func(context.Context) (string, bool) {
			text, err := os.ReadFile(events)
			if err != nil {
				return err.Error(), false
			}
			for line := range strings.Lines(string(text)) {
				var e struct {
					Type   string `json:"detail-type"`
					Detail struct {
						Pipeline, Action, State string
						Execution               string `json:"execution-id"`
					}
				}
				if json.Unmarshal([]byte(line), &e) == nil && e.Type == "CodePipeline Action Execution State Change" &&
					e.Detail.Pipeline == "gitlab" && e.Detail.Execution == execution && e.Detail.Action == "Clone" && e.Detail.State == "STARTED" {
					event = strings.TrimSpace(line)
				}
			}
			return "no such event", event != ""
		})
		return event
	}
	if strings.Contains(started(s.newest("gitlab")), "a-secret-for-gitlab") {
		t.Error("the event holds the secret")
	}

	first := s.newest("gitlab")
	w := s.script(t, nil, "", "gitlab-source.mjs")
	w.tell(started(first))
	w.steps("acknowledged", "succeeded") // and no "empty" before
	w.end()
	s.ends("gitlab", first, "Succeeded")
	if got := s.get("gitlab-site", "0123abc"); len(got) != 6<<20 {
		t.Errorf("%d bytes were deployed", len(got))
	}

	// The worker abandons the execution and then reports a failure, which comes
	// too late and changes nothing.
	var again struct{ PipelineExecutionID string }
	s.call("StartPipelineExecution", object{"name": "gitlab"}, &again)
	w = s.script(t, nil, "", "gitlab-source.mjs", "fail")
	w.tell(started(again.PipelineExecutionID))
	w.steps("acknowledged", "trouble the clone failed")
	if left := w.end(); !slices.Equal(left, []string{"ignored InvalidJobStateException"}) {
		t.Errorf("the report after the stop ended with %q", left)
	}
	s.ends("gitlab", again.PipelineExecutionID, "Stopped")
	s.state("gitlab", "Clone", "Abandoned")
}

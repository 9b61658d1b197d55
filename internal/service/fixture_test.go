package service_test

import (
	"encoding/json"
	"fmt"
	"strings"

	"penstock/internal/store"
)

// The fixtures are JSON as a user would write it.

func typeID(category, owner, provider string) string {
	return fmt.Sprintf(`{"category":%q,"owner":%q,"provider":%q,"version":"1"}`, category, owner, provider)
}

// customType adds a custom action type. extra are more members of the request.
func (s *server) customType(category, provider, extra string) {
	s.Helper()
	s.root.must("CreateCustomActionType", fmt.Sprintf(`{"category":%q,"provider":%q,"version":"1",
		"inputArtifactDetails":{"minimumCount":0,"maximumCount":5},"outputArtifactDetails":{"minimumCount":0,"maximumCount":5}%s}`,
		category, provider, member(extra)))
}

func member(extra string) string {
	if extra == "" {
		return ""
	}
	return "," + extra
}

// property is a configuration property of an action type; flags are the names
// of those that are true.
func property(name string, flags ...string) string {
	p := map[string]any{"name": name, "required": false, "key": false, "secret": false}
	for _, f := range flags {
		p[f] = true
	}
	b, err := json.Marshal(p)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func properties(list ...string) string {
	return `"configurationProperties":[` + strings.Join(list, ",") + `]`
}

// action is an action of a declaration.
func action(name, category, owner, provider, extra string) string {
	return fmt.Sprintf(`{"name":%q,"actionTypeId":%s%s}`, name, typeID(category, owner, provider), member(extra))
}

func approval(name, extra string) string { return action(name, "Approval", "AWS", "Manual", extra) }

func stage(name string, actions ...string) string {
	return fmt.Sprintf(`{"name":%q,"actions":[%s]}`, name, strings.Join(actions, ","))
}

// declare writes a declaration. extra are more members of it.
func declare(name, extra string, stages ...string) string {
	return fmt.Sprintf(`{"name":%q,"roleArn":"arn:aws:iam::000000000000:role/r","artifactStore":{"type":"S3","location":"artifacts"},"stages":[%s]%s}`,
		name, strings.Join(stages, ","), member(extra))
}

// create makes a pipeline and returns its first execution, "" when there is
// none.
func (s *server) create(declaration string) (execution string) {
	s.Helper()
	s.root.must("CreatePipeline", `{"pipeline":`+declaration+`}`)
	return s.newest(text(s.T, declaration, "name"))
}

// newest is the newest execution of a pipeline.
func (s *server) newest(name string) string {
	s.Helper()
	return text(s.T, s.root.must("ListPipelineExecutions", fmt.Sprintf(`{"pipelineName":%q,"maxResults":1}`, name)), "pipelineExecutionSummaries.0.pipelineExecutionId")
}

// simple makes the pipeline P of a custom source, provider Src, and the given
// stages, or an approval, and returns its execution.
func (s *server) simple(stages ...string) string {
	s.Helper()
	s.customType("Source", "Src", "")
	if len(stages) == 0 {
		stages = []string{stage("Gate", approval("Ask", ""))}
	}
	return s.create(declare("P", "", append([]string{stage("Source", action("Fetch", "Source", "Custom", "Src", `"outputArtifacts":[{"name":"Code"}]`))}, stages...)...))
}

// fetched is a simple pipeline whose source has succeeded.
func (s *server) fetched(stages ...string) string {
	s.Helper()
	id := s.simple(stages...)
	s.succeed(s.take("Source", "Src"), "")
	return id
}

// poll hands out a job of a custom type and returns it, "" when there is none.
func (s *server) poll(category, provider string) string {
	s.Helper()
	out := s.root.must("PollForJobs", `{"actionTypeId":`+typeID(category, "Custom", provider)+`}`)
	if get(s.T, out, "jobs.0") == nil {
		if out != `{"jobs":[]}` {
			s.Errorf("no job is %s", out)
		}
		return ""
	}
	b, err := json.Marshal(get(s.T, out, "jobs.0"))
	s.ok(err)
	return string(b)
}

// take polls a job and acknowledges it; it returns the job's id.
func (s *server) take(category, provider string) string {
	s.Helper()
	j := s.poll(category, provider)
	if j == "" {
		s.Fatalf("no job for %s/%s", category, provider)
	}
	if got := s.root.must("AcknowledgeJob", fmt.Sprintf(`{"jobId":%q,"nonce":%q}`, text(s.T, j, "id"), text(s.T, j, "nonce"))); got != `{"status":"InProgress"}` {
		s.Fatalf("acknowledge answered %s", got)
	}
	return text(s.T, j, "id")
}

// succeed reports success of a job; extra are more members of the report.
func (s *server) succeed(job, extra string) {
	s.Helper()
	s.root.must("PutJobSuccessResult", fmt.Sprintf(`{"jobId":%q%s}`, job, member(extra)))
}

// fail reports failure of a job.
func (s *server) fail(job string) {
	s.Helper()
	s.root.must("PutJobFailureResult", fmt.Sprintf(`{"jobId":%q,"failureDetails":{"type":"JobFailed","message":"broken"}}`, job))
}

// state is GetPipelineState of the pipeline P.
func (s *server) state() string {
	s.Helper()
	return s.root.must("GetPipelineState", `{"name":"P"}`)
}

// status is the status of an execution of the pipeline P.
func (s *server) status(execution string) string {
	s.Helper()
	return text(s.T, s.execution(execution), "pipelineExecution.status")
}

func (s *server) execution(id string) string {
	s.Helper()
	return s.root.must("GetPipelineExecution", fmt.Sprintf(`{"pipelineName":"P","pipelineExecutionId":%q}`, id))
}

// start starts an execution of the pipeline P.
func (s *server) start() string {
	s.Helper()
	return text(s.T, s.root.must("StartPipelineExecution", `{"name":"P"}`), "pipelineExecutionId")
}

// partnerType registers a partner action type and connects a client.
func (s *server) partnerType(category, provider string) (clientID, token string) {
	s.Helper()
	s.root.must("Penstock.RegisterPartner", fmt.Sprintf(`{"category":%q,"provider":%q,"version":"1",
		"inputs":{"minimum":0,"maximum":5},"outputs":{"minimum":0,"maximum":5}}`, category, provider))
	return s.connect(provider)
}

func (s *server) connect(provider string) (clientID, token string) {
	s.Helper()
	out := s.root.must("Penstock.ConnectPartner", fmt.Sprintf(`{"provider":%q}`, provider))
	return text(s.T, out, "clientId"), text(s.T, out, "clientToken")
}

// stored is the configuration of each action of a version, as it is stored.
func (s *server) stored(name string, version int) map[string]map[string]string {
	s.Helper()
	out := map[string]map[string]string{}
	s.ok(s.store.View(s.Context(), func(r store.Reader) error {
		p, err := r.Pipeline(account, region, name)
		if err != nil {
			return err
		}
		d, err := r.Declaration(p.ID, version)
		if err != nil {
			return err
		}
		for _, st := range d.Stages {
			for _, a := range st.Actions {
				out[a.Name] = a.Configuration
			}
		}
		return nil
	}))
	return out
}

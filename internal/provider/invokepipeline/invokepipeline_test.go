package invokepipeline_test

import (
	"errors"
	"fmt"
	"reflect"
	"testing"

	"penstock/internal/provider"
	"penstock/internal/provider/invokepipeline"
	"penstock/internal/provider/providertest"
	"penstock/jobworker"
)

func job(config map[string]string) jobworker.Job {
	return jobworker.Job{
		Configuration: config, Context: jobworker.Context{ActionExecutionID: "ae"},
		Native: &jobworker.Native{Account: "111122223333", Region: "eu-west-1", Caller: "arn:caller"},
	}
}

func TestSuite(t *testing.T) {
	t.Parallel()
	providertest.Run(t, func(t *testing.T, dir string) providertest.Harness {
		m := providertest.NewMemory()
		return providertest.Harness{Provider: invokepipeline.New(m), Memory: m, Job: job(map[string]string{"PipelineName": "next"}), Dir: dir}
	})
}

func TestRun(t *testing.T) {
	t.Parallel()
	m := providertest.NewMemory()
	s, err := invokepipeline.New(m).Run(t.Context(), jobworker.NewTask(nil, job(map[string]string{
		"PipelineName":    "next",
		"SourceRevisions": `[{"actionName":"Src","revisionType":"S3_OBJECT_VERSION_ID","revisionValue":"v1"}]`,
		"Variables":       `[{"name":"TAG","value":"1"},{"name":"EMPTY","value":""}]`,
	}), 0))
	if err != nil {
		t.Fatal(err)
	}
	want := []provider.Start{{Account: "111122223333", Region: "eu-west-1", Pipeline: "next", Token: "invoke-ae", Caller: "arn:caller",
		Revisions: []provider.Revision{{Action: "Src", Type: "S3_OBJECT_VERSION_ID", Value: "v1"}},
		Variables: []provider.Variable{{Name: "TAG", Value: "1"}, {Name: "EMPTY"}}}}
	if got := m.Starts(); !reflect.DeepEqual(got, want) {
		t.Errorf("started %+v, want %+v", got, want)
	}
	if s.Details.ExternalID != "execution-of-invoke-ae" {
		t.Errorf("details %+v", s.Details)
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		config   map[string]string
		startErr error
		kind     string
		text     string
	}{
		{"no name", nil, nil, jobworker.ConfigurationError, "PipelineName"},
		{"bad variables", map[string]string{"PipelineName": "p", "Variables": `{"name":"A"}`}, nil, jobworker.ConfigurationError, "Variables"},
		{"variable without name", map[string]string{"PipelineName": "p", "Variables": `[{"value":"A"}]`}, nil, jobworker.ConfigurationError, "name"},
		{"bad revisions", map[string]string{"PipelineName": "p", "SourceRevisions": `nonsense`}, nil, jobworker.ConfigurationError, "SourceRevisions"},
		{"half a revision", map[string]string{"PipelineName": "p", "SourceRevisions": `[{"actionName":"a"}]`}, nil, jobworker.ConfigurationError, "revisionType"},
		{"no pipeline", map[string]string{"PipelineName": "p"}, provider.ErrNoPipeline, jobworker.ConfigurationError, "pipeline p"},
		{"denied", map[string]string{"PipelineName": "p"}, provider.ErrDenied, jobworker.PermissionError, "pipeline p"},
		{"refused", map[string]string{"PipelineName": "p"}, fmt.Errorf("%w: variable X is unknown", provider.ErrInvalid), jobworker.ConfigurationError, "variable X"},
		{"server trouble", map[string]string{"PipelineName": "p"}, errors.New("disk"), jobworker.SystemUnavailable, "disk"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := providertest.NewMemory()
			m.StartErr = c.startErr
			_, err := invokepipeline.New(m).Run(t.Context(), jobworker.NewTask(nil, job(c.config), 0))
			providertest.Failure(t, err, c.kind, c.text)
			if len(m.Starts()) != 0 {
				t.Error("something was started")
			}
		})
	}
}

package conformance_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"penstock/internal/api"
	"penstock/internal/conformance"
)

// world is a server that has something to be asked about, and what its answers
// have told so far.
type world struct {
	c     *api.Client
	m     *conformance.Model
	mu    sync.Mutex
	known conformance.Known
}

// declaration is a pipeline of custom actions and an approval, with a condition.
const declaration = `{"pipeline":{"name":"NAME","roleArn":"arn:aws:iam::000000000000:role/r","artifactStore":{"type":"S3","location":"arts"},
	"pipelineType":"V2","executionMode":"MODE","variables":[{"name":"V","defaultValue":"d"}],"stages":[
	{"name":"S","onFailure":{"result":"RETRY"},"actions":[{"name":"F","namespace":"a","actionTypeId":{"category":"Source","owner":"Custom","provider":"Src","version":"1"},"outputArtifacts":[{"name":"A"}]}]},
	{"name":"G","beforeEntry":{"conditions":[{"result":"FAIL","rules":[{"name":"R","ruleTypeId":{"category":"Rule","provider":"VariableCheck"},"configuration":{"Variable":"#{a.k}","Operator":"NE","Value":"no"}}]}]},
	 "actions":[{"name":"Ask","actionTypeId":{"category":"Approval","owner":"AWS","provider":"Manual","version":"1"},"configuration":{"CustomData":"#{a.k}"}}]},
	{"name":"D","actions":[{"name":"Ship","actionTypeId":{"category":"Deploy","owner":"Custom","provider":"Src","version":"1"},"inputArtifacts":[{"name":"A"}]}]}]}}`

// modes are execution modes, and the pipelines of the world.
var modes = []string{"QUEUED", "SUPERSEDED", "PARALLEL"}

func newWorld(t *testing.T, m *conformance.Model) *world {
	t.Helper()
	w := &world{c: server(t), m: m, known: conformance.Known{
		"PipelineName": append([]string{"QUEUED", "QUEUED", "QUEUED"}, modes...), "StageName": {"S", "G", "D"}, "ActionName": {"F", "Ask", "Ship"},
		"ActionCategory": {"Source", "Deploy"}, "ActionOwner": {"Custom"}, "ActionProvider": {"Src"}, "Version": {"1"},
		"ResourceArn": {"arn:aws:codepipeline:" + region + ":000000000000:QUEUED"}, "WebhookName": {"w1", "w2"}, "OutputVariablesKey": {"k"},
	}}
	for _, category := range []string{"Source", "Deploy"} {
		w.must(t, "CreateCustomActionType", `{"category":"`+category+`","provider":"Src","version":"1","inputArtifactDetails":{"minimumCount":0,"maximumCount":5},"outputArtifactDetails":{"minimumCount":0,"maximumCount":5}}`)
	}
	for _, mode := range modes {
		w.must(t, "CreatePipeline", w.declare(mode))
	}
	return w
}

func (w *world) must(t *testing.T, operation, body string) {
	t.Helper()
	if _, err := w.call(operation, []byte(body)); err != nil {
		t.Fatalf("%s: %v", operation, err)
	}
}

func (w *world) call(operation string, body []byte) (answer map[string]any, err error) {
	err = w.c.CallRaw(context.Background(), "CodePipeline_20150709."+operation, json.RawMessage(body), &answer)
	return answer, err
}

func (w *world) declare(mode string) string {
	return strings.NewReplacer("NAME", mode, "MODE", mode).Replace(declaration)
}

// learned are the members of answers that later requests can name.
var learned = map[string]string{
	"pipelineExecutionId": "PipelineExecutionId", "actionExecutionId": "ActionExecutionId", "token": "ApprovalToken", "nextToken": "NextToken",
}

func (w *world) learn(v any, member string) {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			w.learn(inner, name)
		}
	case []any:
		for _, inner := range v {
			w.learn(inner, member)
		}
	case string:
		if shape := learned[member]; shape != "" {
			list := append(w.known[shape], v)
			w.known[shape] = list[max(0, len(list)-30):]
		}
	}
}

// often says how often operations are called: those that bring pipelines on
// more often than those that end what there is.
var often = map[string]int{
	"StartPipelineExecution": 20, "PollForJobs": 30, "PutJobSuccessResult": 30, "PutJobFailureResult": 20, "GetPipelineState": 20, "PutApprovalResult": 40,
	"RetryStageExecution": 20, "CreatePipeline": 10, "UpdatePipeline": 1, "DeletePipeline": 1, "StopPipelineExecution": 2, "DisableStageTransition": 2,
}

// next is a request.
func (w *world) next(rng *rand.Rand, operations []string) (string, []byte) {
	operation := operations[rng.IntN(len(operations))]
	if (operation == "CreatePipeline" || operation == "UpdatePipeline") && rng.IntN(4) > 0 {
		return operation, []byte(w.declare(modes[rng.IntN(len(modes))]))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	doc := w.m.Random(rng, w.m.Operations[operation].Input.Shape, w.known).(map[string]any)
	if operation == "PutApprovalResult" && rng.IntN(4) > 0 {
		doc["stageName"], doc["actionName"] = "G", "Ask"
	}
	body, err := json.Marshal(doc)
	if err != nil {
		panic(err)
	}
	return operation, body
}

// TestRandomRequests sends valid requests of all kinds, most about what there
// is, to a server from several sides at once. None may fail within it, and none
// may be refused with an error that the model does not declare.
func TestRandomRequests(t *testing.T) {
	t.Parallel()
	m := readModel(t)
	w := newWorld(t, m)
	var operations []string
	for operation := range m.Operations {
		if strings.HasSuffix(operation, "WithThirdParty") || operation == "DeleteCustomActionType" {
			continue // the one calls strangers, after the other nothing would happen any more
		}
		for range cmp.Or(often[operation], 5) {
			operations = append(operations, operation)
		}
	}
	slices.Sort(operations)
	var accepted sync.Map
	var sides sync.WaitGroup
	for side := range 4 {
		sides.Go(func() {
			rng := rand.New(rand.NewPCG(7, uint64(side)))
			for range 500 {
				operation, body := w.next(rng, operations)
				answer, err := w.call(operation, body)
				refused, ok := errors.AsType[*api.APIError](err)
				switch {
				case err == nil:
					accepted.Store(operation, true)
					w.took(answer)
				case !ok || refused.Status >= http.StatusInternalServerError || refused.Code == "SerializationException" || !api.Declared(operation, refused.Code):
					t.Errorf("%s %s: %v", operation, body, err)
				}
			}
		})
	}
	sides.Wait()
	for _, operation := range []string{"StartPipelineExecution", "PutJobSuccessResult", "PutJobFailureResult", "ListActionExecutions", "EnableStageTransition"} {
		if _, ok := accepted.Load(operation); !ok {
			t.Errorf("no %s was accepted: the requests are too strange", operation)
		}
	}
}

// took learns from an answer and acknowledges the jobs in it.
func (w *world) took(answer map[string]any) {
	w.mu.Lock()
	w.learn(answer, "")
	w.mu.Unlock()
	jobs, _ := answer["jobs"].([]any)
	for _, j := range jobs {
		id, nonce := j.(map[string]any)["id"], j.(map[string]any)["nonce"]
		body, err := json.Marshal(map[string]any{"jobId": id, "nonce": nonce})
		if err != nil {
			panic(err)
		}
		if _, err := w.call("AcknowledgeJob", body); err != nil {
			continue // another side has stopped it
		}
		w.mu.Lock()
		list := append(w.known["JobId"], id.(string))
		w.known["JobId"] = list[max(0, len(list)-10):]
		w.mu.Unlock()
	}
}

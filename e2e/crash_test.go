package e2e

import (
	"context"
	"database/sql"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	_ "modernc.org/sqlite" // the driver for the integrity check

	"penstock/jobworker"
)

const crashSecret = "the-secret-of-the-crash-test"

// TestCrash harms a site again and again while pipelines with every kind of
// action run and clients of every kind write: processes are killed with SIGKILL,
// connections cut. Whatever a client was told must be true afterwards, nothing
// that had ended may run again, and everything that was started must come to an
// end, without help. PENSTOCK_E2E_KILLS makes it longer.
func TestCrash(t *testing.T) {
	for _, tc := range []struct {
		name  string
		start siteOf
		kills int
	}{
		{"SQLite", onSQLite, 40},
		{"PostgreSQL", onOwnPostgres, 36},
		{"three nodes", onThreeNodes, 33},
	} {
		t.Run(tc.name, func(t *testing.T) {
			kills := tc.kills
			if testing.Short() {
				kills = 3
			}
			crash(t, tc.start, number(t, "PENSTOCK_E2E_KILLS", kills))
		})
	}
}

func crash(t *testing.T, start siteOf, kills int) {
	st := start(t, "--ack-window", "10s", "--poll-interval", "1s")
	l := &load{site: st, ledger: newLedger(t), pipelines: []string{"crash-upload", "crash-one", "crash-two", "crash-child"}}
	acme := l.prepare()

	ctx, stop := context.WithTimeout(t.Context(), 20*time.Minute)
	defer stop()
	input, stopInput := context.WithCancel(ctx)
	var inputs, clients sync.WaitGroup
	inputs.Go(func() { l.upload(input) })
	for _, name := range l.pipelines[:3] {
		inputs.Go(func() { l.startExecutions(input, name) })
	}
	clients.Go(func() { l.approve(ctx) })
	clients.Go(func() { l.observe(ctx) })
	for range 4 {
		clients.Go(func() { l.work(ctx, jobworker.NewClient(l.caller(), kitType("Build", "Custom", "Crash"), nil)) })
	}
	for range 2 {
		clients.Go(func() {
			l.work(ctx, jobworker.NewPartnerClient(l.caller(), kitType("Test", "ThirdParty", "Acme"), func(string) (string, bool) { return acme.ClientToken, true }))
		})
	}

	began := time.Now()
	tally := newTally()
	faults := st.faults()
	for i := range kills {
		// So many answers and a little more, so that faults fall anywhere.
		patient, done := context.WithTimeout(ctx, patience)
		if err := l.more(patient, 1+rand.IntN(25)); err != nil {
			t.Fatalf("after %s: %v\n%s", tally.last, err, l.overview())
		}
		done()
		if err := tally.strike(faults[i%len(faults)]); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d faults in %v: %s; %s", kills, time.Since(began), tally, l.counts())
	st.mend()

	stopInput()
	inputs.Wait()
	began = time.Now()
	until(t, "every execution to end", func(context.Context) (string, bool) {
		overview := l.overview()
		return overview, overview == ""
	})
	t.Logf("drained in %v; %s", time.Since(began), l.counts())
	stop()
	clients.Wait()
	l.check()
	for i, s := range st.nodes {
		if err := s.stop(); err != nil {
			t.Errorf("SIGTERM to node %d: %v", i, err)
		}
	}
	if st.database == nil {
		checkDatabase(t, filepath.Join(l.server.data, "penstock.db"), crashSecret, acme.ClientToken)
	}
}

// prepare makes the pipelines: every kind of action, and one that is invoked.
func (l *load) prepare() client {
	l.ledger.t.Helper()
	l.call("CreateCustomActionType", object{"category": "Build", "provider": "Crash", "version": "1",
		"inputArtifactDetails": object{"minimumCount": 0, "maximumCount": 1}, "outputArtifactDetails": object{"minimumCount": 0, "maximumCount": 1},
		"configurationProperties": []object{{"name": "ApiKey", "required": true, "key": false, "secret": true}}}, nil)
	acme := l.connect("Test", "Acme", "--inputs", "0-1")
	l.secret(crashSecret)
	l.artifacts.versioned("crash-source")
	l.artifacts.bucket("crash-site")
	l.artifacts.put("crash-source", "app.zip", zipped(l.ledger.t, map[string]string{"main.txt": "first"}))
	secret := object{"ApiKey": crashSecret}
	l.call("CreatePipeline", object{"pipeline": declaration("crash-child",
		stage("Source", manualSource("crash-source", "app.zip")), stage("Build", action("Forge", "Custom", "Build", "Crash", secret)))}, nil)
	for i, name := range l.pipelines[:3] {
		source := manualSource("crash-source", "app.zip")
		if i == 0 {
			source = s3Source("crash-source", "app.zip")
		}
		l.call("CreatePipeline", object{"pipeline": declaration(name,
			stage("Source", source),
			stage("Build",
				commands("Compile", []string{"cp main.txt out.txt", "sleep 0.05"}, inputs("Source"), object{"outputArtifacts": []object{{"name": "App", "files": []string{"out.txt"}}}}),
				action("Check", "Custom", "Build", "Crash", secret),
				action("Forge", "Custom", "Build", "Crash", secret, inputs("App"), outputs("Binary"), object{"runOrder": 2})),
			stage("Test", action("Suite", "ThirdParty", "Test", "Acme", nil, inputs("Binary"))),
			stage("Approve", approval("Look")),
			stage("Deploy",
				action("Site", "AWS", "Deploy", "S3", object{"BucketName": "crash-site", "Extract": "true", "ObjectKey": "#{codepipeline.PipelineExecutionId}"}, inputs("Binary")),
				action("Next", "AWS", "Invoke", "CodePipeline", object{"PipelineName": "crash-child"})))}, nil)
	}
	return acme
}

// overview names the executions that have not ended, and where they stand.
func (l *load) overview() string {
	var open []string
	for _, name := range l.pipelines {
		n := 0
		for _, e := range l.history(name) {
			if !slices.Contains(terminal, e.Status) {
				n++
			}
		}
		if n > 0 {
			open = append(open, name+": "+strconv.Itoa(n)+" executions run: "+l.actions(name))
		}
	}
	return strings.Join(open, "\n")
}

// history returns all executions of a pipeline.
func (l *load) history(name string) []types.PipelineExecutionSummary {
	var all []types.PipelineExecutionSummary
	pages := codepipeline.NewListPipelineExecutionsPaginator(l.codepipeline(), &codepipeline.ListPipelineExecutionsInput{PipelineName: &name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(l.ledger.t.Context())
		if err != nil {
			l.ledger.t.Fatalf("ListPipelineExecutions: %v", err)
		}
		all = append(all, page.PipelineExecutionSummaries...)
	}
	return all
}

// check holds the server against the ledger.
func (l *load) check() {
	t := l.ledger.t
	t.Helper()
	started, uploads := l.copies()
	executions := map[string]types.PipelineExecutionSummary{}
	details := map[string]types.ActionExecutionDetail{}
	var deployed []types.PipelineExecutionSummary
	invoked, children := 0, 0
	for _, name := range l.pipelines {
		for _, e := range l.history(name) {
			executions[*e.PipelineExecutionId] = e
			switch {
			case name != "crash-child":
				if e.Status == types.PipelineExecutionStatusSucceeded {
					deployed = append(deployed, e)
				}
			case e.Trigger.TriggerType == types.TriggerTypeStartPipelineExecution:
				children++
			}
		}
		place := map[string]string{}
		pages := codepipeline.NewListActionExecutionsPaginator(l.codepipeline(), &codepipeline.ListActionExecutionsInput{PipelineName: &name})
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatalf("ListActionExecutions: %v", err)
			}
			for _, d := range page.ActionExecutionDetails {
				details[*d.ActionExecutionId] = d
				at := *d.PipelineExecutionId + " " + *d.StageName + "/" + *d.ActionName
				if other, twice := place[at]; twice {
					t.Errorf("%s ran twice: %s and %s", at, other, *d.ActionExecutionId)
				}
				place[at] = *d.ActionExecutionId
				if *d.ActionName == "Next" {
					invoked++
				}
				if d.Status == types.ActionExecutionStatusInProgress {
					t.Errorf("%s is still in progress", at)
				}
				l.see(d)
			}
		}
	}
	for id, name := range started {
		if _, kept := executions[id]; !kept {
			t.Errorf("the execution %s of %s was started and is gone", id, name)
		}
	}
	for id, want := range l.results {
		d, kept := details[id]
		if !kept || string(d.Status) != want.status || d.Output == nil || d.Output.ExecutionResult == nil || aws.ToString(d.Output.ExecutionResult.ExternalExecutionId) != want.externalID {
			t.Errorf("the action execution %s was reported as %+v and is %s", id, want, asJSON(d))
		}
	}
	for id, status := range l.approvals {
		want := types.ActionExecutionStatusSucceeded
		if status == "Rejected" {
			want = types.ActionExecutionStatusFailed
		}
		if d, kept := details[id]; !kept || d.Status != want {
			t.Errorf("the approval %s was %s and is %s", id, status, asJSON(d))
		}
	}
	for id := range l.finished {
		if _, kept := details[id]; !kept {
			t.Errorf("the finished action execution %s is gone", id)
		}
	}
	if invoked != children {
		t.Errorf("%d invocations started %d executions", invoked, children)
	}
	for version, text := range uploads {
		if got := l.version(version); got != text {
			t.Errorf("the version %s was uploaded with %q and holds %q", version, text, got)
		}
	}
	t.Logf("%d executions, %d of them with a deployment, %d invocations", len(executions), len(deployed), invoked)
	l.checkDeployments(deployed)
}

// checkDeployments wants the site of every execution that succeeded to hold the
// very version that its source had read.
func (l *load) checkDeployments(succeeded []types.PipelineExecutionSummary) {
	t := l.ledger.t
	t.Helper()
	if len(succeeded) == 0 {
		t.Error("no execution went through to its deployment")
	}
	for _, e := range succeeded {
		id, version := *e.PipelineExecutionId, *e.SourceRevisions[0].RevisionId
		content, err := fetch(t.Context(), l.artifacts.s3(), "crash-site", id+"/out.txt")
		if want := l.version(version); err != nil || string(content) != want {
			t.Errorf("the execution %s of the version %s deployed %q, want %q: %v", id, version, content, want, err)
		}
	}
}

// version reads the text in a version of the source.
func (l *load) version(id string) string {
	t := l.ledger.t
	t.Helper()
	out, err := l.artifacts.s3().GetObject(t.Context(), &awss3.GetObjectInput{Bucket: aws.String("crash-source"), Key: aws.String("app.zip"), VersionId: &id})
	if err != nil {
		t.Errorf("the version %s: %v", id, err)
		return ""
	}
	defer out.Body.Close()
	content, err := io.ReadAll(out.Body)
	if err != nil {
		t.Errorf("the version %s: %v", id, err)
	}
	return unzipped(t, content)["main.txt"]
}

// checkDatabase wants the file of a stopped server to be whole, and to hold none
// of the secrets in clear text.
func checkDatabase(t *testing.T, path string, secrets ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var verdict string
	if err := db.QueryRow("PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
		t.Errorf("integrity_check says %q, %v", verdict, err)
	}
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: no files, %v", path, err)
	}
	for _, name := range files {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range secrets {
			if strings.Contains(string(content), text) {
				t.Errorf("%s holds the secret %q in clear text", filepath.Base(name), text)
			}
		}
	}
}

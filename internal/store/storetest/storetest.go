// Package storetest is the contract of store.Driver as tests: what holds for
// one database must hold for all.
package storetest

import (
	"math/rand/v2"
	"path"
	"reflect"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"penstock/internal/core/actiontype"
	"penstock/internal/core/engine"
	"penstock/internal/core/job"
	"penstock/internal/core/pipeline"
	"penstock/internal/store"
)

// Open opens a driver on an empty database, on the wall clock. reopen closes
// the driver that was opened last and opens the database again. Both leave the
// closing to the end of the test.
type Open func(t *testing.T) (d store.Driver, reopen func() store.Driver)

// Run runs the suite.
func Run(t *testing.T, open Open) { _ = run(t, open, "") }

// run runs all tests but one. Afterwards all tells whether none was left out by
// -run.
func run(t *testing.T, open Open, except string) (all func() bool) {
	var ran atomic.Int64
	tests := map[string]func(*fixture){
		"flow": flow, "flow with failure": flowFails, "continuation": continuation,
		"pipelines": pipelines, "paging of pipelines": pipelinePages, "versions": versions,
		"delete and name again": deletion, "purge of deleted": purgeDeleted,
		"executions": executions, "paging under inserts": executionPages, "start tokens": startTokens,
		"actions": actions, "failed update leaves nothing": failedUpdate, "times": times,
		"claim order": claimOrder, "claims are exclusive": claimExclusive, "window": claimWindow, "jobs that reached nobody": givenBack, "given back too late": givenBackLate, "poll whose caller goes": callerGoes,
		"late acknowledgement": lateAcknowledgement, "overtaken": overtaken,
		"nonces across reopen": noncesAcrossReopen, "acknowledged across reopen": acknowledgedAcrossReopen,
		"issue nonce": issueNonce, "big job": bigJob, "job time limit": jobTimeLimit,
		"await wakes one": awaitOne, "await ends": awaitEnds, "await window": awaitWindow, "await after commit": awaitCommit,
		"action types": actionTypes, "clients": clients, "tags": tags, "watches": watches, "problems of watches": watchProblems, "polling stops": pollingStops, "event rules": eventRules, "schedules": schedules, "webhooks": webhooks, "connections": connections, "Git sources": gitSources, "deliveries to webhooks": webhookDeliveries, "timers": timers, "a timer that led to nothing": clearedTimer,
		"registered types": registeredTypes, "access keys": accessKeys,
		"waiting jobs are counted": waitingCounted, "work is counted": workCounted,
		"turns of clients": clientTurns, "turns across reopen": turnsAcrossReopen, "jobs of revoked clients": revokedJobs, "audit": audit, "audit is followed": auditFollowed,
		"outbox": outbox, "outbox is awaited": awaitOutbox, "outbox of deleted pipelines": outboxOfDeleted,
		"outbox after jobs": outboxAfterJobs, "sink cursors": sinkCursors, "shared cursor": sharedCursor,
		"purge of jobs": purgeJobs, "retention": retention, "old versions": oldVersions, "native jobs across reopen": nativeAcrossReopen, "pushed jobs across reopen": pushedAcrossReopen,
		"rules": rules, "automatic rollback": automaticRollback, "announced revisions": announcedRevisions, "missing rows": missingRows,
	}
	for name, test := range tests {
		if name == except {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ran.Add(1)
			d, reopen := open(t)
			f := &fixture{T: t, start: time.Now().UTC().Truncate(time.Millisecond)}
			f.use(d)
			f.reopen = func() { f.use(reopen()) }
			test(f)
		})
	}
	return func() bool { return int(ran.Load()) == len(tests)-1 }
}

const (
	account = "111111111111"
	region  = "eu-central-1"
	window  = 2 * time.Minute
)

var (
	sourceType = pipeline.ActionType{Category: "Source", Owner: "Custom", Provider: "Git", Version: "1"}
	buildType  = pipeline.ActionType{Category: "Build", Owner: "Custom", Provider: "Make", Version: "1"}
	sourceLine = job.Queue(job.Custom, account, region, sourceType, "")
	buildLine  = job.Queue(job.Custom, account, region, buildType, "")
)

// fixture is a store with a clock that the test turns.
type fixture struct {
	*testing.T
	d      store.Driver
	s      *store.Store
	reopen func()
	start  time.Time
	passed atomic.Int64 // time since start
	delay  time.Duration
}

func (f *fixture) use(d store.Driver) {
	f.d = d
	f.s = store.New(d, store.Options{
		Now:    f.now,
		NewID:  newID,
		NewKey: func() string { return "k" + string(rune('a'+rand.IntN(26))) },
		Native: func(t pipeline.ActionType) bool {
			return t.Provider == "S3" || t == commandsRule || t == invokeType
		},
		Pushed: map[pipeline.ActionType]time.Duration{invokeType: 20 * time.Minute},

		ContinuationDelay: f.delay, AckWindow: window,
	})
}

func (f *fixture) now() time.Time          { return f.start.Add(time.Duration(f.passed.Load())) }
func (f *fixture) advance(d time.Duration) { f.passed.Add(int64(d)) }
func newID() string                        { return uuid.Must(uuid.NewV7()).String() }
func (f *fixture) update(fn func(tx store.Tx) error) {
	f.Helper()
	if err := f.d.Update(f.Context(), fn); err != nil {
		f.Fatalf("Update: %v", err)
	}
}

func (f *fixture) view(fn func(r store.Reader) error) {
	f.Helper()
	if err := f.d.View(f.Context(), fn); err != nil {
		f.Fatalf("View: %v", err)
	}
}

func (f *fixture) equal(what string, got, want any) {
	f.Helper()
	if !reflect.DeepEqual(got, want) {
		f.Fatalf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}

// read calls one method of a Reader.
func read[T any](f *fixture, fn func(r store.Reader) (T, error)) T {
	f.Helper()
	var v T
	f.view(func(r store.Reader) (err error) {
		v, err = fn(r)
		return err
	})
	return v
}

// both runs a check of reads in a View and in an Update.
func (f *fixture) both(check func(r store.Reader) error) {
	f.Helper()
	f.view(check)
	f.update(func(tx store.Tx) error { return check(tx) })
}

func secret() string { return "s3cr3t-" + path.Base(newID()) }

// declaration has a source and a build stage of custom types.
func declaration(name string, version int) *pipeline.Declaration {
	return &pipeline.Declaration{
		Name: name, RoleARN: "arn:aws:iam::111111111111:role/p", Version: version, Mode: pipeline.Superseded, Type: pipeline.V2,
		ArtifactStore: &pipeline.ArtifactStore{Bucket: "artifacts"},
		Stages: []pipeline.Stage{
			{Name: "Source", Actions: []pipeline.Action{{
				Name: "Fetch", Type: sourceType, RunOrder: 1,
				Configuration: map[string]string{"Repo": "r"},
				Outputs:       []pipeline.OutputArtifact{{Name: "src"}},
			}}},
			{Name: "Build", Actions: []pipeline.Action{{
				Name: "Make", Type: buildType, RunOrder: 1, Inputs: []string{"src"},
				Configuration: map[string]string{"Target": "all", "Token": "hunter2"}, Secrets: []string{"Token"},
			}}},
		},
	}
}

func customType(id pipeline.ActionType) actiontype.Type {
	t := actiontype.Type{ID: id, Timeout: actiontype.CustomTimeout, MaxOutputs: 1, MaxInputs: 1}
	if id == buildType {
		t.Properties = []actiontype.Property{{Name: "Token", Secret: true}}
	}
	return t
}

// pipeline makes a pipeline and its action types.
func (f *fixture) pipeline(name string) (id int64) {
	f.Helper()
	f.update(func(tx store.Tx) (err error) {
		id, err = f.insert(tx, name)
		return err
	})
	return id
}

func (f *fixture) insert(tx store.Tx, name string) (int64, error) {
	for _, t := range []pipeline.ActionType{sourceType, buildType} {
		err := tx.PutActionType(store.ActionType{Account: account, Region: region, Type: customType(t), Created: f.now()})
		if err != nil {
			return 0, err
		}
	}
	return tx.InsertPipeline(store.Pipeline{
		Pipeline: engine.Pipeline{Account: account, Region: region, Name: name},
		Version:  1, Mode: pipeline.Superseded, Type: pipeline.V2, Created: f.now(), Updated: f.now(),
	}, declaration(name, 1))
}

// step decides about an event in an update of its own.
func (f *fixture) step(pipelineID int64, ev engine.Event) (execution string) {
	f.Helper()
	f.update(func(tx store.Tx) (err error) {
		execution, err = f.s.Step(tx, pipelineID, ev)
		return err
	})
	return execution
}

func (f *fixture) startExecution(pipelineID int64) string {
	f.Helper()
	return f.step(pipelineID, engine.Start{Trigger: engine.Trigger{Type: "StartPipelineExecution", Detail: "me"}})
}

func (f *fixture) claim(queue string, max int) []*job.Job {
	f.Helper()
	jobs, err := f.d.Claim(f.Context(), queue, max, f.now(), window)
	if err != nil {
		f.Fatalf("Claim: %v", err)
	}
	return jobs
}

// claimOne claims exactly one job.
func (f *fixture) claimOne(queue string) *job.Job {
	f.Helper()
	jobs := f.claim(queue, 10)
	if len(jobs) != 1 {
		f.Fatalf("claimed %d jobs of %s, want 1", len(jobs), queue)
	}
	return jobs[0]
}

// acknowledge is AcknowledgeJob, and what workers within the server do.
func (f *fixture) acknowledge(id, nonce string) (state job.State, err error) {
	err = f.d.Update(f.Context(), func(tx store.Tx) error {
		j, err := tx.Job(id)
		if err != nil {
			return err
		}
		if state, err = j.Take(nonce, f.now()); err != nil {
			return err
		}
		return tx.SaveJob(j)
	})
	return state, err
}

func (f *fixture) mustAcknowledge(j *job.Job) {
	f.Helper()
	if s, err := f.acknowledge(j.ID, j.Nonces.String()); err != nil || s != job.InProgress {
		f.Fatalf("acknowledge: %s, %v", s, err)
	}
}

// succeed is PutJobSuccessResult.
func (f *fixture) succeed(id, continuation string) {
	f.Helper()
	f.update(func(tx store.Tx) error {
		j, err := tx.Job(id)
		if err != nil {
			return err
		}
		_, err = f.s.Step(tx, j.PipelineID, engine.JobSucceeded{
			Job: j, Digest: "d", ContinuationToken: continuation, Details: engine.Details{Summary: "done", ExternalID: "ext"},
		})
		return err
	})
}

// work claims, acknowledges and reports one job of the queue.
func (f *fixture) work(queue string) *job.Job {
	f.Helper()
	j := f.claimOne(queue)
	f.mustAcknowledge(j)
	f.succeed(j.ID, "")
	return j
}

func (f *fixture) job(id string) *job.Job {
	f.Helper()
	return read(f, func(r store.Reader) (*job.Job, error) { return r.Job(id) })
}

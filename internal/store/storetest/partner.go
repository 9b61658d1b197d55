package storetest

import (
	"fmt"
	"sync"
	"time"

	"penstock/internal/core/actiontype"
	"penstock/internal/core/engine"
	"penstock/internal/core/job"
	"penstock/internal/core/pipeline"
	"penstock/internal/store"
)

var (
	partnerType = pipeline.ActionType{Category: "Source", Owner: "ThirdParty", Provider: "Acme", Version: "1"}
	partnerLine = job.Queue(job.Partner, account, region, partnerType, "")
)

// client connects a client of the partner type.
func (f *fixture) client(id string) store.Client {
	f.Helper()
	c := store.Client{ID: id, Account: account, Region: region, Type: partnerType, Token: secret(), Created: f.now()}
	f.update(func(tx store.Tx) error {
		t := actiontype.Type{ID: partnerType, MaxOutputs: 1, Timeout: time.Hour}
		if err := tx.PutActionType(store.ActionType{Account: account, Region: region, Type: t, Created: f.now()}); err != nil {
			return err
		}
		return tx.PutClient(c)
	})
	return c
}

// partnerPipeline is a pipeline whose source is the partner's work for a
// client.
func (f *fixture) partnerPipeline(name, client string) (id int64) {
	f.Helper()
	d := declaration(name, 1)
	a := &d.Stages[0].Actions[0]
	a.Type, a.Configuration = partnerType, map[string]string{"ClientId": client}
	f.update(func(tx store.Tx) (err error) {
		id, err = tx.InsertPipeline(store.Pipeline{
			Pipeline: engine.Pipeline{Account: account, Region: region, Name: name},
			Version:  1, Mode: pipeline.Superseded, Type: pipeline.V2, Created: f.now(), Updated: f.now(),
		}, d)
		return err
	})
	return id
}

// queued starts n executions, each with a job of the client; their pipelines
// are named for the client and counted.
func (f *fixture) queued(client string, n int) {
	f.Helper()
	for i := range n {
		f.startExecution(f.partnerPipeline(fmt.Sprintf("%s%02d", client, i), client))
		f.advance(time.Millisecond)
	}
}

// names are the pipelines of jobs.
func names(jobs []*job.Job) (list []string) {
	for _, j := range jobs {
		list = append(list, j.Pipeline)
	}
	return list
}

// clientTurns: clients of one queue take turns, within a claim and from one to
// the next, and each one's jobs go oldest first.
func clientTurns(f *fixture) {
	for _, c := range []string{"a", "b", "c"} {
		f.client(c)
	}
	f.queued("a", 12)
	f.queued("b", 2)
	f.queued("c", 4)
	first := f.claim(partnerLine, 3)
	f.equal("first claim", names(first), []string{"a00", "b00", "c00"})
	f.equal("client of a job", first[1].ClientID, "b")
	f.equal("second claim", names(f.claim(partnerLine, 4)), []string{"a01", "b01", "c01", "a02"})
	f.equal("the clients that are left", names(f.claim(partnerLine, 1)), []string{"c02"})
	f.equal("one by one", names(f.claim(partnerLine, 1)), []string{"a03"})
	f.equal("to the end of one", names(f.claim(partnerLine, 4)), []string{"c03", "a04", "a05", "a06"})

	f.client("d")
	f.queued("d", 1)
	late := names(append(f.claim(partnerLine, 1), f.claim(partnerLine, 1)...))
	if late[0] != "d00" && late[1] != "d00" {
		f.Errorf("a client that comes late waits for more than one job of another: %v", late)
	}

	f.advance(window)
	all := names(f.claim(partnerLine, 100))
	last := map[byte]string{}
	f.equal("jobs that came back", len(all), 12+2+4+1)
	for i, name := range all {
		if name <= last[name[0]] {
			f.Errorf("%s after %s", name, last[name[0]])
		}
		last[name[0]] = name
		if i > 0 && len(last) < 4 && all[i-1][0] == name[0] {
			f.Errorf("%v: one client twice, and others not yet", all[:i+1])
		}
	}
}

// turnsAcrossReopen: jobs keep their clients.
func turnsAcrossReopen(f *fixture) {
	f.client("a")
	f.client("b")
	f.queued("a", 3)
	f.queued("b", 1)
	f.reopen()
	got := names(f.claim(partnerLine, 2))
	if len(got) != 2 || got[0][0] == got[1][0] {
		f.Errorf("claimed %v", got)
	}
}

// revokedJobs: the open jobs of a revoked client end with their actions,
// whatever their state, and no others.
func revokedJobs(f *fixture) {
	f.delay = time.Minute // before a continuation
	f.use(f.d)
	a := f.client("a")
	f.client("b")
	f.queued("a", 70)
	f.queued("b", 1)
	var handed, working, waiting *job.Job
	for _, j := range f.claim(partnerLine, 4) {
		switch j.Pipeline {
		case "a00":
			handed = j
		case "a01":
			working = j
			f.mustAcknowledge(j)
		case "a02":
			waiting = j
			f.mustAcknowledge(j)
			f.succeed(j.ID, "more")
		}
	}
	f.equal("revoked jobs while none is", len(read(f, func(r store.Reader) ([]string, error) { return r.RevokedJobs(10) })), 0)
	a.Revoked = f.now()
	f.update(func(tx store.Tx) error { return tx.PutClient(a) })
	f.equal("open jobs", len(read(f, func(r store.Reader) ([]string, error) { return r.RevokedJobs(1000) })), 70)
	f.equal("some of them", len(read(f, func(r store.Reader) ([]string, error) { return r.RevokedJobs(5) })), 5)
	f.reopen()
	if err := f.s.EndRevoked(f.Context()); err != nil {
		f.Fatal(err)
	}
	f.equal("open jobs afterwards", len(read(f, func(r store.Reader) ([]string, error) { return r.RevokedJobs(10) })), 0)
	f.equal("a job that was handed out", f.job(handed.ID).State, job.Failed)
	f.equal("a job in progress", f.job(working.ID).State, job.Failed)
	f.equal("a job whose work goes on in another", f.job(waiting.ID).State, job.Succeeded)
	f.advance(window)
	f.equal("what can be claimed", names(f.claim(partnerLine, 100)), []string{"b00"})
	for _, j := range []*job.Job{handed, working, waiting} {
		e := read(f, func(r store.Reader) (*engine.Execution, error) { return r.Execution(j.PipelineID, j.ExecutionID) })
		f.equal("execution of "+j.Pipeline, e.Status, engine.Failed)
		latest := read(f, func(r store.Reader) (map[store.StageAction]engine.ActionRecord, error) {
			return r.LatestActions(j.PipelineID)
		})
		res := latest[store.StageAction{Stage: "Source", Action: "Fetch"}].Result
		f.equal("error of "+j.Pipeline, res.ErrorCode+": "+res.ErrorMessage, "PermissionError: The client 'a' of action 'Fetch' was revoked")
	}
	due := read(f, func(r store.Reader) ([]store.DueTimer, error) { return r.Due(f.now().Add(1000*time.Hour), 100) })
	f.equal("timers left", len(due), 1)
}

// audit: records come in their order, of one account and region, and go when
// they are old.
func audit(f *fixture) {
	put := func(account, what string) store.AuditRecord {
		r := store.AuditRecord{
			Time: f.now(), Account: account, Region: region, Principal: "arn:aws:iam::1:user/u", AccessKeyID: "AKIA1", Source: "127.0.0.1", RequestID: "r",
			Operation: what, Outcome: "OK", ClientID: "c", Jobs: []store.AuditJob{{ID: "j", Pipeline: "p", Stage: "s", Action: "a", ClientID: "c", Secrets: []string{"Token"}}},
		}
		f.update(func(tx store.Tx) error { return tx.PutAudit(r) })
		return r
	}
	list := func(after int64, limit int) []store.AuditRecord {
		return read(f, func(r store.Reader) ([]store.AuditRecord, error) { return r.Audit(account, region, after, limit) })
	}
	before := func(t time.Time) int64 {
		return read(f, func(r store.Reader) (int64, error) { return r.AuditBefore(account, region, t) })
	}
	f.equal("none", list(0, 10), []store.AuditRecord(nil))
	f.equal("before none", before(f.now()), int64(0))
	one := put(account, "One")
	put("222222222222", "Other")
	f.advance(time.Hour)
	two, three := put(account, "Two"), put(account, "Three")
	f.reopen()
	all := list(0, 10)
	if len(all) != 3 || all[0].Number >= all[1].Number || all[1].Number >= all[2].Number {
		f.Fatalf("records %+v", all)
	}
	one.Number, two.Number, three.Number = all[0].Number, all[1].Number, all[2].Number
	f.equal("records", all, []store.AuditRecord{one, two, three})
	f.equal("after the first", list(one.Number, 1), []store.AuditRecord{two})
	f.equal("after the last", len(list(three.Number, 10)), 0)
	f.equal("before the second", before(f.now()), one.Number)
	f.equal("before now", before(f.now().Add(time.Millisecond)), three.Number)
	f.equal("before the first", before(one.Time), int64(0))

	purge := func() {
		for more := true; more; {
			f.update(func(tx store.Tx) (err error) {
				more, err = tx.PurgeAudit(f.now().Add(-store.AuditRetention), 1)
				return err
			})
		}
	}
	f.advance(store.AuditRetention)
	purge()
	f.equal("when the first is too old", list(0, 10), []store.AuditRecord{two, three})
	f.advance(time.Millisecond)
	purge()
	f.equal("when all are", len(list(0, 10)), 0)
	four := put(account, "Four")
	if got := list(three.Number, 10); len(got) != 1 || got[0].Operation != four.Operation {
		f.Errorf("a number was used again: %+v", got)
	}
}

// auditFollowed: who goes on from the last number misses no record, however
// many write at the same time.
func auditFollowed(f *fixture) {
	const writers, each = 8, 25
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range each {
				err := f.d.Update(f.Context(), func(tx store.Tx) error {
					return tx.PutAudit(store.AuditRecord{Time: f.now(), Account: account, Region: region, Operation: "Op"})
				})
				if err != nil {
					f.Errorf("PutAudit: %v", err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	after, seen := int64(0), 0
	look := func() {
		for _, r := range read(f, func(r store.Reader) ([]store.AuditRecord, error) { return r.Audit(account, region, after, 7) }) {
			after, seen = r.Number, seen+1
		}
	}
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
			look()
		}
	}
	for before := -1; before != seen; {
		before = seen
		look()
	}
	f.equal("records", seen, writers*each)
}

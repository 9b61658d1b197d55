package storetest

import (
	"time"

	"penstock/internal/core/engine"
	"penstock/internal/core/job"
	"penstock/internal/core/pipeline"
	"penstock/internal/store"
)

// watchedReader tells which methods of a reader are used. It embeds none, so that
// it does not compile while it lacks one.
type watchedReader struct {
	r    store.Reader
	note func(method string)
}

// watchedTx is the same of a transaction.
type watchedTx struct {
	watchedReader
	tx store.Tx
}

var _ store.Tx = watchedTx{}

// observe notes the methods that are used of a transaction.
func observe(tx store.Tx, note func(method string)) store.Tx {
	return watchedTx{watchedReader{tx, note}, tx}
}

func (w watchedReader) Pipeline(account string, region string, name string) (store.Pipeline, error) {
	w.note("Pipeline")
	return w.r.Pipeline(account, region, name)
}
func (w watchedReader) Pipelines(account string, region string, after string, limit int) ([]store.Pipeline, error) {
	w.note("Pipelines")
	return w.r.Pipelines(account, region, after, limit)
}
func (w watchedReader) CountPipelines(account string, region string) (int, error) {
	w.note("CountPipelines")
	return w.r.CountPipelines(account, region)
}
func (w watchedReader) Declaration(pipelineID int64, version int) (*pipeline.Declaration, error) {
	w.note("Declaration")
	return w.r.Declaration(pipelineID, version)
}
func (w watchedReader) State(pipelineID int64) (*engine.State, error) {
	w.note("State")
	return w.r.State(pipelineID)
}
func (w watchedReader) Execution(pipelineID int64, id string) (*engine.Execution, error) {
	w.note("Execution")
	return w.r.Execution(pipelineID, id)
}
func (w watchedReader) Executions(pipelineID int64, below string, limit int) ([]*engine.Execution, error) {
	w.note("Executions")
	return w.r.Executions(pipelineID, below, limit)
}
func (w watchedReader) ExecutionsPassed(pipelineID int64, stage string, version int, below string, limit int) ([]*engine.Execution, error) {
	w.note("ExecutionsPassed")
	return w.r.ExecutionsPassed(pipelineID, stage, version, below, limit)
}
func (w watchedReader) StartedBy(pipelineID int64, token string) (string, error) {
	w.note("StartedBy")
	return w.r.StartedBy(pipelineID, token)
}
func (w watchedReader) Actions(pipelineID int64, execution string, below string, limit int) ([]engine.ActionRecord, error) {
	w.note("Actions")
	return w.r.Actions(pipelineID, execution, below, limit)
}
func (w watchedReader) LatestActions(pipelineID int64) (map[store.StageAction]engine.ActionRecord, error) {
	w.note("LatestActions")
	return w.r.LatestActions(pipelineID)
}
func (w watchedReader) Action(pipelineID int64, id string) (engine.ActionRecord, error) {
	w.note("Action")
	return w.r.Action(pipelineID, id)
}
func (w watchedReader) Job(id string) (*job.Job, error) {
	w.note("Job")
	return w.r.Job(id)
}
func (w watchedReader) ActionType(account string, region string, id pipeline.ActionType) (*store.ActionType, error) {
	w.note("ActionType")
	return w.r.ActionType(account, region, id)
}
func (w watchedReader) ActionTypes(account string, region string) ([]store.ActionType, error) {
	w.note("ActionTypes")
	return w.r.ActionTypes(account, region)
}
func (w watchedReader) Client(id string) (store.Client, error) {
	w.note("Client")
	return w.r.Client(id)
}
func (w watchedReader) Clients(account string, region string) ([]store.Client, error) {
	w.note("Clients")
	return w.r.Clients(account, region)
}
func (w watchedReader) RevokedJobs(limit int) ([]string, error) {
	w.note("RevokedJobs")
	return w.r.RevokedJobs(limit)
}
func (w watchedReader) Tags(arn string) (map[string]string, error) {
	w.note("Tags")
	return w.r.Tags(arn)
}
func (w watchedReader) Rules(pipelineID int64, execution string, below string, limit int) ([]engine.ActionRecord, error) {
	w.note("Rules")
	return w.r.Rules(pipelineID, execution, below, limit)
}
func (w watchedReader) RegisteredType(region string, id pipeline.ActionType) (*store.ActionType, error) {
	w.note("RegisteredType")
	return w.r.RegisteredType(region, id)
}
func (w watchedReader) RegisteredTypes(region string) ([]store.ActionType, error) {
	w.note("RegisteredTypes")
	return w.r.RegisteredTypes(region)
}
func (w watchedReader) AccessKey(id string) (store.AccessKey, error) {
	w.note("AccessKey")
	return w.r.AccessKey(id)
}
func (w watchedReader) AccessKeys() ([]store.AccessKey, error) {
	w.note("AccessKeys")
	return w.r.AccessKeys()
}
func (w watchedReader) Announced(pipelineID int64, r store.AnnouncedRevision) (string, error) {
	w.note("Announced")
	return w.r.Announced(pipelineID, r)
}
func (w watchedReader) Watches() ([]store.Watch, error) {
	w.note("Watches")
	return w.r.Watches()
}
func (w watchedReader) WatchesOf(bucket string, key string) ([]store.Watch, error) {
	w.note("WatchesOf")
	return w.r.WatchesOf(bucket, key)
}
func (w watchedReader) PipelineWatches(pipelineID int64) ([]store.Watch, error) {
	w.note("PipelineWatches")
	return w.r.PipelineWatches(pipelineID)
}
func (w watchedReader) CountPolling(account string, region string) (int, error) {
	w.note("CountPolling")
	return w.r.CountPolling(account, region)
}
func (w watchedReader) PollingStopped(pipelineID int64) (time.Time, error) {
	w.note("PollingStopped")
	return w.r.PollingStopped(pipelineID)
}
func (w watchedReader) Webhook(account string, region string, name string) (store.Webhook, error) {
	w.note("Webhook")
	return w.r.Webhook(account, region, name)
}
func (w watchedReader) WebhookOf(token string) (store.Webhook, error) {
	w.note("WebhookOf")
	return w.r.WebhookOf(token)
}
func (w watchedReader) Webhooks(account string, region string, after string, limit int) ([]store.Webhook, error) {
	w.note("Webhooks")
	return w.r.Webhooks(account, region, after, limit)
}
func (w watchedReader) CountWebhooks(account string, region string) (int, error) {
	w.note("CountWebhooks")
	return w.r.CountWebhooks(account, region)
}
func (w watchedReader) Connection(id string) (store.Connection, error) {
	w.note("Connection")
	return w.r.Connection(id)
}
func (w watchedReader) Connections(account string, region string) ([]store.Connection, error) {
	w.note("Connections")
	return w.r.Connections(account, region)
}
func (w watchedReader) PipelinesOf(r store.Repository) ([]engine.Pipeline, error) {
	w.note("PipelinesOf")
	return w.r.PipelinesOf(r)
}
func (w watchedReader) Repositories() ([]store.Repository, error) {
	w.note("Repositories")
	return w.r.Repositories()
}
func (w watchedReader) References(r store.Repository) (map[string]string, error) {
	w.note("References")
	return w.r.References(r)
}
func (w watchedReader) EventRule(account string, region string, name string) (store.EventRule, error) {
	w.note("EventRule")
	return w.r.EventRule(account, region, name)
}
func (w watchedReader) EventRules(account string, region string, after string, limit int) ([]store.EventRule, error) {
	w.note("EventRules")
	return w.r.EventRules(account, region, after, limit)
}
func (w watchedReader) CountEventRules(account string, region string) (int, error) {
	w.note("CountEventRules")
	return w.r.CountEventRules(account, region)
}
func (w watchedReader) EventRuleVersion() (int64, error) {
	w.note("EventRuleVersion")
	return w.r.EventRuleVersion()
}
func (w watchedReader) DueEventRules(now time.Time, limit int) ([]store.EventRule, error) {
	w.note("DueEventRules")
	return w.r.DueEventRules(now, limit)
}
func (w watchedReader) NextEventRule() (time.Time, error) {
	w.note("NextEventRule")
	return w.r.NextEventRule()
}
func (w watchedReader) Due(now time.Time, limit int) ([]store.DueTimer, error) {
	w.note("Due")
	return w.r.Due(now, limit)
}
func (w watchedReader) NextTimer() (time.Time, error) {
	w.note("NextTimer")
	return w.r.NextTimer()
}
func (w watchedReader) Outbox(after int64, limit int) ([]store.OutboxEntry, error) {
	w.note("Outbox")
	return w.r.Outbox(after, limit)
}
func (w watchedReader) OutboxSpan() (int64, int64, error) {
	w.note("OutboxSpan")
	return w.r.OutboxSpan()
}
func (w watchedReader) OutboxBefore(t time.Time) (int64, error) {
	w.note("OutboxBefore")
	return w.r.OutboxBefore(t)
}
func (w watchedReader) SinkCursor(sink string) (int64, error) {
	w.note("SinkCursor")
	return w.r.SinkCursor(sink)
}
func (w watchedReader) Audit(account string, region string, after int64, limit int) ([]store.AuditRecord, error) {
	w.note("Audit")
	return w.r.Audit(account, region, after, limit)
}
func (w watchedReader) AuditBefore(account string, region string, t time.Time) (int64, error) {
	w.note("AuditBefore")
	return w.r.AuditBefore(account, region, t)
}
func (w watchedReader) OldExecutions(t time.Time, above string, limit int) ([]store.OldExecution, error) {
	w.note("OldExecutions")
	return w.r.OldExecutions(t, above, limit)
}
func (w watchedReader) PipelineVersions(t time.Time, above store.PipelineVersion, limit int) ([]store.PipelineVersion, error) {
	w.note("PipelineVersions")
	return w.r.PipelineVersions(t, above, limit)
}
func (w watchedReader) Sizes() ([]store.Size, int64, error) {
	w.note("Sizes")
	return w.r.Sizes()
}

func (w watchedTx) InsertPipeline(p store.Pipeline, d *pipeline.Declaration) (int64, error) {
	w.note("InsertPipeline")
	return w.tx.InsertPipeline(p, d)
}
func (w watchedTx) PutVersion(pipelineID int64, d *pipeline.Declaration, now time.Time) error {
	w.note("PutVersion")
	return w.tx.PutVersion(pipelineID, d, now)
}
func (w watchedTx) DeletePipeline(pipelineID int64) error {
	w.note("DeletePipeline")
	return w.tx.DeletePipeline(pipelineID)
}
func (w watchedTx) Snapshot(pipelineID int64, ev engine.Event) (*engine.Snapshot, error) {
	w.note("Snapshot")
	return w.tx.Snapshot(pipelineID, ev)
}
func (w watchedTx) Apply(s *engine.Snapshot, p engine.Plan) error {
	w.note("Apply")
	return w.tx.Apply(s, p)
}
func (w watchedTx) PutStartToken(pipelineID int64, token string, execution string) error {
	w.note("PutStartToken")
	return w.tx.PutStartToken(pipelineID, token, execution)
}
func (w watchedTx) SaveJob(j *job.Job) error {
	w.note("SaveJob")
	return w.tx.SaveJob(j)
}
func (w watchedTx) PutActionType(t store.ActionType) error {
	w.note("PutActionType")
	return w.tx.PutActionType(t)
}
func (w watchedTx) InsertAccessKey(k store.AccessKey) error {
	w.note("InsertAccessKey")
	return w.tx.InsertAccessKey(k)
}
func (w watchedTx) DeleteAccessKey(id string) error {
	w.note("DeleteAccessKey")
	return w.tx.DeleteAccessKey(id)
}
func (w watchedTx) PutClient(c store.Client) error {
	w.note("PutClient")
	return w.tx.PutClient(c)
}
func (w watchedTx) SetTags(arn string, tags map[string]string) error {
	w.note("SetTags")
	return w.tx.SetTags(arn, tags)
}
func (w watchedTx) PutAnnounced(pipelineID int64, r store.AnnouncedRevision) error {
	w.note("PutAnnounced")
	return w.tx.PutAnnounced(pipelineID, r)
}
func (w watchedTx) SetWatches(pipelineID int64, value []store.Watch) error {
	w.note("SetWatches")
	return w.tx.SetWatches(pipelineID, value)
}
func (w watchedTx) Saw(pipelineID int64, action string, revision string) error {
	w.note("Saw")
	return w.tx.Saw(pipelineID, action, revision)
}
func (w watchedTx) ClaimRevision(value store.Watch, revision string) (bool, error) {
	w.note("ClaimRevision")
	return w.tx.ClaimRevision(value, revision)
}
func (w watchedTx) SetWatchProblem(value store.Watch, p store.WatchProblem) error {
	w.note("SetWatchProblem")
	return w.tx.SetWatchProblem(value, p)
}
func (w watchedTx) StopPolling(pipelineID int64, now time.Time) error {
	w.note("StopPolling")
	return w.tx.StopPolling(pipelineID, now)
}
func (w watchedTx) PutWebhook(value store.Webhook) error {
	w.note("PutWebhook")
	return w.tx.PutWebhook(value)
}
func (w watchedTx) DeleteWebhook(account string, region string, name string) error {
	w.note("DeleteWebhook")
	return w.tx.DeleteWebhook(account, region, name)
}
func (w watchedTx) Delivered(webhookID int64, delivery string, now time.Time) (bool, error) {
	w.note("Delivered")
	return w.tx.Delivered(webhookID, delivery, now)
}
func (w watchedTx) PutConnection(c store.Connection) error {
	w.note("PutConnection")
	return w.tx.PutConnection(c)
}
func (w watchedTx) DeleteConnection(id string) error {
	w.note("DeleteConnection")
	return w.tx.DeleteConnection(id)
}
func (w watchedTx) SetGitSources(pipelineID int64, s []store.GitSource) error {
	w.note("SetGitSources")
	return w.tx.SetGitSources(pipelineID, s)
}
func (w watchedTx) SetReferences(r store.Repository, refs map[string]string) error {
	w.note("SetReferences")
	return w.tx.SetReferences(r, refs)
}
func (w watchedTx) ConnectionDelivered(connection string, delivery string, now time.Time) (bool, error) {
	w.note("ConnectionDelivered")
	return w.tx.ConnectionDelivered(connection, delivery, now)
}
func (w watchedTx) PutEventRule(r store.EventRule) error {
	w.note("PutEventRule")
	return w.tx.PutEventRule(r)
}
func (w watchedTx) DeleteEventRule(account string, region string, name string) error {
	w.note("DeleteEventRule")
	return w.tx.DeleteEventRule(account, region, name)
}
func (w watchedTx) ClaimEventRule(r store.EventRule, next time.Time) (bool, error) {
	w.note("ClaimEventRule")
	return w.tx.ClaimEventRule(r, next)
}
func (w watchedTx) SetSinkCursor(sink string, number int64) error {
	w.note("SetSinkCursor")
	return w.tx.SetSinkCursor(sink, number)
}
func (w watchedTx) AdvanceSinkCursor(sink string, from int64, to int64) (bool, error) {
	w.note("AdvanceSinkCursor")
	return w.tx.AdvanceSinkCursor(sink, from, to)
}
func (w watchedTx) PutAudit(r store.AuditRecord) error {
	w.note("PutAudit")
	return w.tx.PutAudit(r)
}
func (w watchedTx) RemoveExecution(pipelineID int64, e *engine.Execution) (bool, error) {
	w.note("RemoveExecution")
	return w.tx.RemoveExecution(pipelineID, e)
}
func (w watchedTx) RemoveVersion(pipelineID int64, version int) (bool, error) {
	w.note("RemoveVersion")
	return w.tx.RemoveVersion(pipelineID, version)
}
func (w watchedTx) PurgeAudit(t time.Time, limit int) (bool, error) {
	w.note("PurgeAudit")
	return w.tx.PurgeAudit(t, limit)
}
func (w watchedTx) ClearTimer(t engine.Timer) error {
	w.note("ClearTimer")
	return w.tx.ClearTimer(t)
}
func (w watchedTx) Purge(now time.Time, limit int) (bool, error) {
	w.note("Purge")
	return w.tx.Purge(now, limit)
}

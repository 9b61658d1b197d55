package engine

import (
	"maps"
	"slices"
	"time"

	"penstock/internal/core/fault"
	"penstock/internal/core/job"
	"penstock/internal/core/pipeline"
	"penstock/internal/core/variable"
)

// Codes of errorDetails that the engine itself reports.
const (
	ConfigurationError = "ConfigurationError"
	PermissionError    = "PermissionError"
	TimeoutError       = "TimeoutError"
	JobFailedError     = "JobFailed"
)

// canceledApproval is the summary of an approval that nobody can answer any
// more.
const canceledApproval = "The approval action has been canceled."

// startAction begins an attempt at an action: a record, then a job or an open
// approval. When the action cannot start, the attempt fails at once.
func (t *turn) startAction(e *Execution, run *StageRun, a *pipeline.Action) {
	info := t.env.Type(a.Type)
	a = hiding(a, info.Secrets)
	rec := t.record(e, run, a)
	act := Action{
		ID: rec.ID, Name: a.Name, Status: InProgress, Started: t.env.Now, Updated: t.env.Now,
		Approval: rec.Approval,
	}
	work, err := t.prepare(e, a, info)
	if err == nil {
		rec.Resolved = mask(work.Configuration, a.Secrets)
		rec.Inputs, rec.Outputs = artifacts(work.Inputs), artifacts(work.Outputs)
		act.Outputs, act.Deadline = rec.Outputs, t.env.Now.Add(timeLimit(a, info))
	}
	t.add(ActionStarted{rec})
	run.Actions = append(run.Actions, act) // a retry has removed older attempts
	now := run.Action(a.Name)
	started := t.emitAction(e, run, a, now, "STARTED", rec.Inputs, nil, Result{})
	if err != nil {
		t.endAction(e, run, now, Failed, "FAILED", unstarted(err))
		return
	}
	if act.Approval {
		started.Request = approvalRequest(work.Configuration, act.Deadline)
		return
	}
	work.Deadline = act.Deadline
	j := t.newJob(e, run, a, info, act.ID, work)
	if info.Queryable != "" {
		j.Query = work.Configuration[info.Queryable]
	}
	if info.Kind == job.Partner {
		j.ClientID, _ = client(a, work.Configuration, info)
	}
	now.Job = j.ID
	t.openJob(j)
}

// hiding returns the action with what its type hides now among its secrets: a
// registered type may have come to hide a property after the declaration was
// stored.
func hiding(a *pipeline.Action, secrets []string) *pipeline.Action {
	for _, key := range secrets {
		if _, set := a.Configuration[key]; set && !slices.Contains(a.Secrets, key) {
			c := *a
			c.Secrets = append(slices.Clip(c.Secrets), key)
			a = &c
		}
	}
	return a
}

// openJob opens a job; the time of one that is pushed runs from now on.
func (t *turn) openJob(j *job.Job) {
	t.add(JobOpened{j})
	if !j.ReportBy.IsZero() {
		t.add(TimerSet{JobTimer(j)})
	}
}

// unstarted describes an attempt that could not start.
func unstarted(err error) Result {
	if f, ok := err.(*fault.Error); ok {
		return Result{ErrorCode: f.Code, ErrorMessage: f.Message}
	}
	return Result{ErrorCode: ConfigurationError, ErrorMessage: err.Error()}
}

// record begins the history of an attempt at an action or a rule.
func (t *turn) record(e *Execution, run *StageRun, a *pipeline.Action) ActionRecord {
	shown := mask(a.Configuration, a.Secrets)
	return ActionRecord{
		ID: t.env.NewID(), Execution: e.ID, Version: e.Version, Stage: run.Stage, Action: a.Name,
		Status: InProgress, Started: t.env.Now, Updated: t.env.Now,
		Type: a.Type, RoleARN: a.RoleARN, Region: t.region(a), Namespace: a.Namespace,
		Declared: shown, Resolved: shown, Approval: a.Type.Category == "Approval", Parallel: e.Mode == pipeline.Parallel,
	}
}

// newJob hands the work of an attempt to a worker.
func (t *turn) newJob(e *Execution, run *StageRun, a *pipeline.Action, info TypeInfo, attempt string, work job.Data) *job.Job {
	j := &job.Job{
		ID: t.env.NewID(), Kind: info.Kind, PipelineID: t.snap.Pipeline.ID,
		Account: t.snap.Pipeline.Account, Region: t.snap.Pipeline.Region, Pipeline: t.snap.Pipeline.Name,
		ExecutionID: e.ID, ActionExecutionID: attempt, Stage: run.Stage, Action: a.Name, Type: a.Type,
		Data: work, QueuedAt: t.env.Now, Timeout: info.JobTimeout, Home: info.Home, State: job.Queued,
	}
	j.Limit()
	return j
}

func (t *turn) region(a *pipeline.Action) string {
	if a.Region != "" {
		return a.Region
	}
	return t.snap.Pipeline.Region
}

// timeLimit is the action's own limit where it may have one, else its type's.
func timeLimit(a *pipeline.Action, info TypeInfo) time.Duration {
	if a.TimeoutInMinutes > 0 {
		return time.Duration(a.TimeoutInMinutes) * time.Minute
	}
	if info.Timeout > 0 {
		return info.Timeout
	}
	return time.Hour
}

// prepare finds all that the action needs to start.
func (t *turn) prepare(e *Execution, a *pipeline.Action, info TypeInfo) (job.Data, error) {
	var w job.Data
	if !info.Available {
		return w, fault.New(ConfigurationError, "ActionType (Category: '%s', Owner: '%s', Provider: '%s', Version: '%s') is not available",
			a.Type.Category, a.Type.Owner, a.Type.Provider, a.Type.Version)
	}
	if info.Unrunnable != "" {
		return w, fault.New(ConfigurationError, "%s", info.Unrunnable)
	}
	r := newResolver(e)
	w.Configuration = make(map[string]string, len(a.Configuration))
	for _, k := range slices.Sorted(maps.Keys(a.Configuration)) {
		r.left -= len(k)
		out, err := r.resolve(a.Configuration[k])
		if err != nil {
			return w, err
		}
		w.Configuration[k] = out
	}
	r = newResolver(e)
	if v := w.Configuration[info.Queryable]; info.Queryable != "" && !pollable(v) {
		return w, fault.New(variable.CodeInvalidConfiguration, "The value of %s can be polled for only if it has 1 to 50 letters, digits, hyphens and underscores; no job worker would ever get this job", info.Queryable)
	}
	var err error
	if w.Commands, err = r.all(a.Commands); err != nil {
		return w, err
	}
	for _, v := range a.Environment {
		if v.Value, err = r.resolve(v.Value); err != nil {
			return w, err
		}
		w.Environment = append(w.Environment, v)
	}
	if info.Kind == job.Partner {
		if _, err := client(a, w.Configuration, info); err != nil {
			return w, err
		}
	}
	for _, name := range a.Inputs {
		i := slices.IndexFunc(e.Artifacts, func(x Artifact) bool { return x.Name == name })
		if i < 0 {
			return w, fault.New(ConfigurationError, "The input artifact '%s' of action '%s' has not been produced", name, a.Name)
		}
		w.Inputs = append(w.Inputs, job.Artifact(jobArtifact(e.Artifacts[i])))
	}
	store, ok := pipeline.StoreFor(t.declaration(e), t.region(a))
	if !ok {
		return w, fault.New(ConfigurationError, "The pipeline has no artifact store for region %s", t.region(a))
	}
	zip := a.Type.Category == "Source" && a.Type.Provider != "CodeStarSourceConnection"
	for _, o := range a.Outputs {
		w.Outputs = append(w.Outputs, job.Artifact{
			Name: o.Name, Bucket: store.Bucket,
			Key: pipeline.ArtifactKey(t.snap.Pipeline.Name, o.Name, t.env.NewKey(), zip),
		})
		if len(o.Files) > 0 {
			if w.OutputFiles == nil {
				w.OutputFiles = map[string][]string{}
			}
			w.OutputFiles[o.Name] = o.Files
		}
	}
	w.Secrets, w.OutputVariables, w.EncryptionKey, w.Function = a.Secrets, a.OutputVariables, store.Key, info.Function
	if a.Type.Category == "Source" {
		bind(e, a, &w)
	}
	return w, nil
}

// bind tells a source action which revision to read, if it is not the newest:
// Penstock's own actions by the override of their type, job workers by the
// revision of the output artifacts.
func bind(e *Execution, a *pipeline.Action, w *job.Data) {
	if b := e.binding(a); b != nil {
		for i := range w.Outputs {
			w.Outputs[i].Revision = b.ID
		}
		if kinds := overrideTypes(a.Type); len(kinds) > 0 {
			w.Overrides = map[string]string{kinds[0]: b.ID}
		}
		if e.Bound.Event != nil {
			w.Event = e.Bound.Event.variables()
		}
	}
	for _, o := range e.Overrides {
		if o.Action == a.Name {
			if w.Overrides == nil {
				w.Overrides = map[string]string{}
			}
			w.Overrides[o.Type] = o.Value
		}
	}
}

// binding is the revision that the source action is bound to, nil if it reads
// the newest.
func (e *Execution) binding(a *pipeline.Action) *Revision {
	if e.Bound == nil || e.Bound.Action != a.Name || a.Type.Category != "Source" {
		return nil
	}
	return &e.Bound.Revision
}

// pollable reports whether a poll can ask for the value of a queryable
// property (QueryParamMap).
func pollable(v string) bool {
	if v == "" || len(v) > 50 {
		return false
	}
	for _, c := range []byte(v) {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-') {
			return false
		}
	}
	return true
}

// client picks the client whose job a partner action becomes: the one that the
// configuration names, else the only one that is connected.
func client(a *pipeline.Action, config map[string]string, info TypeInfo) (string, error) {
	if id := config["ClientId"]; id != "" {
		if slices.Contains(info.Clients, id) {
			return id, nil
		}
		return "", fault.New(ConfigurationError, "No client '%s' is connected for action '%s'; see `penstock partner list`", id, a.Name)
	}
	switch len(info.Clients) {
	case 1:
		return info.Clients[0], nil
	case 0:
		return "", fault.New(ConfigurationError, "No client is connected for action '%s'; run `penstock partner connect --provider %s`", a.Name, a.Type.Provider)
	default:
		return "", fault.New(ConfigurationError, "%d clients are connected for action '%s'; name one by the configuration key ClientId", len(info.Clients), a.Name)
	}
}

// resolver replaces variable references by what the execution knows, up to a
// size of all texts together.
type resolver struct {
	e    *Execution
	left int // bytes
}

func newResolver(e *Execution) *resolver { return &resolver{e, variable.MaxResolvedBytes} }

func (r *resolver) resolve(s string) (string, error) {
	out, err := variable.Resolve(s, r.left, r.lookup)
	r.left -= len(out)
	return out, err
}

func (r *resolver) all(in []string) (out []string, err error) {
	for _, s := range in {
		if s, err = r.resolve(s); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

func (r *resolver) lookup(namespace, key string) (string, bool) {
	switch {
	case namespace == variable.Builtin:
		return r.e.ID, key == variable.PipelineExecutionID
	case namespace == variable.Pipeline && len(r.e.Variables) > 0:
		for _, v := range r.e.Variables {
			if v.Name == key {
				return v.Value, true
			}
		}
		return "", false
	}
	for _, o := range r.e.Outputs {
		if o.Namespace == namespace {
			v, ok := o.Values[key]
			return v, ok
		}
	}
	return "", false
}

// endAction ends the attempt and whatever it waited for.
func (t *turn) endAction(e *Execution, run *StageRun, a *Action, s Status, event string, res Result) {
	if a.Status != InProgress {
		return
	}
	a.Status, a.Updated = s, t.env.Now
	res, a.Reported = a.Reported.Merge(res), Result{}
	a.Job, a.JobDue = "", time.Time{}
	decl := t.declaration(e).Stage(run.Stage).Action(a.Name)
	if s == Succeeded {
		if res.Revision == nil {
			res.Revision = e.binding(decl)
		}
		t.keep(e, decl, a, res)
	}
	t.add(ActionUpdated{ID: a.ID, Status: s, At: t.env.Now, Result: res})
	var outputs []Artifact
	if s == Succeeded {
		outputs = a.Outputs
	}
	t.emitAction(e, run, decl, a, event, t.inputs(e, decl), outputs, res)
}

// keep records what a successful action leaves for later ones.
func (t *turn) keep(e *Execution, decl *pipeline.Action, a *Action, res Result) {
	revision := ""
	if decl.Type.Category == "Source" {
		rev := SourceRevision{Action: a.Name, Created: t.env.Now}
		if r := res.Revision; r != nil {
			rev.ID, rev.ChangeID, rev.Summary, rev.Created = r.ID, r.ChangeID, r.Summary, r.Created
		}
		for _, o := range decl.Outputs {
			rev.Artifacts = append(rev.Artifacts, o.Name)
		}
		revision = rev.ID
		e.Revisions = append(slices.DeleteFunc(e.Revisions, func(r SourceRevision) bool { return r.Action == a.Name }), rev)
	}
	for i := range a.Outputs {
		o := a.Outputs[i]
		o.Revision = revision
		e.Artifacts = append(slices.DeleteFunc(e.Artifacts, func(x Artifact) bool { return x.Name == o.Name }), o)
	}
	if decl.Namespace != "" {
		e.Outputs = append(slices.DeleteFunc(e.Outputs, func(o Outputs) bool { return o.Namespace == decl.Namespace }),
			Outputs{decl.Namespace, res.Variables})
	}
}

func (t *turn) inputs(e *Execution, decl *pipeline.Action) []Artifact {
	var in []Artifact
	for _, name := range decl.Inputs {
		for _, a := range e.Artifacts {
			if a.Name == name {
				in = append(in, a)
			}
		}
	}
	return in
}

func (t *turn) emitAction(e *Execution, run *StageRun, decl *pipeline.Action, a *Action, event string, in, out []Artifact, res Result) (told *ActionChange) {
	t.emit(e, event, func(c *StateChange) {
		c.Stage, c.Started = run.Stage, a.Started
		told = &ActionChange{
			Name: a.Name, ID: a.ID, Region: t.region(decl), Type: decl.Type, Inputs: in, Outputs: out,
			Result: Result{ExternalID: res.ExternalID, Summary: res.Summary, ErrorCode: res.ErrorCode, ErrorMessage: res.ErrorMessage},
		}
		c.Action = told
	})
	return told
}

func jobArtifact(a Artifact) job.Artifact {
	return job.Artifact{Name: a.Name, Revision: a.Revision, Bucket: a.Bucket, Key: a.Key}
}

func artifacts(in []job.Artifact) []Artifact {
	out := make([]Artifact, len(in))
	for i, a := range in {
		out[i] = Artifact{Name: a.Name, Bucket: a.Bucket, Key: a.Key, Revision: a.Revision}
	}
	return out
}

// mask hides the secrets of a configuration; one without any is not copied.
func mask(config map[string]string, secrets []string) map[string]string {
	if len(secrets) == 0 {
		return config
	}
	return pipeline.MaskConfiguration(config, secrets)
}

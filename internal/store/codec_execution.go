package store

import "penstock/internal/core/engine"

// AppendExecution appends the document of an execution to b.
func AppendExecution(b []byte, e *engine.Execution) []byte {
	o := object(b)
	o.open()
	o.text("ID", e.ID)
	o.number("Number", e.Number)
	o.number("Version", int64(e.Version))
	o.text("Mode", e.Mode)
	o.text("RollbackTarget", e.RollbackTarget)
	o.text("Status", string(e.Status))
	o.text("Summary", e.Summary)
	o.time("Started", e.Started)
	o.time("Updated", e.Updated)
	one(&o, "Trigger", &e.Trigger, trigger)
	one(&o, "Stop", e.Stop, func(o *object, s *engine.Stop) {
		o.flag("Abandon", s.Abandon)
		o.text("Reason", s.Reason)
	})
	o.flag("Outdated", e.Outdated)
	o.number("Attempt", int64(e.Attempt))
	each(&o, "Variables", e.Variables, func(o *object, v *engine.Variable) {
		o.text("Name", v.Name)
		o.text("Value", v.Value)
	})
	each(&o, "Overrides", e.Overrides, func(o *object, v *engine.Override) {
		o.text("Action", v.Action)
		o.text("Type", v.Type)
		o.text("Value", v.Value)
	})
	one(&o, "Bound", e.Bound, binding)
	o.number("Chain", int64(e.Chain))
	o.time("Alarm", e.Alarm)
	o.text("Stage", e.Stage)
	o.flag("Inside", e.Inside)
	each(&o, "Runs", e.Runs, stageRun)
	each(&o, "Artifacts", e.Artifacts, artifact)
	each(&o, "Outputs", e.Outputs, func(o *object, v *engine.Outputs) {
		o.text("Namespace", v.Namespace)
		o.dict("Values", v.Values)
	})
	each(&o, "Revisions", e.Revisions, func(o *object, v *engine.SourceRevision) {
		o.text("Action", v.Action)
		o.texts("Artifacts", v.Artifacts)
		o.text("ID", v.ID)
		o.text("ChangeID", v.ChangeID)
		o.text("Summary", v.Summary)
		o.time("Created", v.Created)
	})
	o.close()
	return o
}

// DecodeExecution reads what AppendExecution wrote.
func DecodeExecution(b []byte) (*engine.Execution, error) { return decode[engine.Execution](b) }

func stageRun(o *object, r *engine.StageRun) {
	o.text("Stage", r.Stage)
	o.text("Status", string(r.Status))
	o.time("Started", r.Started)
	o.number("ManualRetries", int64(r.ManualRetries))
	o.number("AutoRetries", int64(r.AutoRetries))
	o.text("LatestRetry", r.LatestRetry)
	o.time("Retried", r.Retried)
	each(o, "Actions", r.Actions, attempt)
	each(o, "Conditions", r.Conditions, func(o *object, c *engine.Condition) {
		o.text("Place", string(c.Place))
		o.text("Status", string(c.Status))
		o.time("Updated", c.Updated)
		o.text("Summary", c.Summary)
		each(o, "Rules", c.Rules, attempt)
	})
}

func attempt(o *object, a *engine.Action) {
	o.text("ID", a.ID)
	o.text("Name", a.Name)
	o.text("Status", string(a.Status))
	o.time("Started", a.Started)
	o.time("Updated", a.Updated)
	o.flag("Approval", a.Approval)
	o.flag("Answered", a.Answered)
	o.text("Job", a.Job)
	o.time("Deadline", a.Deadline)
	o.time("JobDue", a.JobDue)
	resultMember(o, "Reported", &a.Reported)
	each(o, "Outputs", a.Outputs, artifact)
}

func trigger(o *object, t *engine.Trigger) {
	o.text("Type", t.Type)
	o.text("Detail", t.Detail)
}

func binding(o *object, b *engine.Binding) {
	o.text("Action", b.Action)
	one(o, "Revision", &b.Revision, revision)
	one(o, "Event", b.Event, func(o *object, g *engine.GitEvent) {
		o.text("Provider", g.Provider)
		o.text("Connection", g.Connection)
		o.text("Repository", g.Repository)
		o.text("Branch", g.Branch)
		o.text("Tag", g.Tag)
		one(o, "PullRequest", g.PullRequest, func(o *object, p *engine.PullRequest) {
			o.text("ID", p.ID)
			o.text("Title", p.Title)
			o.text("Source", p.Source)
			o.text("Destination", p.Destination)
		})
		o.text("Message", g.Message)
		o.text("AuthorName", g.AuthorName)
		o.text("AuthorEmail", g.AuthorEmail)
		o.text("AuthorID", g.AuthorID)
		o.time("AuthorDate", g.AuthorDate)
	})
}

func artifact(o *object, a *engine.Artifact) {
	o.text("Name", a.Name)
	o.text("Bucket", a.Bucket)
	o.text("Key", a.Key)
	o.text("Revision", a.Revision)
}

// AppendState appends the document of a pipeline's state to b.
func AppendState(b []byte, s *engine.State) []byte {
	o := object(b)
	o.open()
	o.number("Sequence", s.Sequence)
	o.texts("Live", s.Live)
	each(&o, "Stages", s.Stages, func(o *object, s *engine.Stage) {
		o.text("Name", s.Name)
		o.text("Holder", s.Holder)
		o.texts("Waiting", s.Waiting)
		o.text("Latest", s.Latest)
		o.text("Passed", s.Passed)
		transition(o, "Inbound", &s.Inbound)
		transition(o, "Outbound", &s.Outbound)
	})
	o.close()
	return o
}

// DecodeState reads what AppendState wrote.
func DecodeState(b []byte) (*engine.State, error) { return decode[engine.State](b) }

func transition(o *object, name string, t *engine.Transition) {
	if *t == (engine.Transition{}) {
		return
	}
	one(o, name, t, func(o *object, t *engine.Transition) {
		o.flag("Disabled", t.Disabled)
		o.text("Reason", t.Reason)
		o.text("ChangedBy", t.ChangedBy)
		o.time("ChangedAt", t.ChangedAt)
	})
}

package store

import (
	"maps"

	"penstock/internal/core/engine"
	"penstock/internal/core/pipeline"
)

// AppendAction appends the part of an action's record to b that its start
// fixes; Status, Updated, HasOutputs and Result change and are stored apart.
func AppendAction(b []byte, r *engine.ActionRecord) []byte {
	o := object(b)
	o.open()
	o.text("ID", r.ID)
	o.text("Execution", r.Execution)
	o.number("Version", int64(r.Version))
	o.text("Stage", r.Stage)
	o.text("Action", r.Action)
	o.time("Started", r.Started)
	one(&o, "Type", &r.Type, actionType)
	o.text("RoleARN", r.RoleARN)
	o.text("Region", r.Region)
	o.text("Namespace", r.Namespace)
	o.dict("Declared", r.Declared)
	if !maps.Equal(r.Resolved, r.Declared) { // as a rule nothing is replaced
		o.dict("Resolved", r.Resolved)
	}
	each(&o, "Inputs", r.Inputs, artifact)
	each(&o, "Outputs", r.Outputs, artifact)
	o.flag("Approval", r.Approval)
	o.flag("Parallel", r.Parallel)
	o.close()
	return o
}

// DecodeAction reads what AppendAction wrote.
func DecodeAction(b []byte) (*engine.ActionRecord, error) {
	r, err := decode[engine.ActionRecord](b)
	if err == nil && r.Resolved == nil {
		r.Resolved = r.Declared
	}
	return r, err
}

// AppendResult appends the result of an action to b, nothing when it says
// nothing.
func AppendResult(b []byte, r *engine.Result) []byte {
	o := object(b)
	start := len(b)
	o.open()
	result(&o, r)
	if len(o) == start+1 {
		return b
	}
	o.close()
	return o
}

// resultMember appends a member unless the result says nothing.
func resultMember(o *object, name string, r *engine.Result) {
	without := len(*o)
	o.key(name)
	empty := len(*o)
	if *o = AppendResult(*o, r); len(*o) == empty {
		*o = (*o)[:without]
	}
}

// DecodeResult reads what AppendResult wrote.
func DecodeResult(b []byte) (engine.Result, error) {
	if len(b) == 0 {
		return engine.Result{}, nil
	}
	r, err := decode[engine.Result](b)
	if err != nil {
		return engine.Result{}, err
	}
	return *r, nil
}

func result(o *object, r *engine.Result) {
	o.text("ExternalID", r.ExternalID)
	o.text("Summary", r.Summary)
	if r.Percent != nil {
		o.key("Percent")
		*o = appendInt(*o, *r.Percent)
	}
	o.text("ErrorCode", r.ErrorCode)
	o.text("ErrorMessage", r.ErrorMessage)
	o.text("UpdatedBy", r.UpdatedBy)
	o.dict("Variables", r.Variables)
	one(o, "Revision", r.Revision, revision)
}

func revision(o *object, r *engine.Revision) {
	o.text("ID", r.ID)
	o.text("ChangeID", r.ChangeID)
	o.text("Summary", r.Summary)
	o.time("Created", r.Created)
}

func actionType(o *object, t *pipeline.ActionType) {
	o.text("Category", t.Category)
	o.text("Owner", t.Owner)
	o.text("Provider", t.Provider)
	o.text("Version", t.Version)
}

// AppendStateChanges appends the state changes of one decision to b, as one
// array. What is as in the change before is left out.
func AppendStateChanges(b []byte, changes []engine.Change) []byte {
	o := append(object(b), '[')
	var before engine.StateChange
	for i := range changes {
		e, ok := changes[i].(engine.Emitted)
		if !ok {
			continue
		}
		o.next()
		o.open()
		stateChange(&o, &e.StateChange, &before)
		o.close()
		before = e.StateChange
	}
	return append(o, ']')
}

// DecodeStateChanges reads what AppendStateChanges wrote.
func DecodeStateChanges(b []byte) ([]engine.StateChange, error) {
	list, err := decode[[]engine.StateChange](b)
	if err != nil {
		return nil, err
	}
	for i := 1; i < len(*list); i++ {
		c, before := &(*list)[i], &(*list)[i-1]
		if c.At.IsZero() {
			c.At = before.At
		}
		if c.Execution == "" {
			c.Execution = before.Execution
		}
		if c.Version == 0 {
			c.Version = before.Version
		}
		if c.Attempt == 0 {
			c.Attempt = before.Attempt
		}
	}
	return *list, nil
}

func stateChange(o *object, c, before *engine.StateChange) {
	if !c.At.Equal(before.At) {
		o.time("At", c.At)
	}
	o.text("State", c.State)
	if c.Execution != before.Execution {
		o.text("Execution", c.Execution)
	}
	if c.Version != before.Version {
		o.number("Version", int64(c.Version))
	}
	o.time("Started", c.Started)
	if c.Attempt != before.Attempt {
		o.number("Attempt", int64(c.Attempt))
	}
	one(o, "Trigger", c.Trigger, trigger)
	one(o, "Bound", c.Bound, binding)
	o.text("Comment", c.Comment)
	o.text("Stage", c.Stage)
	o.time("Retried", c.Retried)
	one(o, "Action", c.Action, func(o *object, a *engine.ActionChange) {
		o.text("Name", a.Name)
		o.text("ID", a.ID)
		o.text("Region", a.Region)
		one(o, "Type", &a.Type, actionType)
		each(o, "Inputs", a.Inputs, artifact)
		each(o, "Outputs", a.Outputs, artifact)
		resultMember(o, "Result", &a.Result)
		one(o, "Request", a.Request, func(o *object, r *engine.ApprovalRequest) {
			o.text("Topic", r.Topic)
			o.text("Link", r.Link)
			o.text("CustomData", r.CustomData)
			o.time("Expires", r.Expires)
		})
	})
}

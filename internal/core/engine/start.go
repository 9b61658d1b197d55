package engine

import (
	"slices"
	"strings"

	"penstock/internal/core/fault"
	"penstock/internal/core/pipeline"
)

// start begins an execution; the order of its checks is engine.md section 4.1.
func (t *turn) start(ev Start) error {
	d := t.snap.Declaration()
	if err := checkVariables(d, ev.Variables); err != nil {
		return err
	}
	if err := checkOverrides(d, ev.Overrides); err != nil {
		return err
	}
	if ev.Replay != "" {
		t.answer = ev.Replay
		return nil
	}
	full := t.full(d.Mode)
	if full && answersLimit(ev.Trigger) {
		return t.limitExceeded(d.Mode)
	}
	e := t.begin(&Execution{Trigger: ev.Trigger, Overrides: ev.Overrides, Bound: ev.Bound, Chain: ev.Chain, Stage: d.Stages[0].Name})
	t.answer = e.ID
	if full {
		t.setStatus(e, Failed, "FAILED")
		return nil
	}
	values, missing := resolveVariables(d, ev.Variables)
	if len(missing) > 0 {
		e.Summary = "Values for required variables haven't been provided: " + strings.Join(missing, ",")
		t.setStatus(e, Failed, "FAILED")
		return nil
	}
	e.Variables = values
	t.arrive(e)
	return nil
}

// begin adds the execution e, of which the caller sets what is its own, under
// the declaration in force.
func (t *turn) begin(e *Execution) *Execution {
	t.dirty = true
	t.state.Sequence++
	e.ID, e.Number = t.env.NewID(), t.state.Sequence
	e.Version, e.Mode = t.snap.Current, t.snap.Declaration().Mode
	e.Status, e.Started, e.Updated, e.Attempt = InProgress, t.env.Now, t.env.Now, 1
	t.create(e)
	t.state.Live = append(t.state.Live, e.ID)
	t.emit(e, "STARTED", func(c *StateChange) { c.Trigger, c.Bound = &e.Trigger, e.gitTriggered() })
	return e
}

func checkVariables(d *pipeline.Declaration, given []Variable) error {
	if d.Type == pipeline.V1 && len(given) > 0 {
		return fault.New("ValidationException", "Variables can only be given when starting a V2 pipeline; '%s' is a V1 pipeline", d.Name)
	}
	seen := map[string]bool{}
	for _, v := range given {
		if seen[v.Name] {
			return fault.New("ValidationException", "Variable names must be unique. The following variable name is already in use: %s", v.Name)
		}
		seen[v.Name] = true
	}
	return nil
}

// maxLive is how many executions of a QUEUED or PARALLEL pipeline may be
// InProgress or Stopping at a time (quota page).
const maxLive = 50

func (t *turn) full(mode string) bool {
	return mode != pipeline.Superseded && len(t.state.Live) >= maxLive
}

func (t *turn) limitExceeded(mode string) error {
	return fault.New("ConcurrentPipelineExecutionsLimitExceededException", "The pipeline '%s' has %d executions in progress, which is the limit in execution mode %s", t.snap.Pipeline.Name, len(t.state.Live), mode)
}

// answersLimit reports whether a start has a caller who can be told of the
// limit; otherwise an execution appears and fails (engine.md section 2.7).
func answersLimit(tr Trigger) bool {
	return tr.Type == "StartPipelineExecution" || tr.Type == "PutActionRevision"
}

// overridable lists the revision types that a source provider takes.
var overridable = map[string][]string{
	"S3":                       {"S3_OBJECT_VERSION_ID", "S3_OBJECT_KEY"},
	"CodeCommit":               {"COMMIT_ID"},
	"CodeStarSourceConnection": {"COMMIT_ID"},
	"ECR":                      {"IMAGE_DIGEST"},
}

func overrideTypes(t pipeline.ActionType) []string {
	if t.Owner != "AWS" {
		return nil // a job worker decides what it reads
	}
	return overridable[t.Provider]
}

func checkOverrides(d *pipeline.Declaration, overrides []Override) error {
	for _, o := range overrides {
		a := sourceAction(d, o.Action)
		if a == nil {
			return fault.New("ValidationException", "The action name provided in the source revision is not valid. The action must be a source action in your pipeline.")
		}
		if d.Type == pipeline.V1 {
			return fault.New("ValidationException", "Source revisions can only be given when starting a V2 pipeline; '%s' is a V1 pipeline", d.Name)
		}
		if !slices.Contains(overrideTypes(a.Type), o.Type) {
			return fault.New("ValidationException", "The revision type %s cannot be used for action '%s' with provider %s", o.Type, a.Name, a.Type.Provider)
		}
		if o.Type == "S3_OBJECT_KEY" && !strings.EqualFold(a.Configuration["AllowOverrideForS3ObjectKey"], "true") {
			return fault.New("ValidationException", "The object key of action '%s' cannot be overridden unless its configuration AllowOverrideForS3ObjectKey is true", a.Name)
		}
	}
	return nil
}

func sourceAction(d *pipeline.Declaration, name string) *pipeline.Action {
	for i := range d.Stages[0].Actions {
		if a := &d.Stages[0].Actions[i]; a.Name == name && a.Type.Category == "Source" {
			return a
		}
	}
	return nil
}

// resolveVariables gives each declared variable its value; names that are not
// declared are ignored, as AWS does.
func resolveVariables(d *pipeline.Declaration, given []Variable) (values []Variable, missing []string) {
	for _, v := range d.Variables {
		value, ok := "", false
		if v.Default != nil {
			value, ok = *v.Default, true
		}
		for _, g := range given {
			if g.Name == v.Name {
				value, ok = g.Value, true
			}
		}
		if !ok {
			missing = append(missing, v.Name)
			continue
		}
		values = append(values, Variable{v.Name, value})
	}
	return values, missing
}

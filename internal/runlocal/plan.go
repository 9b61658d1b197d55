package runlocal

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"penstock/internal/api"
	"penstock/internal/core/actiontype"
	"penstock/internal/core/pipeline"
)

const (
	sourceBucket   = "penstock-run-sources"
	artifactBucket = "penstock-run-artifacts"
	role           = "arn:aws:iam::000000000000:role/penstock-run"
)

// plan is the declaration as it is run, and what has to be there before.
type plan struct {
	pipeline api.PipelineDeclaration
	sources  []source
	buckets  []string          // that the pipeline deploys to
	types    []actiontype.Type // custom types, with a worker each
	reasons  []Reason
}

// source is a source action that is served from a folder.
type source struct{ action, dir string }

func (s source) key() string { return s.action + ".zip" }

func (p *plan) refuse(todo, format string, args ...any) {
	p.reasons = append(p.reasons, Reason{What: fmt.Sprintf(format, args...), Todo: todo})
}

// newPlan rewrites the declaration for this machine.
func newPlan(ctx context.Context, o Options) (*plan, error) {
	p := &plan{}
	// A deep copy, in the form that goes over the wire.
	if err := api.Decode(api.Encode(&o.Pipeline), &p.pipeline); err != nil {
		return nil, err
	}
	d := &p.pipeline
	d.RoleArn, d.Triggers = role, nil
	d.ArtifactStores, d.ArtifactStore = nil, &api.ArtifactStore{Type: "S3", Location: artifactBucket}
	p.skip(o.Skip)
	p.variables(o.Variables)
	for i := range d.Stages {
		for j := range d.Stages[i].Actions {
			a := &d.Stages[i].Actions[j]
			a.RoleArn, a.Region = "", ""
			switch id := a.ActionTypeId; {
			case i == 0 && id.Category == "Source":
				p.source(ctx, a, o.Sources)
			case id.Owner != "AWS":
				p.worker(a, o)
			case id.Category == "Approval" && o.Ask == nil:
				p.refuse("approve all with --approve, or run on a terminal", "%s/%s waits for an approval, and nobody is here to give it", d.Stages[i].Name, a.Name)
			case id.Category == "Deploy" && id.Provider == "S3":
				p.bucket(a.Configuration["BucketName"])
			}
		}
		for _, r := range rules(&d.Stages[i]) {
			r.RoleArn, r.Region = "", ""
		}
	}
	for name := range o.Sources {
		isSource := func(a api.ActionDeclaration) bool { return a.Name == name && a.ActionTypeId.Category == "Source" }
		if len(d.Stages) == 0 || !slices.ContainsFunc(d.Stages[0].Actions, isSource) {
			p.refuse("name one of the first stage", "--source %s names no source action", name)
		}
	}
	for key := range o.Workers {
		if !slices.ContainsFunc(p.types, func(t actiontype.Type) bool { return typeKey(t.ID.Category, t.ID.Provider) == key }) {
			p.refuse("name the CATEGORY/PROVIDER of a custom or partner action", "--worker %s is the type of no action", key)
		}
	}
	if len(p.reasons) > 0 {
		return nil, &Refusal{p.reasons}
	}
	return p, nil
}

func typeKey(category, provider string) string { return category + "/" + provider }

// rules returns the rules of a stage's conditions, for changing.
func rules(s *api.StageDeclaration) []*api.RuleDeclaration {
	var out []*api.RuleDeclaration
	add := func(conditions []api.Condition) {
		for i := range conditions {
			for j := range conditions[i].Rules {
				out = append(out, &conditions[i].Rules[j])
			}
		}
	}
	if s.BeforeEntry != nil {
		add(s.BeforeEntry.Conditions)
	}
	if s.OnSuccess != nil {
		add(s.OnSuccess.Conditions)
	}
	if s.OnFailure != nil {
		add(s.OnFailure.Conditions)
	}
	return out
}

// skip leaves actions out, and stages that have no others.
func (p *plan) skip(names []string) {
	left := map[string]bool{}
	for _, name := range names {
		left[name] = true
	}
	d := &p.pipeline
	for i := range d.Stages {
		s := &d.Stages[i]
		s.Actions = slices.DeleteFunc(s.Actions, func(a api.ActionDeclaration) bool {
			for _, name := range []string{a.Name, s.Name + "/" + a.Name} {
				if slices.Contains(names, name) {
					delete(left, name)
					return true
				}
			}
			return false
		})
	}
	d.Stages = slices.DeleteFunc(d.Stages, func(s api.StageDeclaration) bool { return len(s.Actions) == 0 })
	for name := range left {
		p.refuse("name an action as ACTION or STAGE/ACTION", "--skip %s names no action", name)
	}
}

// variables makes the given values the defaults: the execution that the creation
// of a pipeline starts has those.
func (p *plan) variables(values map[string]string) {
	left := maps.Clone(values)
	for i := range p.pipeline.Variables {
		v := &p.pipeline.Variables[i]
		if value, given := values[v.Name]; given {
			v.DefaultValue = value
			delete(left, v.Name)
			if value == "" {
				p.refuse("give it a value", "the pipeline variable %s cannot be empty", v.Name)
			}
		} else if v.DefaultValue == "" {
			p.refuse("give it by --var "+v.Name+"=VALUE", "the pipeline variable %s has no default", v.Name)
		}
	}
	for name := range left {
		p.refuse("declare it under variables, or correct the name", "--var %s names no variable of the pipeline", name)
	}
}

// source serves a source action from a folder, whatever its provider.
func (p *plan) source(ctx context.Context, a *api.ActionDeclaration, dirs map[string]string) {
	dir, named := dirs[a.Name]
	if !named {
		dir = "."
		if len(p.pipeline.Stages[0].Actions) > 1 {
			p.refuse("give it by --source "+a.Name+"=DIR", "the pipeline has several source actions, and %s has no folder", a.Name)
			return
		}
	}
	if len(a.OutputArtifacts) != 1 {
		p.refuse("leave it out with --skip "+a.Name, "the source action %s has %d output artifacts, and a folder makes one", a.Name, len(a.OutputArtifacts))
		return
	}
	if err := isFolder(dir); err != nil {
		p.refuse("name a folder with --source "+a.Name+"=DIR", "the source action %s has no folder: %v", a.Name, err)
		return
	}
	s := source{a.Name, dir}
	if a.ActionTypeId.Provider != "S3" && a.Namespace != "" {
		p.replace(a.Namespace, sourceVariables(ctx, dir, a.Configuration))
	}
	a.ActionTypeId = api.ActionTypeId{Category: "Source", Owner: "AWS", Provider: "S3", Version: "1"}
	a.Configuration = map[string]string{"S3Bucket": sourceBucket, "S3ObjectKey": s.key(), "PollForSourceChanges": "false"}
	p.sources = append(p.sources, s)
}

// replace writes the variables of a source action into the places that refer to
// them: the S3 action in its place produces others.
func (p *plan) replace(namespace string, values map[string]string) {
	var pairs []string
	for key, value := range values {
		pairs = append(pairs, "#{"+namespace+"."+key+"}", value)
	}
	r := strings.NewReplacer(pairs...)
	texts := func(list []string) {
		for i := range list {
			list[i] = r.Replace(list[i])
		}
	}
	config := func(m map[string]string) {
		for key, value := range m {
			m[key] = r.Replace(value)
		}
	}
	for i := range p.pipeline.Stages {
		s := &p.pipeline.Stages[i]
		for j := range s.Actions {
			config(s.Actions[j].Configuration)
			texts(s.Actions[j].Commands)
			for k := range s.Actions[j].EnvironmentVariables {
				v := &s.Actions[j].EnvironmentVariables[k].Value
				*v = r.Replace(*v)
			}
		}
		for _, rule := range rules(s) {
			config(rule.Configuration)
			texts(rule.Commands)
		}
	}
}

// worker has the jobs of a custom or partner action done by a command.
func (p *plan) worker(a *api.ActionDeclaration, o Options) {
	id := pipeline.ActionType(a.ActionTypeId)
	key := typeKey(id.Category, id.Provider)
	if o.Workers[key] == "" {
		p.refuse("give one by --worker '"+key+"=COMMAND', or leave the action out with --skip "+a.Name,
			"the action %s is of the type %s of owner %s, and has no worker", a.Name, key, id.Owner)
		return
	}
	known := func(t actiontype.Type) bool {
		return t.ID.Category == id.Category && t.ID.Provider == id.Provider && t.ID.Version == id.Version
	}
	a.ActionTypeId.Owner = actiontype.OwnerCustom
	i := slices.IndexFunc(p.types, known)
	if i < 0 {
		t := actiontype.Type{ID: pipeline.ActionType(a.ActionTypeId), MaxInputs: 5, MaxOutputs: 5, AnyConfiguration: true}
		if j := slices.IndexFunc(o.Types, known); j >= 0 {
			t = o.Types[j]
		}
		i = len(p.types)
		p.types = append(p.types, t)
	}
	if t := &p.types[i]; t.AnyConfiguration { // made here, of what its actions use
		for _, name := range slices.Sorted(maps.Keys(a.Configuration)) {
			if !slices.ContainsFunc(t.Properties, func(p actiontype.Property) bool { return p.Name == name }) {
				t.Properties = append(t.Properties, actiontype.Property{Name: name, Key: true})
			}
		}
	}
}

// bucket notes that an action deploys to a bucket, unless only the execution
// knows its name.
func (p *plan) bucket(name string) {
	for _, v := range p.pipeline.Variables {
		name = strings.ReplaceAll(name, "#{variables."+v.Name+"}", v.DefaultValue)
	}
	if name != "" && !strings.Contains(name, "#{") && !slices.Contains(p.buckets, name) {
		p.buckets = append(p.buckets, name)
	}
}

// refuseForeign refuses actions of types that nothing on this machine runs.
func (r *run) refuseForeign() error {
	p := r.plan
	for _, s := range p.pipeline.Stages {
		for _, a := range s.Actions {
			id := a.ActionTypeId
			if id.Owner == "AWS" && id.Category != "Approval" && !r.app.Runs(id.Category, id.Provider) || id.Category == "Invoke" && id.Provider == "CodePipeline" {
				p.refuse("leave it out with --skip "+a.Name, "%s/%s is of the type %s, which does not run here", s.Name, a.Name, typeKey(id.Category, id.Provider))
			}
		}
		for _, rule := range rules(&s) {
			if id := rule.RuleTypeId; id.Provider == "CodeBuild" || id.Provider == "CloudWatchAlarm" {
				p.refuse("run it without the condition", "the rule %s of stage %s is of the type %s, which does not run here", cmp.Or(rule.Name, "?"), s.Name, id.Provider)
			}
		}
	}
	if len(p.reasons) > 0 {
		return &Refusal{p.reasons}
	}
	return nil
}

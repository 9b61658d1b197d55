package pipeline_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"penstock/internal/core/actiontype"
	"penstock/internal/core/pipeline"
)

func TestValidateAccepts(t *testing.T) {
	t.Parallel()
	add := func(stage int, actions ...pipeline.Action) edit {
		return func(d *pipeline.Declaration) { d.Stages[stage].Actions = append(d.Stages[stage].Actions, actions...) }
	}
	linting := func(change func(*pipeline.Action)) edit {
		a := lint()
		change(&a)
		return add(2, a)
	}
	topic := func(arn string) edit {
		return func(d *pipeline.Declaration) {
			d.Stages[2].Actions[0].Configuration = map[string]string{"NotificationArn": arn}
		}
	}
	for name, e := range map[string]edit{
		"V1": v1,
		"V2": func(d *pipeline.Declaration) {
			d.Type, d.Mode = pipeline.V2, pipeline.Queued
			d.Variables = []pipeline.Variable{{Name: "Env"}}
			d.Stages[1].Actions[0].Configuration["EnvironmentVariables"] = "#{variables.Env} #{codepipeline.PipelineExecutionId}"
		},
		"Commands without a type": add(1, commands()),
		"other regions": func(d *pipeline.Declaration) {
			d.ArtifactStore, d.ArtifactStores = nil, map[string]pipeline.ArtifactStore{region: {Bucket: "a"}, other: {Bucket: "b"}}
			d.Stages[3].Actions[0].Region = other
		},
		"own region named with one store": func(d *pipeline.Declaration) { d.Stages[0].Actions[0].Region = region },
		"rule without artifacts elsewhere": func(d *pipeline.Declaration) {
			d.Stages[1].BeforeEntry = check("FAIL")
			d.Stages[1].BeforeEntry[0].Rules[0].Region = other
		},
		"action name again in another stage": func(d *pipeline.Declaration) { d.Stages[2].Actions[0].Name = "Compile" },
		"an input of a smaller run order": add(1, func() pipeline.Action {
			a := lint()
			a.RunOrder, a.Inputs = 2, []string{"Bin"}
			a.Configuration["Project"] = "#{B.Project}"
			return a
		}()),
		"namespace variables without variables": func(d *pipeline.Declaration) {
			d.Stages[1].Actions[0].Namespace = "variables"
			d.Stages[2].Actions[0].Configuration = map[string]string{"CustomData": "#{variables.Version}"}
		},
		"unclosed reference":           func(d *pipeline.Declaration) { d.Stages[1].Actions[0].Configuration["BuildspecOverride"] = "a #{b" },
		"approval with a timeout":      func(d *pipeline.Declaration) { d.Stages[2].Actions[0].TimeoutInMinutes = 5 },
		"topic":                        topic("arn:aws:sns:us-east-1:000000000000:t"),
		"FIFO topic of another owner":  topic("arn:aws:sns:us-east-1:999999999999:t.fifo"),
		"topic named by a variable":    topic("#{B.Topic}"),
		"queryable of 50 characters":   linting(func(a *pipeline.Action) { a.Configuration["Project"] = strings.Repeat("a", 50) }),
		"queryable with a reference":   linting(func(a *pipeline.Action) { a.Configuration["Project"] = "#{B.Name}" }),
		"number and boolean":           linting(func(a *pipeline.Action) { a.Configuration["Count"], a.Configuration["Strict"] = "-1.5", "True" }),
		"number by reference":          linting(func(a *pipeline.Action) { a.Configuration["Count"] = "#{B.Count}" }),
		"secret kept":                  linting(func(a *pipeline.Action) { a.Configuration["Token"] = "****" }),
		"partner with a named client":  add(3, partner(map[string]string{"Target": "x", "ClientId": "c"})),
		"partner with the only client": add(3, partner(map[string]string{"Target": "x"})),
		"empty lists":                  func(d *pipeline.Declaration) { d.Triggers, d.Variables = []pipeline.Trigger{}, []pipeline.Variable{} },
		"100 actions in a stage": func(d *pipeline.Declaration) {
			for i := range 99 {
				a := approval()
				a.Name = fmt.Sprint("A", i)
				d.Stages[2].Actions = append(d.Stages[2].Actions, a)
			}
		},
		"50 stages": func(d *pipeline.Declaration) {
			for len(d.Stages) < 50 {
				d.Stages = append(d.Stages, pipeline.Stage{Name: fmt.Sprint("S", len(d.Stages)), Actions: []pipeline.Action{approval()}})
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := pipeline.Validate(declared(e), env()); err != nil {
				t.Errorf("refused: %v", err)
			}
		})
	}
}

func partner(configuration map[string]string) pipeline.Action {
	return pipeline.Action{
		Name:          "Call",
		Type:          pipeline.ActionType{Category: "Deploy", Owner: "ThirdParty", Provider: "Acme", Version: "1"},
		Configuration: configuration,
	}
}

// Every type the service brings can be declared with its required keys and the
// least artifacts, and with all its keys and the most.
func TestValidateAcceptsBuiltinTypes(t *testing.T) {
	t.Parallel()
	for _, typ := range actiontype.Builtin(region) {
		for _, all := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/%s/%s/all=%t", typ.ID.Category, typ.ID.Owner, typ.ID.Provider, all), func(t *testing.T) {
				t.Parallel()
				d := valid()
				d.Type = pipeline.V2
				for len(d.Stages[0].Actions) < 10 {
					a := source()
					a.Name = fmt.Sprint("Fetch", len(d.Stages[0].Actions))
					a.Outputs = []pipeline.OutputArtifact{{Name: a.Name}}
					d.Stages[0].Actions = append(d.Stages[0].Actions, a)
				}
				stage := 2
				if typ.ID.Category == "Source" {
					stage = 0
				}
				d.Stages[stage].Actions = append(d.Stages[stage].Actions, sample(typ, d, all))
				pipeline.Normalize(d)
				if err := pipeline.Validate(d, env()); err != nil {
					t.Errorf("refused: %v", err)
				}
			})
		}
	}
}

// samples are values of keys that are looked at.
var samples = map[string]string{
	"NotificationArn": "arn:aws:sns:us-east-1:000000000000:t", "Operator": "EQ", "Cron": "* * * * * ?",
}

// sample is an action of a type, reading the source artifacts of d.
func sample(typ actiontype.Type, d *pipeline.Declaration, all bool) pipeline.Action {
	a := pipeline.Action{Name: "Sample", Type: typ.ID, Configuration: map[string]string{}}
	for _, p := range typ.Properties {
		if value, checked := samples[p.Name]; checked && (p.Required || all) {
			a.Configuration[p.Name] = value
		} else if p.Required || all {
			a.Configuration[p.Name] = "x"
		}
	}
	in, out := typ.MinInputs, typ.MinOutputs
	if all {
		in, out = typ.MaxInputs, typ.MaxOutputs
	}
	for _, s := range d.Stages[0].Actions[:in] {
		a.Inputs = append(a.Inputs, s.Outputs[0].Name)
	}
	for i := range out {
		a.Outputs = append(a.Outputs, pipeline.OutputArtifact{Name: fmt.Sprint("Made", i)})
	}
	if typ.Info().Commands {
		a.Commands = []string{"true"}
	}
	return a
}

// Every rule type can stand in a condition.
func TestValidateAcceptsRuleTypes(t *testing.T) {
	t.Parallel()
	for _, typ := range actiontype.BuiltinRules(region) {
		t.Run(typ.ID.Provider, func(t *testing.T) {
			t.Parallel()
			d := valid()
			a := sample(typ, d, false)
			d.Stages[2].OnSuccess = []pipeline.Condition{{Result: "FAIL", Rules: []pipeline.Rule{{
				Name: "Rule", Type: typ.ID, Configuration: a.Configuration, Commands: a.Commands, InputArtifacts: a.Inputs,
			}}}}
			pipeline.Normalize(d)
			if err := pipeline.Validate(d, env()); err != nil {
				t.Errorf("refused: %v", err)
			}
		})
	}
}

func TestNormalizeShowsWhatTheServiceShows(t *testing.T) { // T-21
	t.Parallel()
	d := declared(func(d *pipeline.Declaration) {
		d.Stages[1].BeforeEntry = []pipeline.Condition{{Rules: []pipeline.Rule{{Type: pipeline.ActionType{Category: "Rule", Provider: "Commands"}}}}}
		d.Stages[2].OnFailure = &pipeline.OnFailure{}
	})
	gate := d.Stages[2].Actions[0]
	if gate.RunOrder != 1 || gate.Configuration == nil || gate.Inputs == nil || gate.Outputs == nil {
		t.Errorf("action: %#v", gate)
	}
	if gate.Region != "" || gate.Namespace != "" || gate.TimeoutInMinutes != 0 || gate.Commands != nil {
		t.Errorf("action shows members that were not given: %#v", gate)
	}
	if d.Mode != pipeline.Superseded {
		t.Errorf("mode = %q", d.Mode)
	}
	if d.Variables != nil || d.Triggers != nil || d.Stages[0].Blockers != nil {
		t.Errorf("lists that were not given are shown: %#v", d)
	}
	rule := d.Stages[1].BeforeEntry[0].Rules[0]
	if rule.Type != awsType("Rule", "Commands") || rule.Configuration == nil || rule.InputArtifacts == nil {
		t.Errorf("rule: %#v", rule)
	}
	if d.Stages[2].OnFailure != nil {
		t.Errorf("an empty onFailure is kept: %#v", d.Stages[2].OnFailure)
	}
	if orders := declared(func(d *pipeline.Declaration) { d.Stages[1].Actions[0].RunOrder = 7 }).Stages[1].RunOrders(); !slices.Equal(orders, []int{7}) {
		t.Errorf("a run order that was given became %v", orders)
	}
}

func TestNormalizeInfersType(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		edit edit
		want string
	}{
		{"nothing of V2", func(*pipeline.Declaration) {}, pipeline.V1},
		{"T-23 variables", func(d *pipeline.Declaration) { d.Variables = []pipeline.Variable{{Name: "A"}} }, pipeline.V2},
		{"triggers", func(d *pipeline.Declaration) { d.Triggers = []pipeline.Trigger{{}} }, pipeline.V2},
		{"mode", func(d *pipeline.Declaration) { d.Mode = pipeline.Parallel }, pipeline.V2},
		{"default mode", func(d *pipeline.Declaration) { d.Mode = pipeline.Superseded }, pipeline.V1},
		{"beforeEntry", func(d *pipeline.Declaration) { d.Stages[1].BeforeEntry = check("FAIL") }, pipeline.V2},
		{"onSuccess", func(d *pipeline.Declaration) { d.Stages[1].OnSuccess = check("FAIL") }, pipeline.V2},
		{"onFailure", func(d *pipeline.Declaration) { d.Stages[1].OnFailure = &pipeline.OnFailure{Result: "RETRY"} }, pipeline.V2},
		{"empty onFailure", func(d *pipeline.Declaration) { d.Stages[1].OnFailure = &pipeline.OnFailure{} }, pipeline.V1},
		{"commands", func(d *pipeline.Declaration) { d.Stages[1].Actions[0].Commands = []string{"make"} }, pipeline.V2},
		{"empty lists", func(d *pipeline.Declaration) { d.Variables, d.Triggers = []pipeline.Variable{}, []pipeline.Trigger{} }, pipeline.V1},
		{"explicit V1 stays", join(v1, func(d *pipeline.Declaration) { d.Mode = pipeline.Queued }), pipeline.V1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := declared(c.edit).Type; got != c.want {
				t.Errorf("type = %s, want %s", got, c.want)
			}
		})
	}
}

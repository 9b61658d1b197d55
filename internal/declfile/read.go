package declfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"time"

	"penstock/internal/api"
	"penstock/internal/core/actiontype"
	"penstock/internal/core/pipeline"
	"penstock/internal/service"
)

// Options say what declarations are checked against.
type Options struct {
	// Region is the pipeline's own region.
	Region string
	// Types are action types beyond those that come with the service.
	Types []actiontype.Type
	// AllowUnknownTypes accepts every custom and partner type, with any
	// configuration.
	AllowUnknownTypes bool
}

// Problem is what is wrong at one place.
type Problem struct {
	Path string `json:"path"`           // stages[1].actions[0].configuration.Key; "" is the whole
	Line int    `json:"line,omitempty"` // in the file
	// Rule is the number of a structure rule (V-46), "constraint" for those of
	// the API model, or names what this package looks for.
	Rule    string `json:"rule"`
	Code    string `json:"code,omitempty"` // what CreatePipeline would answer
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// Document is one declaration of a file.
type Document struct {
	// Resource is the logical id of a template's resource, else "".
	Resource string
	// Pipeline is the declaration as CreatePipeline takes it, as far as it
	// could be read.
	Pipeline api.PipelineDeclaration
	// Declaration is the same, normalised.
	Declaration *pipeline.Declaration
	// Problems are sorted by the place in the file.
	Problems []Problem
	// Opaque are the places whose values only a template's deployment knows.
	Opaque []string
}

// Read returns the declarations of a file, checked. The error says that the file
// is neither JSON nor YAML, or holds no declaration.
func Read(data []byte, o Options) ([]Document, error) {
	docs, err := parse(data)
	if err != nil {
		return nil, err
	}
	var out []Document
	for _, doc := range docs {
		switch {
		case doc.kind == object && doc.get("Resources") != nil:
			t := template{doc, o.Region}
			for _, m := range t.pipelines() {
				d, err := check(m.value, m.key, o)
				if err != nil {
					return nil, err
				}
				out = append(out, d)
			}
		case doc.get("pipeline") != nil:
			d, err := check(doc.get("pipeline"), "", o)
			if err != nil {
				return nil, err
			}
			out = append(out, d)
		case doc.get("stages") != nil || doc.get("name") != nil && doc.get("roleArn") != nil:
			d, err := check(doc, "", o)
			if err != nil {
				return nil, err
			}
			out = append(out, d)
		}
	}
	if len(out) == 0 {
		return nil, errors.New("the file holds no pipeline: it should be the input of create-pipeline, the output of get-pipeline, " +
			"a declaration with name and stages, or a template with resources of type " + pipelineResource)
	}
	return out, nil
}

// ignored are members of a template's resource that are no part of the
// declaration.
var ignored = []string{"RestartExecutionOnUpdate", "DisableInboundStageTransitions", "Tags"}

// check reads and checks one declaration. The error is a fault of this program.
func check(n *node, resource string, o Options) (Document, error) {
	s := &shaper{template: resource != "", lines: map[string]int{"": n.line}}
	if s.template && n.kind == object {
		c := *n
		c.members = slices.DeleteFunc(slices.Clone(n.members), func(m member) bool { return slices.Contains(ignored, m.key) })
		for i, m := range c.members {
			if m.key == "ArtifactStores" {
				c.members[i].value = s.regional(m.value)
			}
		}
		if c.get("Name") == nil {
			c.members = append(c.members, member{"Name", n.line, &node{kind: text, text: resource, line: n.line}})
		}
		n = &c
	}
	d := Document{Resource: resource}
	wire, err := json.Marshal(s.value(n, reflect.TypeFor[api.PipelineDeclaration](), ""))
	if err != nil {
		return d, err
	}
	if string(wire) == "null" {
		wire = []byte("{}")
	}
	broken, err := api.Violations(wire, &d.Pipeline)
	if err != nil {
		return d, fmt.Errorf("the declaration was read wrongly: %w", err)
	}
	found := []Problem{}
	for _, v := range broken {
		found = append(found, Problem{Path: plainPath(v.Path), Rule: "constraint", Code: api.ValidationException, Message: v.Clause, Hint: clauseHint(v.Clause)})
	}
	d.Declaration = service.Declaration(&d.Pipeline)
	pipeline.Normalize(d.Declaration)
	for _, p := range pipeline.Problems(d.Declaration, o.env()) {
		found = append(found, Problem{Path: p.Path, Rule: orRule(p.Rule), Code: p.Code, Message: p.Message, Hint: hints[p.Rule]})
	}
	d.Problems = s.problems
	for _, p := range found {
		if !s.hides(p) {
			p.Line = s.lineOf(p.Path)
			d.Problems = append(d.Problems, p)
		}
	}
	slices.SortStableFunc(d.Problems, func(a, b Problem) int { return a.Line - b.Line })
	d.Opaque = s.opaque
	return d, nil
}

func orRule(number string) string {
	if number == "" {
		return "structure"
	}
	return number
}

// env is what the structure rules look types up in.
func (o Options) env() pipeline.Env {
	return actiontype.Env(o.Region, time.LoadLocation, func(id pipeline.ActionType) (actiontype.Type, bool) {
		if i := slices.IndexFunc(o.Types, func(t actiontype.Type) bool { return t.ID == id }); i >= 0 {
			return o.Types[i], true
		}
		if !o.AllowUnknownTypes || id.Owner != actiontype.OwnerCustom && id.Owner != actiontype.OwnerThirdParty {
			return actiontype.Type{}, false
		}
		return actiontype.Type{ID: id, AnyConfiguration: true, MaxInputs: 5, MaxOutputs: 5}, true
	})
}

var pathElement = regexp.MustCompile(`\.([0-9]+)\.member\b`)
var pathKey = regexp.MustCompile(`\.([^.]+)\.member\b`)

// plainPath turns the API's form of a path, stages.1.member.name, into
// stages[0].name.
func plainPath(path string) string {
	path = pathElement.ReplaceAllStringFunc(path, func(m string) string {
		i, err := strconv.Atoi(pathElement.FindStringSubmatch(m)[1])
		if err != nil {
			return m
		}
		return "[" + itoa(i-1) + "]"
	})
	return pathKey.ReplaceAllString(path, ".$1")
}

func itoa(i int) string { return strconv.Itoa(i) }

package pipeline

import (
	"errors"
	"strconv"

	"penstock/internal/core/fault"
)

// Problem is one violation of a structure rule.
type Problem struct {
	// Rule is the number of the rule in the project's reference of the service
	// ("Structure rules"), such as V-46; "" for one without a number.
	Rule string
	// Path is where in the declaration: stages[1].actions[0].configuration.Key;
	// "" for the declaration as a whole.
	Path string
	// Code and Message are what CreatePipeline would answer.
	Code, Message string
}

// Problems checks a normalised declaration as Validate does and returns all
// violations, in the order in which Validate would come upon them.
func Problems(d *Declaration, env Env) []Problem {
	c := newCheck(d, env)
	for _, rule := range rules {
		rule(c)
	}
	var out []Problem
	for _, v := range c.found {
		if f, ok := errors.AsType[*fault.Error](v.err); ok {
			out = append(out, Problem{Rule: v.rule, Path: v.path, Code: f.Code, Message: f.Message})
		}
	}
	return out
}

// violation is a Problem on its way.
type violation struct {
	rule, path string
	err        error
}

// report notes a violation.
func (c *check) report(rule, path string, err error) {
	c.found = append(c.found, violation{rule, path, err})
}

func element(list string, i int) string { return list + "[" + strconv.Itoa(i) + "]" }

func stagePath(i int) string { return element("stages", i) }

// path is where an action or a rule is written.
func (p position) path() string {
	if p.place == "" {
		return stagePath(p.stage) + element(".actions", p.index)
	}
	return conditionPath(p.stage, p.place, p.condition) + element(".rules", p.index)
}

func conditionPath(stage int, place string, i int) string {
	return stagePath(stage) + "." + place + element(".conditions", i)
}

// configuration is where a configuration value is written.
func (p position) configuration(key string) string { return p.path() + ".configuration." + key }

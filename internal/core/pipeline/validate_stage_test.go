package pipeline_test

import (
	"fmt"
	"testing"

	"penstock/internal/core/pipeline"
)

func TestValidateRefusesStages(t *testing.T) {
	t.Parallel()
	onFailure := func(f pipeline.OnFailure) edit {
		return func(d *pipeline.Declaration) { d.Stages[1].OnFailure = &f }
	}
	parallel := func(d *pipeline.Declaration) { d.Mode = pipeline.Parallel }
	rule := func(change func(*pipeline.Rule)) edit {
		return func(d *pipeline.Declaration) {
			d.Stages[2].BeforeEntry = check("FAIL")
			change(&d.Stages[2].BeforeEntry[0].Rules[0])
		}
	}
	asType := func(provider string, configuration map[string]string) func(*pipeline.Rule) {
		return func(r *pipeline.Rule) { r.Type.Provider, r.Configuration = provider, configuration }
	}
	testRefusals(t, []refusal{
		{"V-30 duplicate name", func(d *pipeline.Declaration) { d.Stages[2].Name = "Build" }, istg, "Stage name 'Build' is used more than once"},
		{"V-31 no actions", func(d *pipeline.Declaration) { d.Stages[2].Actions = nil }, istg, "Stage 'Approve' has no actions. There should be a minimum of 1 action in a stage"},
		{"V-32 101 actions", func(d *pipeline.Declaration) {
			for i := range 100 {
				a := approval()
				a.Name = fmt.Sprint("A", i)
				d.Stages[2].Actions = append(d.Stages[2].Actions, a)
			}
		}, istg, "Stage 'Approve' has too many actions. There can only be up to 100 actions in a stage"},
		{"V-33 result and conditions", onFailure(pipeline.OnFailure{Result: "ROLLBACK", Conditions: check("ROLLBACK")}), istg,
			"The following stage cannot have a failure exit gate configured with both top level result and conditions: 'Build"},
		{"V-33 RETRY and conditions", onFailure(pipeline.OnFailure{Result: "RETRY", RetryMode: "ALL_ACTIONS", Conditions: check("ROLLBACK")}), istg,
			"The following stage cannot have a failure exit gate configured with both top level result and conditions: 'Build"},
		{"V-34 failure result", join(parallel, onFailure(pipeline.OnFailure{Result: "ROLLBACK"})), istg,
			"Failure conditions with rollback result type cannot be added to a PARALLEL pipeline."},
		{"V-34 failure condition", join(parallel, onFailure(pipeline.OnFailure{Conditions: check("ROLLBACK")})), istg,
			"Failure conditions with rollback result type cannot be added to a PARALLEL pipeline."},
		{"V-34 success condition", join(parallel, func(d *pipeline.Declaration) { d.Stages[1].OnSuccess = check("ROLLBACK") }), istg,
			"Success conditions with rollback result type cannot be added to a PARALLEL pipeline."},
		{"V-35 failure result FAIL", onFailure(pipeline.OnFailure{Result: "FAIL"}), istg, "Stage 'Build' cannot have the result FAIL on failure. The result can be ROLLBACK or RETRY"},
		{"V-35 beforeEntry ROLLBACK", func(d *pipeline.Declaration) { d.Stages[1].BeforeEntry = check("ROLLBACK") }, istg, "Stage 'Build' cannot have a condition with the result ROLLBACK in beforeEntry"},
		{"V-35 beforeEntry RETRY", func(d *pipeline.Declaration) { d.Stages[1].BeforeEntry = check("RETRY") }, istg, "Stage 'Build' cannot have a condition with the result RETRY in beforeEntry"},
		{"V-35 onSuccess SKIP", func(d *pipeline.Declaration) { d.Stages[1].OnSuccess = check("SKIP") }, istg, "Stage 'Build' cannot have a condition with the result SKIP in onSuccess"},
		{"V-35 onFailure condition FAIL", onFailure(pipeline.OnFailure{Conditions: check("FAIL")}), istg, "Stage 'Build' cannot have a condition with the result FAIL in onFailure"},
		{"V-35 onFailure condition RETRY", onFailure(pipeline.OnFailure{Conditions: check("RETRY")}), istg, "Stage 'Build' cannot have a condition with the result RETRY in onFailure"},
		{"V-35 SKIP with another rule", func(d *pipeline.Declaration) {
			d.Stages[1].BeforeEntry = check("SKIP")
			d.Stages[1].BeforeEntry[0].Rules[0].Type.Provider = "DeploymentWindow"
		}, istg, "Stage 'Build' has a condition with the result SKIP in beforeEntry, which cannot be used with the rule 'Same' of provider DeploymentWindow. Use LambdaInvoke or VariableCheck"},
		{"V-35 no rules", func(d *pipeline.Declaration) { d.Stages[1].OnSuccess = []pipeline.Condition{{Result: "FAIL"}} }, istg,
			"Stage 'Build' has a condition without rules in onSuccess. There should be a minimum of 1 rule in a condition"},
		{"V-35 source stage rolls back on failure", func(d *pipeline.Declaration) { d.Stages[0].OnFailure = &pipeline.OnFailure{Result: "ROLLBACK"} }, istg,
			"Stage 'Source' contains source actions and cannot have the result ROLLBACK"},
		{"V-35 source stage rolls back on success", func(d *pipeline.Declaration) { d.Stages[0].OnSuccess = check("ROLLBACK") }, istg,
			"Stage 'Source' contains source actions and cannot have the result ROLLBACK"},
		{"V-36 retry configuration with ROLLBACK", onFailure(pipeline.OnFailure{Result: "ROLLBACK", RetryMode: "ALL_ACTIONS"}), istg,
			"Stage 'Build' has a retry configuration on failure, which can only be used with the result RETRY"},
		{"V-36 retry configuration with conditions", onFailure(pipeline.OnFailure{RetryMode: "FAILED_ACTIONS", Conditions: check("ROLLBACK")}), istg,
			"Stage 'Build' has a retry configuration on failure, which can only be used with the result RETRY"},
		{"unknown rule type", rule(func(r *pipeline.Rule) { r.Type.Provider = "Oracle" }), istg,
			"RuleType (Category: 'Rule', Provider: 'Oracle', Owner: 'AWS', Version: '1') in rule 'Same' of stage 'Approve' is not available in region 'US_EAST_1'"},
		{"rule without a required key", rule(func(r *pipeline.Rule) { delete(r.Configuration, "Operator") }), istg,
			"Rule configuration for rule 'Same' of stage 'Approve' is missing required configuration 'Operator'"},
		{"rule with an unknown key", rule(func(r *pipeline.Rule) { r.Configuration["Zeal"] = "1" }), istg,
			"Rule configuration for rule 'Same' of stage 'Approve' contains unknown configuration 'Zeal'"},
		{"rule with an operator that does not exist", rule(func(r *pipeline.Rule) { r.Configuration["Operator"] = "GT" }), istg,
			"Rule configuration for rule 'Same' of stage 'Approve' contains an invalid value for configuration 'Operator': the operator 'GT' is not one of EQ, NE, CONTAINS and MATCHES"},
		{"rule with five fields of cron", rule(asType("DeploymentWindow", map[string]string{"Cron": "* * * * *"})), istg,
			"Rule configuration for rule 'Same' of stage 'Approve' contains an invalid value for configuration 'Cron': " +
				"the cron expression '* * * * *' has 5 fields; it needs 6 or 7: seconds minutes hours day-of-month month day-of-week [year]"},
		{"rule with a time zone that does not exist", rule(asType("DeploymentWindow", map[string]string{"Cron": "* * * * * ?", "TimeZone": "Mars/Base"})), istg,
			"Rule configuration for rule 'Same' of stage 'Approve' contains an invalid value for configuration 'TimeZone': the time zone 'Mars/Base' is not known; use Region/City, UTC or UTC±HH:MM"},
		{"rule with an alarm state that does not exist", rule(asType("CloudWatchAlarm", map[string]string{"AlarmName": "a", "AlarmStates": "ALARM,RED"})), istg,
			"Rule configuration for rule 'Same' of stage 'Approve' contains an invalid value for configuration 'AlarmStates': AlarmStates may hold OK, ALARM and INSUFFICIENT_DATA, not 'RED'"},
		{"rule that watches for ever", rule(asType("CloudWatchAlarm", map[string]string{"AlarmName": "a", "WaitTime": "86401"})), istg,
			"Rule configuration for rule 'Same' of stage 'Approve' contains an invalid value for configuration 'WaitTime': WaitTime is a number of minutes up to 86400, not '86401'"},
		{"rule with too few inputs", rule(asType("CodeBuild", map[string]string{"ProjectName": "p"})), istg,
			"Rule Same of stage Approve declares 0 input artifacts which is less than the minimum count (1)"},
		{"rule with too many inputs", rule(func(r *pipeline.Rule) { r.InputArtifacts = []string{"App"} }), istg,
			"Rule Same of stage Approve declares 1 input artifacts which is more than the maximum count (0)"},
		{"Commands rule without commands", rule(func(r *pipeline.Rule) {
			asType("Commands", nil)(r)
			r.InputArtifacts = []string{"App"}
		}), istg, "Rule Same of stage Approve must have a non-empty commands field"},
		{"commands in another rule", rule(func(r *pipeline.Rule) { r.Commands = []string{"true"} }), istg,
			"The following rule of stage Approve cannot contain a commands field: Same. To use the commands field, use a Commands rule."},
		{"rule reads a later artifact", func(d *pipeline.Declaration) {
			d.Stages[1].BeforeEntry = []pipeline.Condition{{Result: "FAIL", Rules: []pipeline.Rule{{
				Name: "Try", Type: pipeline.ActionType{Category: "Rule", Provider: "Commands"}, Commands: []string{"true"}, InputArtifacts: []string{"App", "Bin"},
			}}}}
		}, istg, "Input Artifact Bundle Bin in rule Try of stage Build is not declared as Output Artifact Bundle in any of the preceding actions"},
	})
}

func TestValidateAcceptsConditions(t *testing.T) {
	t.Parallel()
	reads := func(artifact string) []pipeline.Condition {
		return []pipeline.Condition{{Rules: []pipeline.Rule{{
			Name: "Try", Type: pipeline.ActionType{Category: "Rule", Provider: "Commands"}, Commands: []string{"echo #{B.Version}"}, InputArtifacts: []string{artifact},
		}}}}
	}
	for name, e := range map[string]edit{
		"entry fails":        func(d *pipeline.Declaration) { d.Stages[1].BeforeEntry = check("FAIL") },
		"entry skips":        func(d *pipeline.Declaration) { d.Stages[1].BeforeEntry = check("SKIP") },
		"success fails":      func(d *pipeline.Declaration) { d.Stages[1].OnSuccess = check("FAIL") },
		"success rolls back": func(d *pipeline.Declaration) { d.Stages[1].OnSuccess = check("ROLLBACK") },
		"failure rolls back": func(d *pipeline.Declaration) { d.Stages[1].OnFailure = &pipeline.OnFailure{Result: "ROLLBACK"} },
		"failure rolls back by condition": func(d *pipeline.Declaration) {
			d.Stages[1].OnFailure = &pipeline.OnFailure{Conditions: check("ROLLBACK")}
		},
		"failure retries": func(d *pipeline.Declaration) {
			d.Stages[1].OnFailure = &pipeline.OnFailure{Result: "RETRY", RetryMode: "FAILED_ACTIONS"}
		},
		"source stage retries": func(d *pipeline.Declaration) { d.Stages[0].OnFailure = &pipeline.OnFailure{Result: "RETRY"} },
		"retry in PARALLEL": func(d *pipeline.Declaration) {
			d.Mode = pipeline.Parallel
			d.Stages[1].OnFailure = &pipeline.OnFailure{Result: "RETRY"}
		},
		"no result":                            func(d *pipeline.Declaration) { d.Stages[1].BeforeEntry = check("") },
		"after success the stage's own output": func(d *pipeline.Declaration) { d.Stages[1].OnSuccess = reads("Bin") },
		"before entry an earlier output":       func(d *pipeline.Declaration) { d.Stages[2].BeforeEntry = reads("Bin") },
		"empty onFailure in V1":                join(v1, func(d *pipeline.Declaration) { d.Stages[1].OnFailure = &pipeline.OnFailure{} }),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := pipeline.Validate(declared(e), env()); err != nil {
				t.Errorf("refused: %v", err)
			}
		})
	}
}

// Rules whose values are looked at, as they may be.
func TestValidateAcceptsRuleValues(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		provider      string
		configuration map[string]string
	}{
		"window":                   {"DeploymentWindow", map[string]string{"Cron": "0 0 9-17 ? * MON-FRI *", "TimeZone": "europe/berlin"}},
		"expression of Java":       {"VariableCheck", map[string]string{"Variable": "x", "Operator": "MATCHES", "Value": "(?!b)a"}},
		"alarm":                    {"CloudWatchAlarm", map[string]string{"AlarmName": "a", "AlarmStates": "OK, INSUFFICIENT_DATA", "WaitTime": "0"}},
		"values known at run time": {"DeploymentWindow", map[string]string{"Cron": "#{B.Window}", "TimeZone": "#{B.Zone}"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := pipeline.Validate(declared(func(d *pipeline.Declaration) {
				d.Stages[2].BeforeEntry = []pipeline.Condition{{Result: "FAIL", Rules: []pipeline.Rule{{
					Name: "Same", Type: pipeline.ActionType{Category: "Rule", Provider: c.provider}, Configuration: c.configuration,
				}}}}
			}), env())
			if err != nil {
				t.Errorf("refused: %v", err)
			}
		})
	}
}

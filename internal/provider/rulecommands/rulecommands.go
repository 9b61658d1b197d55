// Package rulecommands is the rule Rule/AWS/Commands: commands that decide a
// stage's condition. They run as those of the action Compute/AWS/Commands, with
// the same limits, but nothing comes out of them: no artifact and no variable.
package rulecommands

import (
	"context"

	"penstock/internal/provider"
	"penstock/internal/provider/commands"
	"penstock/jobworker"
)

// Rule is the provider.
type Rule struct{ commands *commands.Commands }

// New returns the provider that runs rules as c runs actions.
func New(c *commands.Commands) *Rule { return &Rule{c} }

// Type implements provider.Provider.
func (r *Rule) Type() jobworker.ActionType { return provider.Type("Rule", "Commands") }

// Run implements provider.Provider. The rule holds when all commands exit 0.
func (r *Rule) Run(ctx context.Context, t *jobworker.Task) (jobworker.Success, error) {
	j := t.Job
	j.Outputs = nil
	if j.Native != nil {
		n := *j.Native
		n.OutputFiles, n.OutputVariables = nil, nil
		j.Native = &n
	}
	return r.commands.Run(ctx, jobworker.NewTask(nil, j, 0))
}

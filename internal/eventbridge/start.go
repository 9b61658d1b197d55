package eventbridge

import (
	"errors"
	"strings"

	"penstock/internal/core/engine"
	"penstock/internal/core/fault"
	"penstock/internal/store"
)

// maxChain ends loops of pipelines that start each other, or themselves, by
// rules on their own state changes: so many executions in a row may each be
// started by an event of the one before.
const maxChain = 16

// one starts the target of a rule (engine.md section 7.4).
func (b *Bus) one(tx store.Tx, s start) (execution string, err error) {
	name, ok := pipelineName(s.target.ARN, s.rule.Account, s.rule.Region)
	if !ok {
		return "", fault.New("ValidationException", "the target is not a pipeline of this account and region")
	}
	if s.event.chain > maxChain {
		return "", fault.New("LimitExceededException", "%d executions in a row were each started by an event of the one before: this looks like a loop", maxChain)
	}
	p, err := tx.Pipeline(s.rule.Account, s.rule.Region, name)
	if errors.Is(err, store.ErrNotFound) {
		return "", fault.New("PipelineNotFoundException", "the pipeline does not exist")
	}
	if err != nil {
		return "", err
	}
	ev, err := s.input(b.store.Now())
	if err != nil {
		return "", err
	}
	ev.Trigger, ev.Chain = engine.Trigger{Type: "CloudWatchEvent", Detail: s.rule.ARN()}, s.event.chain
	return b.store.Step(tx, p.ID, ev)
}

// asRefusal tells what a pipeline or an input refuses from what went wrong.
func asRefusal(err error) (error, bool) {
	f, ok := errors.AsType[*fault.Error](err)
	return f, ok
}

// pipelineName is the name in the ARN of a pipeline of the account and region.
func pipelineName(arn, account, region string) (string, bool) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || !strings.HasPrefix(parts[1], "aws") || parts[2] != "codepipeline" ||
		parts[3] != region || parts[4] != account || parts[5] == "" || len(parts[5]) > 100 || strings.ContainsAny(parts[5], ":/") {
		return "", false
	}
	return parts[5], true
}

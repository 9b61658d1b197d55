package store

import "penstock/internal/core/engine"

// RuleReader reads the history of rules of stage conditions.
type RuleReader interface {
	// Rules lists rule executions, newest first, below the given id ("" =
	// all); of one execution unless it is "". Action is the rule's name.
	Rules(pipelineID int64, execution, below string, limit int) ([]engine.ActionRecord, error)
}

// Package engine is the state machine of pipelines: what happens to a
// pipeline's stages, executions and actions when something is asked of it or
// reported to it.
//
//	plan, err := Decide(snapshot, event, env)
//
// Decide is pure. It reads no clock, draws no random number and does no I/O:
// time, ids and the facts about action types come in through Env, so that it
// may be run again when a commit loses a race. It changes nothing in the
// snapshot; the plan carries new values and a list of typed changes, which the
// store saves in the transaction of the call that caused them. There is no
// other way to change the state of a pipeline.
//
// The path of an execution (engine.md section 2.3):
//
//	start → in front of a stage → in the stage → … → Succeeded
//	             │ superseded          │ failed, stopped, cancelled
//
// The files follow that path: start.go, enter.go (the gates and locks),
// advance.go (run orders and the end of a stage), action.go (start and end of
// an action), condition.go (the same for rules), failure.go (what a stage does
// about its failure), and one file for each command: stop.go, retry.go,
// rollback.go, override.go, approval.go, transition.go, update.go; result.go
// and timer.go take what workers and the clock report. An execution has one
// timer for all that it waits for, which alarm.go sets at the end of a decision.
package engine

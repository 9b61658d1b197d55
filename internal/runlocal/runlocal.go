// Package runlocal is `penstock run`: it runs a declaration once, on a server of
// its own in a temporary folder, with folders of this machine in place of the
// pipeline's sources.
package runlocal

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"penstock/internal/api"
	"penstock/internal/core/actiontype"
	"penstock/internal/workspace"
)

// Options say what to run and with what.
type Options struct {
	// Pipeline is a declaration that has passed the checks of package
	// declfile; it is not changed.
	Pipeline api.PipelineDeclaration
	// Types are the custom action types that are described.
	Types  []actiontype.Type
	Region string
	// Sources are folders by the name of their source action. The only source
	// action of a pipeline has the working folder unless it is named here.
	Sources map[string]string
	// Skip names actions that are left out, as ACTION or STAGE/ACTION.
	Skip []string
	// Workers are shell commands by CATEGORY/PROVIDER of the custom or partner
	// action type whose jobs they do.
	Workers map[string]string
	// Variables are values of pipeline variables.
	Variables map[string]string
	// Functions are the targets of functions that Lambda actions and rules
	// name, as --lambda-function of the server takes them.
	Functions map[string]string
	// Ask decides on approvals. nil: nobody is there to be asked.
	Ask func(ctx context.Context, a Approval) (Decision, error)
	// Out is a folder that gets what was deployed to S3, BUCKET/KEY; "" is none.
	Out string
	// Env is what the commands of Workers inherit, as os.Environ returns it.
	Env []string
	// Tell is told what happens, in order.
	Tell func(Progress)
	// Version is that of this program.
	Version string
}

// Approval is an action that waits for a decision.
type Approval struct{ Stage, Action, CustomData, Link string }

// Decision is the answer to an Approval.
type Decision struct {
	Approved bool
	Summary  string
}

// Progress is a step of the run.
type Progress struct {
	Stage, Action string // "" for what concerns the run
	Rule          bool   // Action is a rule of the stage's conditions
	// Event is note, started, or the status that an action has ended with.
	Event   string
	Took    time.Duration
	Message string
}

// Result is the end of a run.
type Result struct {
	Pipeline    string
	ExecutionID string
	Status      string // of the execution: Succeeded, Failed, Stopped …
	Summary     string // why, when the execution says so
	Took        time.Duration
	Actions     []Action // and rules, in the order in which they started
	Files       int      // that were copied to Options.Out
}

// Action is one action execution of a run.
type Action struct {
	Stage, Action string
	Rule          bool // Action is a rule of the stage's conditions
	Status        string
	Took          time.Duration
	Message       string
	// Log is the end of what a failed action has printed.
	Log string
}

// Refusal says why a declaration cannot be run here: all reasons, each with what
// to do about it.
type Refusal struct{ Reasons []Reason }

// Reason is one of a Refusal.
type Reason struct{ What, Todo string }

// Error implements error.
func (r *Refusal) Error() string {
	var lines []string
	for _, reason := range r.Reasons {
		lines = append(lines, reason.What+"; "+reason.Todo)
	}
	return strings.Join(lines, "\n")
}

// stopTime is how long the run's own server may take to end.
const stopTime = 30 * time.Second

// Run runs the pipeline and removes all it has made but Options.Out. It returns a
// *Refusal when the declaration cannot be run here, and ctx's error when that
// ends first; the Result tells how far the run came.
func Run(ctx context.Context, o Options) (result Result, err error) {
	dir, err := workspace.New("", "penstock-run-")
	if err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, workspace.Remove(dir)) }()
	r := &run{Options: o, dir: dir, logs: newLogs()}
	if r.plan, err = newPlan(ctx, o); err != nil {
		return result, err
	}
	if err := r.startServer(ctx); err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, r.stopServer()) }()
	if err := r.refuseForeign(); err != nil {
		return result, err
	}
	for _, step := range []func(context.Context) error{r.putSources, r.makeBuckets, r.startWorkers, r.createPipeline} {
		if err := step(ctx); err != nil {
			return result, err
		}
	}
	result, err = r.follow(ctx)
	if err != nil {
		r.abandon(ctx, result.ExecutionID)
		return result, err
	}
	if o.Out != "" {
		result.Files, err = r.copyOut(ctx)
	}
	return result, err
}

// run is one Run on its way.
type run struct {
	Options
	*plan
	*server
	dir  string
	logs *logs
}

func (r *run) note(message string) { r.Tell(Progress{Event: "note", Message: message}) }

// copyWith copies from src to dst and closes src.
func copyWith(dst io.Writer, src io.ReadCloser) error {
	_, err := io.Copy(dst, src)
	return errors.Join(err, src.Close())
}

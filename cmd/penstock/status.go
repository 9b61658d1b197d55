package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"penstock/internal/api"
)

func (c *cli) statusCommand() *cobra.Command {
	watch := false
	cmd := &cobra.Command{
		Use:   "status [PIPELINE]",
		Short: "Show the state of a pipeline, or of all pipelines",
		Long: `Status shows the stages and actions of a pipeline with the result of their last
run. Without a pipeline it lists all pipelines with their newest execution.

With --watch it goes on until the newest execution has ended: on a terminal the
table is drawn again, elsewhere each change is a line. The exit status is then 0
when that execution succeeded and 1 when it did not. A server that goes away for
less than a minute is waited for.

With --output json it prints the answer of GetPipelineState as "state" and the
newest execution, as ListPipelineExecutions has it, as "latestExecution"; with
--watch a document a line for each change.`,
		Example: `  penstock status
  penstock status web
  penstock status web --watch && echo deployed`,
		Args:              arguments(0, 1, "one PIPELINE"),
		ValidArgsFunction: c.completePipeline,
		RunE: func(cmd *cobra.Command, args []string) error {
			if watch && len(args) == 0 {
				return usage(cmd, "--watch needs a PIPELINE")
			}
			client, err := c.client(cmd)
			if err != nil {
				return err
			}
			switch {
			case len(args) == 0:
				return c.listStatus(cmd, client)
			case watch:
				return c.watch(cmd, client, args[0])
			}
			snap, err := c.snapshot(cmd.Context(), client, args[0])
			if err != nil {
				return err
			}
			w := cmd.OutOrStdout()
			if c.json() {
				return snap.printJSON(w)
			}
			return printLines(w, snap.lines(c.screen(w)))
		},
	}
	cmd.Flags().BoolVarP(&watch, "watch", "w", false, "go on until the newest execution has ended")
	return cmd
}

// snapshot is a pipeline at a moment.
type snapshot struct {
	state  *api.GetPipelineStateOutput
	latest *api.PipelineExecutionSummary // nil when it never ran
	now    time.Time
}

func (c *cli) snapshot(ctx context.Context, client *api.Client, name string) (s snapshot, err error) {
	// In this order, an execution that has ended left its last state behind.
	if s.latest, err = newest(ctx, client, name); err != nil {
		return s, err
	}
	if s.state, err = client.GetPipelineState(ctx, &api.GetPipelineStateInput{Name: name}); err != nil {
		return s, err
	}
	s.now = c.now()
	return s, nil
}

// newest returns the newest execution of a pipeline, nil when there is none.
func newest(ctx context.Context, client *api.Client, name string) (*api.PipelineExecutionSummary, error) {
	out, err := client.ListPipelineExecutions(ctx, &api.ListPipelineExecutionsInput{PipelineName: name, MaxResults: new(1)})
	if err != nil || len(out.PipelineExecutionSummaries) == 0 {
		return nil, err
	}
	return &out.PipelineExecutionSummaries[0], nil
}

// encoded is the snapshot as a JSON document.
func (s *snapshot) encoded() []byte {
	doc := append([]byte(`{"state":`), api.Encode(s.state)...)
	if s.latest != nil {
		doc = append(append(doc, `,"latestExecution":`...), api.Encode(s.latest)...)
	}
	return append(doc, '}')
}

func (s *snapshot) printJSON(w io.Writer) error {
	var b bytes.Buffer
	if err := json.Indent(&b, s.encoded(), "", "  "); err != nil {
		return err
	}
	b.WriteByte('\n')
	_, err := w.Write(b.Bytes())
	return err
}

// ended says whether the newest execution can change no more.
func (s *snapshot) ended() bool {
	return s.latest != nil && s.latest.Status != api.PipelineExecutionStatusInProgress && s.latest.Status != api.PipelineExecutionStatusStopping
}

// lines is the snapshot for people.
func (s *snapshot) lines(scr screen) []string {
	lines := append(s.heading(scr), "")
	var cells [][]string
	for _, r := range s.rows() {
		if r.action == "" {
			cells = append(cells, []string{r.stage, r.status, "", r.detail})
		} else {
			cells = append(cells, []string{"  " + r.action, r.status, r.age, r.detail})
		}
	}
	lines = append(lines, scr.table([]string{"STAGE / ACTION", "STATUS", "AGE", "DETAIL"}, cells)...)
	return append(lines, s.approvals()...)
}

func (s *snapshot) heading(scr screen) []string {
	title := s.state.PipelineName
	if v := s.state.PipelineVersion; v != nil {
		title += fmt.Sprintf(" (version %d)", *v)
	}
	if s.latest == nil {
		return []string{title, "it has not run yet"}
	}
	e := s.latest
	line := fmt.Sprintf("execution %s %s, started %s ago", e.PipelineExecutionId, scr.paint(e.Status, e.Status), age(s.now, e.StartTime))
	if e.Trigger != nil && e.Trigger.TriggerType != "" {
		line += " by " + e.Trigger.TriggerType
	}
	if e.StatusSummary != "" {
		line += ": " + clean(e.StatusSummary)
	}
	return []string{title, line}
}

// row is a line of the status table; of a stage when action is empty.
type row struct {
	stage, action, status, age, detail string
}

func (s *snapshot) rows() []row {
	var rows []row
	for i := range s.state.StageStates {
		st := &s.state.StageStates[i]
		rows = append(rows, s.stageRow(st))
		for j := range st.ActionStates {
			rows = append(rows, s.actionRow(st, &st.ActionStates[j]))
		}
	}
	return rows
}

func (s *snapshot) stageRow(st *api.StageState) row {
	r := row{stage: st.StageName, status: "-"}
	var details []string
	if e := st.LatestExecution; e != nil {
		r.status = e.Status
		if s.latest != nil && e.PipelineExecutionId != s.latest.PipelineExecutionId {
			details = append(details, "execution "+e.PipelineExecutionId)
		}
	}
	for _, e := range st.InboundExecutions {
		details = append(details, "waiting: "+e.PipelineExecutionId)
	}
	if t := st.InboundTransitionState; t != nil && t.Enabled != nil && !*t.Enabled {
		details = append(details, "entry is closed: "+clean(t.DisabledReason))
	}
	r.detail = strings.Join(details, "; ")
	return r
}

func (s *snapshot) actionRow(st *api.StageState, a *api.ActionState) row {
	r := row{stage: st.StageName, action: a.ActionName, status: "-"}
	e := a.LatestExecution
	if e == nil {
		return r
	}
	r.status, r.age = e.Status, age(s.now, e.LastStatusChange)
	detail := e.Summary
	switch {
	case e.ErrorDetails != nil:
		detail = e.ErrorDetails.Message
		if detail == "" {
			detail = e.ErrorDetails.Code
		}
	case e.Token != "" && e.Status == api.ActionExecutionStatusInProgress:
		detail = labelled("waiting for approval", detail)
	case e.Status == api.ActionExecutionStatusInProgress && e.PercentComplete != nil:
		detail = fmt.Sprintf("%d%% %s", *e.PercentComplete, detail)
	}
	r.detail = clean(detail)
	if s.before(st, e) {
		r.detail = labelled("earlier execution", r.detail)
	}
	return r
}

// labelled is text with a label in front, or the label alone.
func labelled(label, text string) string {
	if text == "" {
		return label
	}
	return label + ": " + text
}

// before says whether the action has not run yet in the newest execution, which
// is in its stage.
func (s *snapshot) before(st *api.StageState, e *api.ActionExecution) bool {
	return s.latest != nil && st.LatestExecution != nil && st.LatestExecution.PipelineExecutionId == s.latest.PipelineExecutionId &&
		!e.LastStatusChange.IsZero() && e.LastStatusChange.Before(s.latest.StartTime)
}

// approvals says how to answer the approvals that are waited for.
func (s *snapshot) approvals() []string {
	var lines []string
	for _, st := range s.state.StageStates {
		for _, a := range st.ActionStates {
			e := a.LatestExecution
			if e == nil || e.Token == "" || e.Status != api.ActionExecutionStatusInProgress {
				continue
			}
			lines = append(lines, "", fmt.Sprintf("%s/%s waits for an approval; to give it:", st.StageName, a.ActionName),
				fmt.Sprintf("  aws codepipeline put-approval-result --pipeline-name %s --stage-name %s --action-name %s \\", s.state.PipelineName, st.StageName, a.ActionName),
				fmt.Sprintf("    --token %s --result summary=ok,status=Approved", clean(e.Token)))
		}
	}
	return lines
}

// age is how long ago t was.
func age(now, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	d := max(now.Sub(t), 0)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return fmt.Sprintf("%dd", d/(24*time.Hour))
}

func (c *cli) age(t time.Time) string { return age(c.now(), t) }

func printLines(w io.Writer, lines []string) error {
	_, err := io.WriteString(w, strings.Join(lines, "\n")+"\n")
	return err
}

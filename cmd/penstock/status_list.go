package main

import (
	"bytes"
	"encoding/json"
	"errors"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"penstock/internal/api"
)

// pipelineStatus is a pipeline with its newest execution, nil when it never ran.
type pipelineStatus struct {
	pipeline api.PipelineSummary
	latest   *api.PipelineExecutionSummary
	gone     bool // deleted in the meantime
}

// listStatus prints all pipelines.
func (c *cli) listStatus(cmd *cobra.Command, client *api.Client) error {
	all, err := listPipelines(cmd, client)
	if err != nil {
		return err
	}
	calls, ctx := errgroup.WithContext(cmd.Context())
	calls.SetLimit(8)
	for i := range all {
		calls.Go(func() error {
			var err error
			all[i].latest, err = newest(ctx, client, all[i].pipeline.Name)
			if e, ok := errors.AsType[*api.APIError](err); ok && e.Code == api.PipelineNotFoundException {
				all[i].gone, err = true, nil
			}
			return err
		})
	}
	if err := calls.Wait(); err != nil {
		return err
	}
	w := cmd.OutOrStdout()
	if c.json() {
		var b bytes.Buffer
		if err := json.Indent(&b, encodeList(all), "", "  "); err != nil {
			return err
		}
		b.WriteByte('\n')
		_, err := w.Write(b.Bytes())
		return err
	}
	var rows [][]string
	for _, p := range all {
		switch {
		case p.gone:
		case p.latest == nil:
			rows = append(rows, []string{p.pipeline.Name, "-", "", ""})
		default:
			rows = append(rows, []string{p.pipeline.Name, p.latest.Status, c.age(p.latest.LastUpdateTime), p.latest.PipelineExecutionId})
		}
	}
	if len(rows) == 0 {
		note(cmd, "no pipelines in this account and region; make one with `aws codepipeline create-pipeline`")
		return nil
	}
	return printLines(w, c.screen(w).table([]string{"PIPELINE", "STATUS", "AGE", "NEWEST EXECUTION"}, rows))
}

func listPipelines(cmd *cobra.Command, client *api.Client) ([]pipelineStatus, error) {
	var all []pipelineStatus
	in := api.ListPipelinesInput{}
	for {
		out, err := client.ListPipelines(cmd.Context(), &in)
		if err != nil {
			return nil, err
		}
		for _, p := range out.Pipelines {
			all = append(all, pipelineStatus{pipeline: p})
		}
		if out.NextToken == "" {
			return all, nil
		}
		in.NextToken = out.NextToken
	}
}

func encodeList(all []pipelineStatus) []byte {
	doc := []byte(`{"pipelines":[`)
	for _, p := range all {
		if p.gone {
			continue
		}
		if doc[len(doc)-1] == '}' {
			doc = append(doc, ',')
		}
		doc = append(append(doc, `{"pipeline":`...), api.Encode(&p.pipeline)...)
		if p.latest != nil {
			doc = append(append(doc, `,"latestExecution":`...), api.Encode(p.latest)...)
		}
		doc = append(doc, '}')
	}
	return append(doc, `]}`...)
}

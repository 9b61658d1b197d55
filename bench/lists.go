package main

import (
	"errors"
	"time"

	"penstock/internal/api"
)

// listTimes is what calls that list the past took.
type listTimes struct {
	Operation           string
	Pages               int
	All                 []time.Duration // each page once
	First, Middle, Last []time.Duration // one page, again and again
}

// listing makes the calls of one operation.
type listing struct {
	operation string
	page      func(token string) api.Shape
}

var listings = []listing{
	{"ListPipelineExecutions", func(token string) api.Shape {
		return &api.ListPipelineExecutionsInput{PipelineName: pastName, NextToken: token}
	}},
	{"ListActionExecutions", func(token string) api.Shape {
		return &api.ListActionExecutionsInput{PipelineName: pastName, NextToken: token}
	}},
	{"ListPipelines", func(token string) api.Shape { return &api.ListPipelinesInput{NextToken: token} }},
}

// runLists measures the calls that list, on a server with a past that is idle
// otherwise: every page once, then the first, the middle and the last n times
// each, in turn. GetPipelineState has no pages: it goes over pipelines under
// load, and then stays with the one that has most of the past.
func runLists(addr string, loaded, n int) (all []listTimes, err error) {
	c, err := dial(addr)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.net.Close()) }()
	if err := c.net.SetDeadline(time.Now().Add(10 * time.Minute)); err != nil {
		return nil, err
	}
	timed := func(operation string, in api.Shape) ([]byte, time.Duration, error) {
		body := api.Encode(in)
		begin := time.Now()
		answer, err := c.call(operation, body, 0)
		return answer, time.Since(begin), err
	}
	for _, l := range listings {
		t := listTimes{Operation: l.operation}
		tokens := []string{""}
		for next := ""; ; tokens = append(tokens, next) {
			answer, d, err := timed(l.operation, l.page(next))
			if err != nil {
				return nil, err
			}
			t.All = append(t.All, d)
			if next = string(text(answer, `"nextToken":"`)); next == "" {
				break
			}
		}
		t.Pages = len(tokens)
		for range n {
			for _, page := range []struct {
				token string
				into  *[]time.Duration
			}{{tokens[0], &t.First}, {tokens[len(tokens)/2], &t.Middle}, {tokens[len(tokens)-1], &t.Last}} {
				_, d, err := timed(l.operation, l.page(page.token))
				if err != nil {
					return nil, err
				}
				*page.into = append(*page.into, d)
			}
		}
		all = append(all, t)
	}
	state := listTimes{Operation: "GetPipelineState", Pages: min(loaded, n)}
	for i := range state.Pages {
		_, d, err := timed(state.Operation, &api.GetPipelineStateInput{Name: jobLoad.pipeline(i)})
		if err != nil {
			return nil, err
		}
		state.All = append(state.All, d)
	}
	for range n {
		_, d, err := timed(state.Operation, &api.GetPipelineStateInput{Name: pastName})
		if err != nil {
			return nil, err
		}
		state.First = append(state.First, d)
	}
	return append(all, state), nil
}

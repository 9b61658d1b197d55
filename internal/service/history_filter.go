package service

import (
	"context"

	"penstock/internal/api"
	"penstock/internal/core/engine"
	"penstock/internal/store"
)

// historyFilter is the filter of ListActionExecutions and ListRuleExecutions:
// two ways to name an execution, which must both hold (engine.md section 6.5).
type historyFilter struct {
	execution, nested string
	latest            bool // of the nested one: newest attempts only
}

func filterFrom(execution string, l *api.LatestInPipelineExecutionFilter) historyFilter {
	f := historyFilter{execution: execution}
	if l != nil {
		f.nested, f.latest = l.PipelineExecutionId, l.StartTimeRange == "Latest"
	}
	return f
}

// key binds page tokens to the filter.
func (f historyFilter) key(name string) string {
	key := name + "\x00" + f.execution + "\x00" + f.nested
	if f.latest {
		key += "\x00latest"
	}
	return key
}

// one is the execution to list, "" for all.
func (f historyFilter) one() string {
	if f.nested != "" {
		return f.nested
	}
	return f.execution
}

// resolve checks that the executions exist. It returns what newest says of the
// one whose newest attempts are asked for, nil to keep all; none says that the
// filters hold for no row.
func (f historyFilter) resolve(r store.Reader, p store.Pipeline, newest func(*engine.Execution) map[string]bool) (keep map[string]bool, none bool, err error) {
	for _, id := range []string{f.execution, f.nested} {
		if id == "" {
			continue
		}
		e, err := findExecution(r, p, id)
		if err != nil {
			return nil, false, err
		}
		if f.latest && id == f.nested {
			keep = newest(e)
		}
	}
	return keep, f.execution != "" && f.nested != "" && f.execution != f.nested, nil
}

// historyReader reads rows of a history, newest first.
type historyReader func(r store.Reader, pipelineID int64, execution, below string, limit int) ([]engine.ActionRecord, error)

// historyPage is which page of which list a request asks for.
type historyPage struct {
	operation, pipeline string
	maxResults          *int
	token               string
}

// history calls show for each row of a page of a history that the filter lets
// through, and returns the token of the page behind it.
func (s *Service) history(ctx context.Context, page historyPage, f historyFilter, read historyReader, newest func(*engine.Execution) map[string]bool, show func(store.Reader, store.Pipeline, *engine.ActionRecord)) (next string, err error) {
	who, key := caller(ctx), f.key(page.pipeline)
	err = s.view(ctx, page.pipeline, func(r store.Reader, p store.Pipeline) error {
		last, err := s.pages.last(page.token, page.operation, who, key)
		if err != nil {
			return err
		}
		keep, none, err := f.resolve(r, p, newest)
		if err != nil || none {
			return err
		}
		list, more, err := attempts(r, read, p.ID, f.one(), last, pageSize(page.maxResults, 100), keep)
		if err != nil {
			return err
		}
		if more {
			next = s.pages.next(page.operation, who, key, list[len(list)-1].ID)
		}
		for i := range list {
			show(r, p, &list[i])
		}
		return nil
	})
	return next, err
}

// attempts reads a page of a history, those in keep only unless it is nil, and
// reports whether there are more.
func attempts(r store.Reader, read historyReader, pipelineID int64, execution, below string, size int, keep map[string]bool) (page []engine.ActionRecord, more bool, err error) {
	for {
		batch, err := read(r, pipelineID, execution, below, size+1)
		if err != nil {
			return nil, false, err
		}
		for _, rec := range batch {
			if keep != nil && !keep[rec.ID] {
				continue
			}
			if len(page) == size {
				return page, true, nil
			}
			page = append(page, rec)
		}
		if len(batch) <= size {
			return page, false, nil
		}
		below = batch[len(batch)-1].ID
	}
}

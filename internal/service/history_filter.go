package service

import (
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

package config

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/pflag"
)

// Retention is how long the server keeps things after their end; 0 is for ever.
type Retention struct {
	History   time.Duration
	Artifacts time.Duration
	Logs      time.Duration
	Audit     time.Duration
}

// minRetention keeps what people look at in the moment.
const minRetention = time.Hour

func (r *Retention) flags(f *pflag.FlagSet) {
	const year = 365 * 24 * time.Hour
	f.DurationVar(&r.History, "keep-history", year, "how long executions are listed after their end (AWS: 12 months); 0 for ever")
	f.DurationVar(&r.Artifacts, "keep-artifacts", year, "how long the artifacts of executions are kept after their end, at most --keep-history; 0 for ever")
	f.DurationVar(&r.Logs, "keep-logs", year, "how long the logs of actions are kept; 0 for ever")
	f.DurationVar(&r.Audit, "keep-audit", 90*24*time.Hour, "how long audit records are kept; 0 for ever")
}

func (r *Retention) validate() error {
	var errs []error
	for _, s := range []struct {
		flag string
		keep time.Duration
	}{{"keep-history", r.History}, {"keep-artifacts", r.Artifacts}, {"keep-logs", r.Logs}, {"keep-audit", r.Audit}} {
		if s.keep != 0 && s.keep < minRetention {
			errs = append(errs, fmt.Errorf("--%s must be 0 or at least %s", s.flag, minRetention))
		}
	}
	return errors.Join(errs...)
}

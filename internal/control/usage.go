package control

import (
	"context"
	"time"

	"penstock/internal/auth"
	"penstock/internal/store"
)

// GetUsageInput asks what the server keeps.
type GetUsageInput struct {
	Folders bool `json:"folders,omitempty"` // buckets by the first part of keys: the pipeline, in buckets of artifacts
}

// GetUsageOutput tells what the server keeps.
type GetUsageOutput struct {
	DatabaseBytes int64   `json:"databaseBytes"`
	Usage         []Usage `json:"usage"`
}

// Usage is how much there is of something, and what of it is about to go.
type Usage struct {
	Kind    string    `json:"kind"`
	Count   int64     `json:"count"`
	Bytes   int64     `json:"bytes,omitempty"` // 0 = within the database
	Oldest  time.Time `json:"oldest,omitzero"`
	Newest  time.Time `json:"newest,omitzero"`
	Keep    string    `json:"keep,omitempty"`    // how long after its end; "" = for ever
	Expired int64     `json:"expired,omitempty"` // older than that, at most MaxExpired counted
}

// MaxExpired bounds the work of counting what is about to go.
const MaxExpired = 10000

// Keeping is how long the server keeps things; 0 is for ever.
type Keeping struct{ History, Artifacts, Logs, Audit time.Duration }

func (k Keeping) of(kind string) time.Duration {
	switch kind {
	case "executions", "action executions", "rule executions":
		return k.History
	case "audit records":
		return k.Audit
	}
	return 0
}

func keep(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

func (s *Service) getUsage(ctx context.Context, who auth.Principal, in *GetUsageInput) (*GetUsageOutput, error) {
	if err := operatorOnly(who, "GetUsage"); err != nil {
		return nil, err
	}
	return s.Usage(ctx, in.Folders)
}

// Usage counts what the server keeps.
func (s *Service) Usage(ctx context.Context, folders bool) (*GetUsageOutput, error) {
	out := &GetUsageOutput{Usage: []Usage{}}
	err := s.Store.View(ctx, func(r store.Reader) error {
		sizes, bytes, err := r.Sizes()
		if err != nil {
			return err
		}
		out.DatabaseBytes, out.Usage = bytes, out.Usage[:0]
		for _, size := range sizes {
			u := Usage{Kind: size.Kind, Count: size.Rows, Oldest: size.Oldest, Newest: size.Newest, Keep: keep(s.Keeping.of(size.Kind))}
			if size.Kind == "executions" && s.Keeping.History > 0 {
				old, err := r.OldExecutions(s.Store.Now().Add(-s.Keeping.History), "", MaxExpired)
				if err != nil {
					return err
				}
				u.Expired = int64(len(old))
			}
			out.Usage = append(out.Usage, u)
		}
		return nil
	})
	if err != nil || s.Blobs == nil {
		return out, err
	}
	more, err := s.Blobs(ctx, folders)
	out.Usage = append(out.Usage, more...)
	return out, err
}

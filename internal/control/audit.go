package control

import (
	"context"
	"strconv"
	"strings"
	"time"

	"penstock/internal/audit"
	"penstock/internal/auth"
	"penstock/internal/store"
)

// AuditRecord is a call that touched a secret.
type AuditRecord = store.AuditRecord

// AuditOK is the outcome of a call that was answered.
const AuditOK = audit.OK

// GetAuditInput asks for audit records of the caller's account and region.
type GetAuditInput struct {
	// Cursor goes on where an earlier answer ended.
	Cursor string `json:"cursor,omitempty"`
	// SinceSeconds is how far back to begin when there is no cursor.
	SinceSeconds int64 `json:"sinceSeconds,omitempty"`
}

// GetAuditOutput is a piece of the records, oldest first.
type GetAuditOutput struct {
	Records []AuditRecord `json:"records"`
	Cursor  string        `json:"cursor"` // for the next call
	More    bool          `json:"more"`   // there may be more now
}

// auditPage is how many records one call returns at most.
const auditPage = 200

const auditCursor = "a1-"

func (s *Service) getAudit(ctx context.Context, who auth.Principal, in *GetAuditInput) (*GetAuditOutput, error) {
	if in.SinceSeconds < 0 {
		return nil, invalid("sinceSeconds must not be negative")
	}
	out := &GetAuditOutput{Records: []AuditRecord{}}
	err := s.Store.View(ctx, func(r store.Reader) error {
		var after int64
		var err error
		if in.Cursor != "" {
			digits, ok := strings.CutPrefix(in.Cursor, auditCursor)
			if after, err = strconv.ParseInt(digits, 36, 64); !ok || err != nil || after < 0 {
				return invalid("cursor is not one that this server has answered")
			}
		} else {
			back := time.Duration(min(in.SinceSeconds, maxSince)) * time.Second
			if after, err = r.AuditBefore(who.Account, who.Region, s.Store.Now().Add(-back)); err != nil {
				return err
			}
		}
		list, err := r.Audit(who.Account, who.Region, after, auditPage)
		if err != nil {
			return err
		}
		if n := len(list); n > 0 {
			out.Records, after, out.More = list, list[n-1].Number, n == auditPage
		}
		out.Cursor = auditCursor + strconv.FormatInt(after, 36)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

package store

import "time"

// AuditRetention is how long audit records are kept unless the operator says
// otherwise.
const AuditRetention = 90 * 24 * time.Hour

// AuditRecord tells of a call that touched a secret: who, when, from where,
// what, and what came of it. It never holds the secret.
type AuditRecord struct {
	// Number counts the records and grows; there may be gaps.
	Number      int64      `json:"number,omitempty"`
	Time        time.Time  `json:"time"`
	Account     string     `json:"account"` // whose secrets they are
	Region      string     `json:"region"`
	Principal   string     `json:"principal"` // ARN of the caller
	AccessKeyID string     `json:"accessKeyId"`
	Source      string     `json:"sourceAddress,omitempty"` // of the connection
	RequestID   string     `json:"requestId,omitempty"`
	Operation   string     `json:"operation"`
	Outcome     string     `json:"outcome"` // OK or the error's code
	ClientID    string     `json:"clientId,omitempty"`
	KeyID       string     `json:"keyId,omitempty"` // the access key that was made or deleted
	Jobs        []AuditJob `json:"jobs,omitempty"`
}

// AuditJob is a job whose secrets a call was shown or asked for.
type AuditJob struct {
	ID       string   `json:"jobId"`
	Pipeline string   `json:"pipelineName,omitempty"`
	Stage    string   `json:"stageName,omitempty"`
	Action   string   `json:"actionName,omitempty"`
	ClientID string   `json:"clientId,omitempty"`
	Secrets  []string `json:"secrets,omitempty"` // keys of the configuration
}

// AuditReader reads audit records of an account in a region.
type AuditReader interface {
	// Audit lists the records after the given number, oldest first.
	Audit(account, region string, after int64, limit int) ([]AuditRecord, error)
	// AuditBefore returns the number of the newest record that was made
	// before t; 0 when there is none.
	AuditBefore(account, region string, t time.Time) (int64, error)
}

// AuditWriter writes audit records. They go by Purge.
type AuditWriter interface {
	// PutAudit adds a record; its Number is ignored.
	PutAudit(r AuditRecord) error
}

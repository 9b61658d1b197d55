package store

// AnnouncedRevision is a revision of a source action that PutActionRevision
// announced, with the execution it started. The change id tells changes apart
// that restore an older revision.
type AnnouncedRevision struct {
	Action, Revision, Change string
	Execution                string
}

// RevisionReader reads announced revisions.
type RevisionReader interface {
	// Announced returns the execution that the revision started; Execution
	// of r is ignored.
	Announced(pipelineID int64, r AnnouncedRevision) (execution string, err error)
}

// RevisionWriter writes announced revisions.
type RevisionWriter interface {
	PutAnnounced(pipelineID int64, r AnnouncedRevision) error
}

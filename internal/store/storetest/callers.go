package storetest

// callers says of each method of store.Tx that writes in which package TestFaults
// fails the calls that use it, before their commit and after. A test holds it to
// the methods that there are, TestFaults to what it fails.
var callers = map[string]string{
	"Apply": "service", "DeletePipeline": "service", "InsertPipeline": "service", "PutActionType": "service", "PutAnnounced": "service",
	"PutAudit": "service", "PutClient": "service", "PutStartToken": "service", "PutVersion": "service", "SaveJob": "service", "Saw": "service",
	"SetTags": "service", "SetWatches": "service", "Snapshot": "service",

	"ClaimEventRule": "app", "ClaimRevision": "app", "ConnectionDelivered": "app", "DeleteAccessKey": "app", "DeleteConnection": "app",
	"DeleteEventRule": "app", "DeleteWebhook": "app", "Delivered": "app", "InsertAccessKey": "app", "Purge": "app", "PurgeAudit": "app",
	"PutConnection": "app", "PutEventRule": "app", "PutWebhook": "app", "SetGitSources": "app", "SetReferences": "app",
	"SetWatchProblem": "app", "StopPolling": "app",

	// Loops that do the same again at their next turn; each is one update.
	"AdvanceSinkCursor": loop, "ClearTimer": loop, "RemoveExecution": loop, "RemoveVersion": loop, "SetSinkCursor": loop,
}

const loop = "a loop"

// FailedBy are the methods of transactions that TestFaults of the package fails.
func FailedBy(pkg string) (methods []string) {
	for method, in := range callers {
		if in == pkg {
			methods = append(methods, method)
		}
	}
	return methods
}

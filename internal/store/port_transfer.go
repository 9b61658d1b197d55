package store

import (
	"errors"

	"penstock/internal/transfer"
)

// StateKind is what a stream of TransferTables says it holds.
const StateKind = "state"

// TransferTables are the tables that move from one database to another, in the
// order in which they travel. Both drivers have them under these names; what a
// driver has beside them it makes anew (its derivedColumns and derivedTables).
//
// Not carried are hand-outs, leases and nodes: a job that was polled and not
// yet acknowledged is Queued, and its nonce stays good until it is handed out
// again; a job of a built-in action starts over; a job that a worker has
// acknowledged stays InProgress, under its nonce.
var TransferTables = []transfer.Table{
	// The newest number that a table has given out, as none is given out twice.
	{Name: "sequence", Key: 1, Columns: transfer.Columns(transfer.Texts("name"), transfer.Ints("value"))},

	{Name: "pipeline", Key: 1, Columns: transfer.Columns(transfer.Ints("id"), transfer.Texts("account", "region", "name"),
		transfer.Ints("version"), transfer.Texts("mode", "type"), transfer.Ints("created", "updated"),
		transfer.Bools("deleted"), transfer.Blobs("state"))},
	{Name: "pipeline_version", Key: 2, Columns: transfer.Columns(transfer.Ints("pipeline_id", "version"), transfer.Blobs("doc"), transfer.Ints("made"))},
	{Name: "execution", Key: 2, Columns: transfer.Columns(transfer.Ints("pipeline_id"), transfer.Texts("id"), transfer.Blobs("doc"), transfer.Ints("version"))},
	{Name: "start_token", Key: 2, Columns: transfer.Columns(transfer.Ints("pipeline_id"), transfer.Texts("token", "execution"))},
	{Name: "stage_passed", Key: 4, Columns: transfer.Columns(transfer.Ints("pipeline_id"), transfer.Texts("stage"),
		transfer.Ints("version"), transfer.Texts("execution"))},
	{Name: "action_execution", Key: 2, Columns: transfer.Columns(transfer.Ints("pipeline_id"), transfer.Texts("id", "execution", "status"),
		transfer.Ints("updated"), transfer.Bools("has_outputs"), transfer.Blobs("doc", "result"))},
	{Name: "action_latest", Key: 3, Columns: transfer.Columns(transfer.Ints("pipeline_id"), transfer.Texts("stage", "action", "id"))},
	{Name: "rule_execution", Key: 2, Columns: transfer.Columns(transfer.Ints("pipeline_id"), transfer.Texts("id", "execution", "status"),
		transfer.Ints("updated"), transfer.Blobs("doc", "result"))},
	{Name: "job", Key: 1, Columns: transfer.Columns(transfer.Texts("id", "queue", "client", "state"),
		transfer.Ints("queued_at", "last", "floor", "acked", "acked_at", "ended_at"), transfer.Texts("report"), transfer.Blobs("doc"))},
	{Name: "timer", Key: 3, Columns: transfer.Columns(transfer.Ints("at"), transfer.Texts("id", "kind", "execution"), transfer.Ints("pipeline_id"))},
	{Name: "revision", Key: 4, Columns: transfer.Columns(transfer.Ints("pipeline_id"), transfer.Texts("action", "revision", "change", "execution"))},
	{Name: "watch", Key: 2, Columns: transfer.Columns(transfer.Ints("pipeline_id"),
		transfer.Texts("action", "account", "region", "name", "bucket", "object_key", "seen", "problem_code", "problem_text"),
		transfer.Ints("problem_since"))},
	{Name: "polling_stopped", Key: 1, Columns: transfer.Ints("pipeline_id", "at")},

	// The rows of the outbox by the numbers that sinks know them by.
	{Name: "outbox", Key: 1, Columns: transfer.Columns(transfer.Ints("number", "pipeline_id", "at"), transfer.Blobs("doc"))},
	{Name: "event_sink", Key: 1, Columns: transfer.Columns(transfer.Texts("name"), transfer.Ints("seq"))},
	{Name: "former_pipeline", Key: 1, Columns: transfer.Columns(transfer.Ints("id"), transfer.Texts("account", "region", "name"), transfer.Ints("removed"))},

	{Name: "action_type", Key: 6, Columns: transfer.Columns(transfer.Texts("account", "region", "category", "owner", "provider", "version"),
		transfer.Bools("deleted"), transfer.Ints("created"), transfer.Blobs("doc"))},
	{Name: "client", Key: 1, Columns: transfer.Columns(transfer.Texts("id", "account", "region", "category", "owner", "provider", "version", "token"),
		transfer.Ints("created", "revoked"), transfer.Texts("previous"), transfer.Ints("previous_until"))},
	{Name: "tag", Key: 2, Columns: transfer.Texts("arn", "name", "value")},
	{Name: "access_key", Key: 1, Columns: transfer.Columns(transfer.Texts("id", "secret", "account", "user_name", "service_principal"), transfer.Ints("created"))},
	{Name: "audit", Key: 1, Columns: transfer.Columns(transfer.Ints("seq"), transfer.Texts("account", "region"), transfer.Ints("at"), transfer.Blobs("doc"))},

	{Name: "webhook", Key: 1, Columns: transfer.Columns(transfer.Ints("id"), transfer.Texts("account", "region", "name", "key"),
		transfer.Ints("last_triggered"), transfer.Blobs("doc"))},
	{Name: "webhook_delivery", Key: 2, Columns: transfer.Columns(transfer.Ints("webhook_id"), transfer.Texts("delivery"), transfer.Ints("at"))},
	{Name: "connection", Key: 1, Columns: transfer.Columns(transfer.Texts("id", "account", "region", "name"), transfer.Ints("created"), transfer.Blobs("doc"))},
	{Name: "connection_delivery", Key: 2, Columns: transfer.Columns(transfer.Texts("connection", "delivery"), transfer.Ints("at"))},
	{Name: "git_source", Key: 2, Columns: transfer.Columns(transfer.Ints("pipeline_id"),
		transfer.Texts("action", "account", "region", "name", "connection", "repository"))},
	{Name: "repository", Key: 2, Columns: transfer.Columns(transfer.Texts("connection", "name"), transfer.Blobs("refs"))},
	{Name: "event_rule", Key: 3, Columns: transfer.Columns(transfer.Texts("account", "region", "name"), transfer.Ints("due"), transfer.Blobs("doc"))},
	{Name: "event_rule_version", Key: 1, Columns: transfer.Ints("id", "version")},
}

// PresetTables are those of TransferTables whose rows an empty database has
// already.
var PresetTables = map[string]bool{"sequence": true, "event_rule_version": true}

// ErrNotEmpty says that state cannot be loaded into a database that has some.
var ErrNotEmpty = errors.New("the database is not empty; state is only imported into a new one")

// ErrOtherKey says that a stream holds secrets of another installation.
var ErrOtherKey = errors.New("the file's secrets are sealed with another master key; " +
	"give this data folder the master.key of the server that it comes from, or set PENSTOCK_MASTER_KEY")

// canary is what the master key is tried on.
const canary, canaryContext = "penstock", "transfer"

// SealCanary returns the Key of a stream's Header.
func SealCanary(s Sealer) string { return s.Seal([]byte(canary), canaryContext) }

// CheckCanary returns ErrOtherKey for the Key of another installation.
func CheckCanary(s Sealer, sealed string) error {
	if clear, err := s.Open(sealed, canaryContext); err != nil || string(clear) != canary {
		return ErrOtherKey
	}
	return nil
}

// Difference returns an error when what was loaded is not what was read.
func Difference(read, loaded []transfer.Sum) error {
	found := map[string]transfer.Sum{}
	for _, s := range loaded {
		found[s.Table] = s
	}
	for _, s := range read {
		if found[s.Table] != s {
			return errors.New("table " + s.Table + " does not read back as it was written; nothing was imported")
		}
	}
	return nil
}

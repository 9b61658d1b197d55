// Package event turns the outbox into events as Amazon EventBridge would carry
// them, and feeds them to sinks: an HTTP endpoint, a file. The changes of state
// lie in the outbox since the transaction that made them; a Feed reads them in
// that order, hands them to its Sink until it takes them, and keeps how far it
// is in a cursor of its own. So each sink gets each event at least once, those
// of a pipeline in order, and none waits for another.
package event

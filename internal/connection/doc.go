// Package connection reaches Git hosts for pipelines: it knows the providers of
// connections, starts the executions that an event in a repository asks for, and
// asks hosts for changes where no webhook reaches this server. What starts is
// decided by internal/core/trigger.
package connection

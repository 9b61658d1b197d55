// Command penstock is the server and its clients in one binary.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	os.Exit(run())
}

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The first signal asks commands to end, a second one ends them.
	context.AfterFunc(ctx, stop)
	return exitCode(newRoot().ExecuteContext(ctx), os.Stderr)
}

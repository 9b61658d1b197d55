// Command bench measures the server: durable job calls a second over signed
// HTTP and the time from one action's report to the next action's worker,
// beside three baselines of the same run. docs/performance.md tells what the
// figures mean.
//
//	go run ./bench                     all levels of load, as tables
//	go run ./bench --quick --json      64 callers, JSON on the last line, within 45 s
//	go run ./bench --history 1000000   also a server with a long past
//	go run ./bench --waiting 10000     only what so many waiting workers cost
//	go run ./bench --database postgres --nodes 3
//	                                   three servers on a PostgreSQL of the bench's own
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/pflag"
)

// baselineCommand is the argument with which the bench starts itself as a
// baseline server.
const baselineCommand = "serve-baseline"

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil && !errors.Is(err, pflag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out, notes io.Writer) (err error) {
	if len(args) > 0 && args[0] == baselineCommand {
		return runBaseline(args[1:])
	}
	f := pflag.NewFlagSet("bench", pflag.ContinueOnError)
	f.SetOutput(notes)
	isQuick := f.Bool("quick", false, "64 callers only, within 45 seconds")
	asJSON := f.Bool("json", false, "print a JSON object on the last line")
	binary := f.String("binary", "", "penstock binary to measure; empty builds it from this module")
	data := f.String("data", os.TempDir(), "folder for the data of the run, on the disk to measure; a folder of its own is made in it")
	address := f.String("database", "", "measure on PostgreSQL: the URL of a server on which databases may be made, or the word "+ownServer+" for one that is started with its data beside --data; empty is SQLite")
	nodes := f.Int("nodes", 1, "servers on the one database; callers are spread over them")
	history := f.Int("history", 0, "also measure a server with so many past executions")
	waiting := f.Int("waiting", 0, "measure only what so many workers in long polls cost")
	callers := f.IntSlice("callers", nil, "numbers of callers to measure")
	rounds := f.Int("rounds", 0, "rounds of each number of callers")
	length := f.Duration("round", 0, "length of a round of load")
	if err := f.Parse(args); err != nil {
		return err
	}
	p := full
	if *isQuick {
		p = quick
	}
	p.History, p.Nodes = *history, *nodes
	if p.Nodes < 1 || p.Nodes > 64 || p.Nodes > 1 && *address == "" {
		return errors.New("--nodes must be between 1 and 64, and 1 without --database")
	}
	if len(*callers) > 0 {
		p.Callers = *callers
	}
	if *rounds > 0 {
		p.Rounds, p.Lines = *rounds, min(p.Lines, *rounds)
	}
	if *length > 0 {
		p.Round = *length
	}
	for _, n := range p.Callers {
		if n < 1 || n > 4096 {
			return fmt.Errorf("--callers must be between 1 and 4096, not %d", n)
		}
	}
	dir, err := os.MkdirTemp(*data, "penstock-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	say := func(format string, args ...any) {
		fmt.Fprintf(notes, "%s "+format+"\n", append([]any{time.Now().Format(time.TimeOnly)}, args...)...)
	}
	if *binary == "" {
		say("building the server")
		*binary = filepath.Join(dir, "penstock-server")
		if err := build(ctx, *binary); err != nil {
			return err
		}
	}
	b := &bench{plan: p, dir: dir, binary: *binary, say: say}
	if *address != "" {
		if b.database, err = openDatabase(ctx, *address, dir); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, b.database.close()) }()
	}
	if *waiting > 0 {
		res, err := b.runWaiting(ctx, *waiting)
		if err != nil {
			return err
		}
		if *asJSON {
			return json.NewEncoder(out).Encode(res)
		}
		return res.print(out)
	}
	res, err := b.run(ctx)
	if err != nil {
		return err
	}
	if !*asJSON {
		return res.print(out, p, b.database)
	}
	return json.NewEncoder(out).Encode(summary(res, p, b.database))
}

// build builds the server as it is released.
func build(ctx context.Context, to string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-o", to, "penstock/cmd/penstock")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("the server does not build: %w\n%s", err, out)
	}
	return nil
}

func runBaseline(args []string) error {
	f := pflag.NewFlagSet(baselineCommand, pflag.ContinueOnError)
	data := f.String("data", ".", "folder of the log")
	job := f.String("job", "", "file with the answer of a poll")
	if err := f.Parse(args); err != nil {
		return err
	}
	return serveBaseline(*data, *job)
}

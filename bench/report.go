package main

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"
	"time"
)

// report is the line for machines. Rates are calls a second, medians over the
// rounds; ratios are medians of the ratios of single rounds.
type report struct {
	NoopRPS      float64 `json:"noop_rps"`
	LogLimitRPS  float64 `json:"loglimit_rps"`
	FsyncP50     float64 `json:"fsync_p50_us"`
	FsyncP99     float64 `json:"fsync_p99_us"`
	CallsRPS     float64 `json:"calls_rps"`
	ServerCPU    float64 `json:"server_cpu_us_per_call"`
	RatioLog     float64 `json:"ratio_loglimit"`
	HandoverP50  float64 `json:"handover_p50_us"` // report answered → job in hand, 0 when it was there first
	HandoverP99  float64 `json:"handover_p99_us"`
	RatioHistory float64 `json:"ratio_history,omitempty"`

	HandoverSentP50 float64 `json:"handover_sent_p50_us"` // report sent → job in hand, commit included
	HandoverSentP99 float64 `json:"handover_sent_p99_us"`
	RatioNoop       float64 `json:"ratio_noop"`
	NoopCPU         float64 `json:"noop_cpu_us_per_call"`
	LogLimitCPU     float64 `json:"loglimit_cpu_us_per_call"`
	ClientCPU       float64 `json:"client_cpu_us_per_call"` // of the load generator against Penstock
	EmptyPolls      float64 `json:"empty_polls_per_call"`
	Callers         int     `json:"callers"`
	Rounds          int     `json:"rounds"`
	History         int     `json:"history"`

	Store       string  `json:"store,omitempty"` // postgres; SQLite is not named
	Nodes       int     `json:"nodes"`
	Executions  float64 `json:"executions_per_second"`              // whole ones of four stages
	DatabaseCPU float64 `json:"database_cpu_us_per_call,omitempty"` // of the bench's own PostgreSQL
	Start       float64 `json:"start_ms"`                           // first start, empty database
	StartPast   float64 `json:"start_history_ms,omitempty"`         // on the one with history
	Idle        int64   `json:"rss_idle_bytes"`                     // of the largest node
	Loaded      int64   `json:"rss_load_bytes"`                     // the same after all load
	ListP50     float64 `json:"list_p50_us,omitempty"`              // of the slowest operation, over all its pages
	ListP99     float64 `json:"list_p99_us,omitempty"`
}

// summarized is the level of 64 callers, or else the first.
func (res results) summarized() level {
	for _, l := range res.Levels {
		if l.Callers == 64 {
			return l
		}
	}
	return res.Levels[0]
}

// summary reduces the results to one level of load.
func summary(res results, p plan, d *database) report {
	l := res.summarized()
	var answered, sent []time.Duration
	for _, h := range res.Handovers {
		answered, sent = append(answered, h.Answered), append(sent, h.Sent)
	}
	r := report{
		NoopRPS: medianOf(l.Noop, round.rps), LogLimitRPS: medianOf(l.Log, round.rps), CallsRPS: medianOf(l.Real, round.rps),
		FsyncP50: micros(percentile(res.Fsyncs, 0.5)), FsyncP99: micros(percentile(res.Fsyncs, 0.99)),
		ServerCPU: medianOf(l.Real, round.cpuMicros), NoopCPU: medianOf(l.Noop, round.cpuMicros), LogLimitCPU: medianOf(l.Log, round.cpuMicros),
		ClientCPU: medianOf(l.Real, round.clientMicros),
		RatioLog:  ratio(l.Real, l.Log), RatioNoop: ratio(l.Real, l.Noop), RatioHistory: ratio(l.Past, l.Real),
		HandoverP50: micros(percentile(answered, 0.5)), HandoverP99: micros(percentile(answered, 0.99)),
		HandoverSentP50: micros(percentile(sent, 0.5)), HandoverSentP99: micros(percentile(sent, 0.99)),
		EmptyPolls: medianOf(l.Real, func(r round) float64 { return float64(r.Empty) / float64(max(r.Calls, 1)) }),
		Callers:    l.Callers, Rounds: len(l.Real), History: p.History,
		Nodes: p.Nodes, Executions: medianOf(res.Lines, round.executions), DatabaseCPU: medianOf(l.Real, round.databaseMicros),
		Start: millis(res.Start), StartPast: millis(res.StartPast), Idle: res.Idle, Loaded: res.Loaded,
	}
	if d != nil {
		r.Store = "postgres"
	}
	for _, t := range res.Lists {
		r.ListP50 = max(r.ListP50, micros(percentile(t.every(), 0.5)))
		r.ListP99 = max(r.ListP99, micros(percentile(t.every(), 0.99)))
	}
	for _, v := range []*float64{&r.NoopRPS, &r.LogLimitRPS, &r.CallsRPS, &r.Executions} {
		*v = math.Round(*v)
	}
	for _, v := range []*float64{&r.ServerCPU, &r.NoopCPU, &r.LogLimitCPU, &r.ClientCPU, &r.DatabaseCPU} {
		*v = math.Round(*v*10) / 10
	}
	for _, v := range []*float64{&r.RatioLog, &r.RatioNoop, &r.RatioHistory, &r.EmptyPolls} {
		*v = math.Round(*v*1000) / 1000
	}
	return r
}

func millis(d time.Duration) float64 { return math.Round(float64(d)/float64(time.Millisecond)*10) / 10 }

func micros(d time.Duration) float64 { return math.Round(float64(d) / float64(time.Microsecond)) }

// print writes the tables for people.
func (res results) print(w io.Writer, p plan, d *database) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "callers\tno-op/s\tlog limit/s\tpenstock/s\tof log limit\tof no-op\tserver µs/call\tlog limit µs/call\tno-op µs/call\tclient µs/call\tPostgreSQL µs/call\twith history\t")
	for _, l := range res.Levels {
		past := "-"
		if len(l.Past) > 0 {
			past = fmt.Sprintf("%.3f", ratio(l.Past, l.Real))
		}
		fmt.Fprintf(t, "%d\t%.0f\t%.0f\t%.0f\t%.3f\t%.3f\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%s\t\n", l.Callers,
			medianOf(l.Noop, round.rps), medianOf(l.Log, round.rps), medianOf(l.Real, round.rps), ratio(l.Real, l.Log), ratio(l.Real, l.Noop),
			medianOf(l.Real, round.cpuMicros), medianOf(l.Log, round.cpuMicros), medianOf(l.Noop, round.cpuMicros), medianOf(l.Real, round.clientMicros), medianOf(l.Real, round.databaseMicros), past)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if err := res.printLists(w); err != nil {
		return err
	}
	s := summary(res, p, d)
	past := "no other measured"
	if res.StartPast > 0 {
		past = fmt.Sprintf("%.1f ms on the one with history", s.StartPast)
	}
	limit, against := 5000.0, "5 ms, as fsync p99 < 1 ms"
	if s.FsyncP99 >= 1000 {
		limit, against = 4*s.FsyncP99, "4 fsync p99s"
	}
	_, err := fmt.Fprintf(w, `
store: %s, nodes: %d
whole executions of four stages, %d callers: %.0f/s
memory of a node: %.1f MB after its start, %.1f MB after all load
start until ready: %.1f ms on an empty database, %s
fsync of 4 KiB: p50 %.0f µs, p99 %.0f µs (%d)
hand-over, from the report's answer: p50 %.0f µs, p99 %.0f µs (%d)
hand-over, from the report's sending: p50 %.0f µs, p99 %.0f µs

bars at %d callers: %s of the log limit %.3f (0.7)   %s server µs per call %.1f (120)   %s hand-over p99 %.0f µs (%.0f: %s)
`, cmp.Or(s.Store, "sqlite"), s.Nodes, s.Callers, s.Executions, float64(s.Idle)/1e6, float64(s.Loaded)/1e6, s.Start, past,
		s.FsyncP50, s.FsyncP99, len(res.Fsyncs), s.HandoverP50, s.HandoverP99, len(res.Handovers), s.HandoverSentP50, s.HandoverSentP99,
		s.Callers, verdict(s.RatioLog >= 0.7), s.RatioLog, verdict(s.ServerCPU <= 120), s.ServerCPU, verdict(s.HandoverP99 < limit), s.HandoverP99, limit, against)
	return err
}

// every is all that was measured of the operation.
func (t listTimes) every() []time.Duration { return slices.Concat(t.All, t.First, t.Middle, t.Last) }

// printLists writes what the calls that list took, p50/p99 in milliseconds.
func (res results) printLists(w io.Writer) error {
	if len(res.Lists) == 0 {
		return nil
	}
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "p50/p99 ms\tpages\tall pages\tfirst\tmiddle\tlast\t")
	for _, l := range res.Lists {
		fmt.Fprintf(t, "%s\t%d", l.Operation, l.Pages)
		for _, times := range [][]time.Duration{l.All, l.First, l.Middle, l.Last} {
			if len(times) == 0 {
				fmt.Fprint(t, "\t-")
				continue
			}
			fmt.Fprintf(t, "\t%.2f/%.2f", micros(percentile(times, 0.5))/1000, micros(percentile(times, 0.99))/1000)
		}
		fmt.Fprintln(t, "\t")
	}
	return t.Flush()
}

func verdict(ok bool) string {
	if ok {
		return "met:"
	}
	return "MISSED:"
}

package main

import (
	"bytes"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"penstock/internal/api"
)

const (
	// watchEvery is the pause between two looks at the server.
	watchEvery = time.Second
	// patience is how long a server that has answered before may be away.
	patience = time.Minute
)

// watch shows a pipeline until its newest execution has ended.
func (c *cli) watch(cmd *cobra.Command, client *api.Client, name string) error {
	show := c.viewer(cmd)
	away := outage{c: c, cmd: cmd}
	for {
		snap, err := c.snapshot(cmd.Context(), client, name)
		if err := away.check(err); err != nil {
			return err
		}
		if err == nil {
			if err := show(&snap); err != nil {
				return err
			}
			if snap.ended() {
				return outcome(name, snap.latest)
			}
		}
		if err := c.pause(cmd.Context(), watchEvery); err != nil {
			return err
		}
	}
}

// outcome is the end of an execution as the result of the command.
func outcome(name string, e *api.PipelineExecutionSummary) error {
	if e.Status == api.PipelineExecutionStatusSucceeded {
		return nil
	}
	f := &failure{code: exitFailure, what: fmt.Sprintf("execution %s of %s has ended: %s", e.PipelineExecutionId, name, e.Status)}
	if e.Status == api.PipelineExecutionStatusFailed {
		f.todo = fmt.Sprintf("`penstock status %s` tells why, `penstock logs %s` has the log", name, name)
	}
	return f
}

// outage waits for a server that has answered before and is away for a while.
type outage struct {
	c     *cli
	cmd   *cobra.Command
	seen  bool      // it has answered
	since time.Time // zero while it answers
}

// check is given the error of each call. It returns those that end the command.
func (o *outage) check(err error) error {
	switch {
	case err == nil:
		if !o.since.IsZero() {
			note(o.cmd, "the server answers again")
		}
		o.seen, o.since = true, time.Time{}
		return nil
	case !o.seen || !unreachable(err) || o.cmd.Context().Err() != nil:
		return err
	case o.since.IsZero():
		note(o.cmd, "%s; trying again for %v", explain(err).what, patience)
		o.since = o.c.now()
		return nil
	case o.c.now().Sub(o.since) > patience:
		return err
	}
	return nil
}

// viewer returns what shows one snapshot after the other.
func (c *cli) viewer(cmd *cobra.Command) func(*snapshot) error {
	w := cmd.OutOrStdout()
	scr := c.screen(w)
	switch {
	case c.json():
		return jsonViewer(w)
	case scr.tty:
		return tableViewer(w, scr)
	}
	return lineViewer(w)
}

// jsonViewer prints a document a line when something has changed.
func jsonViewer(w io.Writer) func(*snapshot) error {
	var last []byte
	return func(s *snapshot) error {
		doc := s.encoded()
		if bytes.Equal(doc, last) {
			return nil
		}
		last = doc
		_, err := w.Write(append(bytes.Clone(doc), '\n'))
		return err
	}
}

// tableViewer draws the table over the one before. It shows no more than the
// screen holds, since what has scrolled away cannot be drawn over.
func tableViewer(w io.Writer, scr screen) func(*snapshot) error {
	drawn := 0
	return func(s *snapshot) error {
		var b bytes.Buffer
		if drawn > 0 {
			fmt.Fprintf(&b, "\x1b[%dA", drawn)
		}
		drawn = 0
		for _, line := range s.lines(scr) {
			n := scr.rows(line)
			if scr.height > 0 && drawn+n >= scr.height {
				break
			}
			drawn += n
			fmt.Fprintf(&b, "\x1b[2K%s\n", line)
		}
		b.WriteString("\x1b[J")
		_, err := w.Write(b.Bytes())
		return err
	}
}

// lineViewer prints a line for each stage and action that has changed.
func lineViewer(w io.Writer) func(*snapshot) error {
	execution := ""
	last := map[string]string{}
	return func(s *snapshot) error {
		var lines []string
		if s.latest != nil {
			if now := s.latest.PipelineExecutionId + " " + s.latest.Status; now != execution {
				execution = now
				lines = append(lines, "execution "+now)
			}
		}
		for _, r := range s.rows() {
			at := r.stage
			if r.action != "" {
				at += "/" + r.action
			}
			line := at + " " + r.status
			if r.detail != "" {
				line += ": " + r.detail
			}
			if last[at] != line && (r.status != "-" || r.detail != "" || last[at] != "") {
				lines = append(lines, line)
			}
			last[at] = line
		}
		if len(lines) == 0 {
			return nil
		}
		return printLines(w, lines)
	}
}

package main

import (
	"io"
	"slices"
	"strings"
	"testing"
)

// state is the answer of GetPipelineState for one stage and action.
func state(stage, action, summary string) answer {
	return answer{body: `{"pipelineName":"web","pipelineVersion":1,"stageStates":[{"stageName":"Build","latestExecution":{"pipelineExecutionId":"exec-1","status":"` + stage +
		`"},"actionStates":[{"actionName":"Compile","latestExecution":{"status":"` + action + `","summary":"` + summary + `"}}]}]}`}
}

func TestWatch(t *testing.T) {
	t.Parallel()
	running, done := execution("exec-1", "InProgress"), execution("exec-1", "Succeeded")
	cut := answer{cut: true}
	for _, tc := range []struct {
		name   string
		latest []answer
		states []answer
		code   int
		stdout string
		stderr string
	}{
		{
			name:   "only changes are printed",
			latest: []answer{running, running, running, done},
			states: []answer{state("InProgress", "InProgress", ""), state("InProgress", "InProgress", ""), state("InProgress", "InProgress", "half"), state("Succeeded", "Succeeded", "done")},
			stdout: "execution exec-1 InProgress\nBuild InProgress\nBuild/Compile InProgress\nBuild/Compile InProgress: half\n" +
				"execution exec-1 Succeeded\nBuild Succeeded\nBuild/Compile Succeeded: done\n",
		},
		{
			name:   "failed",
			latest: []answer{execution("exec-1", "Failed")}, states: []answer{state("Failed", "Failed", "")},
			code: exitFailure, stdout: "execution exec-1 Failed\nBuild Failed\nBuild/Compile Failed\n",
			stderr: "penstock: execution exec-1 of web has ended: Failed; `penstock status web` tells why, `penstock logs web` has the log\n",
		},
		{
			name:   "stopped",
			latest: []answer{execution("exec-1", "Stopping"), execution("exec-1", "Stopped")}, states: []answer{state("Stopped", "Abandoned", "")},
			code: exitFailure, stdout: "execution exec-1 Stopping\nBuild Stopped\nBuild/Compile Abandoned\nexecution exec-1 Stopped\n",
			stderr: "penstock: execution exec-1 of web has ended: Stopped\n",
		},
		{
			name:   "no execution yet",
			latest: []answer{{body: `{"pipelineExecutionSummaries":[]}`}, done}, states: []answer{state("Succeeded", "Succeeded", "")},
			stdout: "Build Succeeded\nBuild/Compile Succeeded\nexecution exec-1 Succeeded\n",
		},
		{
			name:   "the server restarts",
			latest: []answer{running, cut, cut, {code: "ServiceUnavailableException"}, done}, states: []answer{state("Succeeded", "Succeeded", "")},
			stdout: "execution exec-1 InProgress\nBuild Succeeded\nBuild/Compile Succeeded\nexecution exec-1 Succeeded\n",
			stderr: "penstock: no answer from URL: EOF; trying again for 1m0s\npenstock: the server answers again\n",
		},
		{
			name:   "the server goes away for good",
			latest: []answer{running, cut}, states: []answer{state("Succeeded", "Succeeded", "")},
			code:   exitUnreachable,
			stdout: "execution exec-1 InProgress\nBuild Succeeded\nBuild/Compile Succeeded\n",
			stderr: "penstock: no answer from URL: EOF; trying again for 1m0s\n" +
				"penstock: no answer from URL: EOF; start it with `penstock server`, or name another with --endpoint-url\n",
		},
		{
			name:   "the pipeline is deleted",
			latest: []answer{running, {code: "PipelineNotFoundException", body: "gone"}}, states: []answer{state("Succeeded", "Succeeded", "")},
			code: exitRefused, stdout: "execution exec-1 InProgress\nBuild Succeeded\nBuild/Compile Succeeded\n",
			stderr: "penstock: PipelineNotFoundException: gone; `penstock status` lists the pipelines of this account and region\n",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := newFake(t).on("ListPipelineExecutions", tc.latest...).on("GetPipelineState", tc.states...).console()
			cfg, err := c.load(c.ctx, c.server)
			if err != nil {
				t.Fatal(err)
			}
			code, stdout, stderr := c.run("status", "web", "--watch")
			stderr = strings.ReplaceAll(stderr, cfg.Endpoint, "URL")
			if code != tc.code || stdout != tc.stdout || stderr != tc.stderr {
				t.Errorf("exit %d\n%s%s\nwant exit %d\n%s%s", code, stdout, stderr, tc.code, tc.stdout, tc.stderr)
			}
		})
	}
}

func TestWatchInterrupted(t *testing.T) {
	t.Parallel()
	f := newFake(t).on("ListPipelineExecutions", execution("exec-1", "InProgress"))
	var c *console
	interrupted := state("InProgress", "InProgress", "")
	interrupted.do = func() { c.cancel() }
	f.on("GetPipelineState", interrupted)
	c = f.console()
	if code, _, stderr := c.run("status", "web", "--watch"); code != exitInterrupted || stderr != "penstock: interrupted\n" {
		t.Errorf("exit %d, %q", code, stderr)
	}
}

func TestWatchJSON(t *testing.T) {
	t.Parallel()
	same := state("Succeeded", "Succeeded", "")
	c := newFake(t).on("ListPipelineExecutions", execution("exec-1", "InProgress"), execution("exec-1", "InProgress"), execution("exec-1", "Succeeded")).
		on("GetPipelineState", same).console()
	code, stdout, _ := c.run("status", "web", "--watch", "--output", "json")
	lines := slices.Collect(strings.Lines(stdout))
	if code != exitOK || len(lines) != 2 || !strings.Contains(lines[0], `"InProgress"`) || !strings.Contains(lines[1], `"Succeeded"`) {
		t.Errorf("exit %d, want a line for each of the two states:\n%s", code, stdout)
	}
}

// A terminal shows one table only, however often it was drawn.
func TestWatchDraws(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		screen screen
		want   []string
	}{
		{"fits", screen{tty: true, width: 80, height: 24}, []string{
			"web (version 1)", "execution exec-1 Succeeded, started 3m ago by StartPipelineExecution", "",
			"STAGE / ACTION  STATUS     AGE  DETAIL", "Build           Succeeded", "  Compile       Succeeded       done",
		}},
		{"few lines", screen{tty: true, width: 80, height: 4}, []string{
			"web (version 1)", "execution exec-1 Succeeded, started 3m ago by StartPipelineExecution", "",
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := newFake(t).on("ListPipelineExecutions", execution("exec-1", "InProgress"), execution("exec-1", "Succeeded")).
				on("GetPipelineState", state("InProgress", "InProgress", ""), state("Succeeded", "Succeeded", "done")).console()
			c.screen = func(io.Writer) screen { return tc.screen }
			_, stdout, _ := c.run("status", "web", "--watch")
			if got := screenAfter(t, stdout); !slices.Equal(got, tc.want) {
				t.Errorf("the screen shows\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tc.want, "\n"))
			}
		})
	}
}

// screenAfter plays output on a terminal that knows the sequences in use.
func screenAfter(t *testing.T, output string) (shown []string) {
	t.Helper()
	row := 0
	for line := range strings.SplitSeq(output, "\n") {
		for strings.HasPrefix(line, "\x1b[") {
			end := strings.IndexAny(line, "AJK")
			switch sequence := line[2 : end+1]; {
			case sequence == "2K":
			case sequence == "J":
				shown = shown[:row]
			case strings.HasSuffix(sequence, "A"):
				n := 0
				for _, digit := range sequence[:len(sequence)-1] {
					n = 10*n + int(digit-'0')
				}
				row -= n
			default:
				t.Fatalf("unexpected sequence %q", sequence)
			}
			line = line[end+1:]
		}
		if row == len(shown) {
			shown = append(shown, "")
		}
		shown[row] = line
		row++
	}
	return shown[:row-1] // what follows the last line break
}

func TestRows(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		width int
		line  string
		want  int
	}{
		{"unknown width", 0, strings.Repeat("x", 500), 1},
		{"empty", 10, "", 1},
		{"exact", 10, strings.Repeat("x", 10), 1},
		{"wraps", 10, strings.Repeat("x", 11), 2},
		{"colours take no room", 10, "\x1b[32m" + strings.Repeat("x", 10) + "\x1b[0m", 1},
		{"characters, not bytes", 10, strings.Repeat("ü", 10), 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := (screen{width: tc.width}).rows(tc.line); got != tc.want {
				t.Errorf("got %d, want %d", got, tc.want)
			}
		})
	}
}

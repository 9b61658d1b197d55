//go:build unix

package lambda_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"penstock/internal/provider/lambda"
	"penstock/internal/provider/providertest"
	"penstock/jobworker"
)

func TestCommand(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, command, kind, text string
		log                       string
	}{
		{"reads the event", `grep -q '"id":"job-1"' && echo '{"status":{"Summary":"seen"}}'`, "", "seen", `"Summary":"seen"`},
		{"says nothing", "true", "", "The function may-deploy answered", ""},
		{"sees its environment only", `echo "{\"status\":{\"Summary\":\"$WHO $HOME\"}}"`, "", "111122223333 eu-west-1 may-deploy ", ""},
		{"prints elsewhere", "echo trouble >&2", "", "The function may-deploy answered", "trouble"},
		{"fails", "echo trouble >&2; exit 3", jobworker.JobFailed, "exit status 3", "trouble"},
		{"dies", "kill -9 $$", jobworker.JobFailed, "killed", ""},
		{"is not there", "/no/such/program", jobworker.ConfigurationError, "cannot be started", "/no/such/program"},
		{"prints too much", "head -c 300000 /dev/zero", jobworker.SystemUnavailable, "longer than", ""},
		{"does not end", "echo begun; exec sleep 1000", jobworker.JobFailed, "did not answer within 2s", "begun"},
		{"leaves something running", "sleep 1000 & echo '{\"status\":{\"Summary\":\"left\"}}'", "", "left", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			memory := providertest.NewMemory()
			limit := time.Minute
			if strings.Contains(c.text, "2s") {
				limit = 2 * time.Second
			}
			f := lambda.NewFunctions(lambda.Config{
				Functions: map[string]string{"may-deploy": "exec:" + c.command}, TimeLimit: limit, Logs: memory,
				Environment: func(account, region, function string) []string {
					return []string{"PATH=" + os.Getenv("PATH"), "WHO=" + account + " " + region + " " + function}
				},
			})
			j := job()
			s, err := lambda.NewRule(f).Run(t.Context(), jobworker.NewTask(nil, j, 0))
			if c.kind != "" {
				providertest.Failure(t, err, c.kind, c.text)
			} else if err != nil {
				t.Error(err)
			} else if s.Details.Summary != c.text {
				t.Errorf("answered %q", s.Details.Summary)
			}
			if log := memory.Log(j.Context.ActionExecutionID); !strings.Contains(log, c.log) {
				t.Errorf("the log lacks %q:\n%.300s", c.log, log)
			}
		})
	}
}

// Who reports gets a key of the account; the function of an action type does
// not.
func TestKeysOfCommands(t *testing.T) {
	t.Parallel()
	var accounts []string
	f := lambda.NewFunctions(lambda.Config{
		Functions:   map[string]string{"*": `exec:echo '{"result":"Success"}'`},
		Environment: func(account, _, _ string) []string { accounts = append(accounts, account); return nil },
	})
	for _, run := range []jobworker.Handler{lambda.NewInvoke(f).Run, lambda.NewRule(f).Run, lambda.NewExecutor(f).Run} {
		if _, err := run(t.Context(), jobworker.NewTask(nil, typeJobOf("may-deploy"), 0)); err != nil {
			t.Error(err)
		}
	}
	if want := []string{"111122223333", "111122223333", ""}; !slices.Equal(accounts, want) {
		t.Errorf("accounts %q, want %q", accounts, want)
	}
}

// So many commands run at a time and no more; the others wait.
func TestCommandsAtATime(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := lambda.NewFunctions(lambda.Config{
		// A command fails that finds another one's mark.
		Functions:   map[string]string{"*": "exec:mkdir " + dir + "/mark && sleep 0.05 && rmdir " + dir + "/mark"},
		Commands:    1,
		Environment: func(string, string, string) []string { return []string{"PATH=" + os.Getenv("PATH")} },
		Sleep:       func(context.Context, time.Duration) error { return errors.New("a command failed") },
	})
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			if _, err := lambda.NewInvoke(f).Run(t.Context(), jobworker.NewTask(nil, job(), 0)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// A command ends with the server's work on its job.
func TestCommandIsStopped(t *testing.T) {
	t.Parallel()
	mark := filepath.Join(t.TempDir(), "mark")
	f := lambda.NewFunctions(lambda.Config{Functions: map[string]string{"may-deploy": "exec:trap 'echo stopped >" + mark + "; exit' TERM; touch " + mark + "; while :; do sleep 0.05; done"},
		Environment: func(string, string, string) []string { return []string{"PATH=" + os.Getenv("PATH")} }})
	cause := errors.New("the server ends")
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan error)
	go func() {
		_, err := lambda.NewInvoke(f).Run(ctx, jobworker.NewTask(nil, job(), 0))
		done <- err
	}()
	tick, late := time.NewTicker(5*time.Millisecond), time.After(20*time.Second)
	defer tick.Stop()
	for begun := false; !begun; {
		select {
		case <-tick.C:
			_, err := os.Stat(mark)
			begun = err == nil
		case <-late:
			t.Fatal("the command has not begun")
		}
	}
	cancel(cause)
	if err := <-done; !errors.Is(err, cause) {
		t.Errorf("ended with %v", err)
	}
	if text, err := os.ReadFile(mark); string(text) != "stopped\n" || err != nil {
		t.Errorf("the command was not asked to end: %q, %v", text, err)
	}
}

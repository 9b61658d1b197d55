package providertest

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"penstock/internal/provider"
	"penstock/jobworker"
)

// Secret stands in the configuration and credentials of a Harness's job; no log
// and no result may hold it.
const Secret = "penstock-secret-7391"

// Harness is one provider with a job that goes well.
type Harness struct {
	Provider provider.Provider
	Memory   *Memory
	Job      jobworker.Job
	// Dir is the folder that the provider was given to work in; "" when it
	// needs none.
	Dir string
}

// cancelWithin is how soon a cancelled provider has to be back.
const cancelWithin = 2 * time.Second

// Run is the contract of a provider. setup makes a fresh Harness below the given
// folder.
func Run(t *testing.T, setup func(t *testing.T, dir string) Harness) {
	prepare := func(t *testing.T) (Harness, string) {
		outer := t.TempDir()
		dir := filepath.Join(outer, "work")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		h := setup(t, dir)
		h.Job.Credentials = jobworker.Credentials{AccessKeyID: "ASIA", SecretAccessKey: Secret, SessionToken: Secret}
		return h, outer
	}

	t.Run("runs twice to the same end", func(t *testing.T) {
		t.Parallel()
		h, _ := prepare(t)
		var before Harness = h
		first, err := h.Provider.Run(t.Context(), jobworker.NewTask(nil, h.Job, 0))
		if err != nil {
			t.Fatal(err)
		}
		second, err := h.Provider.Run(t.Context(), jobworker.NewTask(nil, before.Job, 0))
		if err != nil {
			t.Fatalf("second run: %v", err)
		}
		if !reflect.DeepEqual(first, second) {
			t.Errorf("first run\n%+v, second\n%+v", first, second)
		}
		for _, a := range h.Job.Outputs {
			if _, ok := h.Memory.Object(a.Bucket, a.Key); !ok {
				t.Errorf("no output artifact %s", a.Name)
			}
		}
		if n := len(h.Memory.Starts()); n > 1 {
			t.Errorf("started %d pipelines, want at most one", n)
		}
	})

	t.Run("obeys a cancellation", func(t *testing.T) {
		t.Parallel()
		h, _ := prepare(t)
		cause := errors.New("the job was stopped")
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(cause)
		began := time.Now()
		_, err := h.Provider.Run(ctx, jobworker.NewTask(nil, h.Job, 0))
		if _, isFailure := errors.AsType[*jobworker.Failure](err); err != nil && isFailure {
			t.Errorf("a cancelled job was made a failure: %v", err)
		}
		if took := time.Since(began); took > cancelWithin {
			t.Errorf("took %v", took)
		}
	})

	t.Run("keeps secrets", func(t *testing.T) {
		t.Parallel()
		h, _ := prepare(t)
		s, err := h.Provider.Run(t.Context(), jobworker.NewTask(nil, h.Job, 0))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(h.Memory.Log(h.Job.Context.ActionExecutionID), Secret) {
			t.Error("the log holds the credentials")
		}
		for name, value := range s.OutputVariables {
			if strings.Contains(value, Secret) {
				t.Errorf("the output variable %s holds the credentials", name)
			}
		}
	})

	t.Run("stays in its folder and leaves it empty", func(t *testing.T) {
		t.Parallel()
		h, outer := prepare(t)
		if _, err := h.Provider.Run(t.Context(), jobworker.NewTask(nil, h.Job, 0)); err != nil {
			t.Fatal(err)
		}
		err := filepath.WalkDir(outer, func(path string, _ fs.DirEntry, err error) error {
			if err == nil && path != outer && path != filepath.Join(outer, "work") {
				t.Errorf("left %s", path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})

	t.Run("says its type", func(t *testing.T) {
		t.Parallel()
		h, _ := prepare(t)
		if got := h.Provider.Type(); got.Owner != "AWS" || got.Version != "1" || got.Category == "" || got.Provider == "" {
			t.Errorf("type %+v", got)
		}
	})
}

// Failure asserts that err is a failure of the given type whose message holds
// text.
func Failure(t testing.TB, err error, kind, text string) {
	t.Helper()
	f, ok := errors.AsType[*jobworker.Failure](err)
	if !ok {
		t.Errorf("got %v, want a failure of type %s", err, kind)
		return
	}
	if f.Type != kind || !strings.Contains(f.Message, text) {
		t.Errorf("got %s: %s; want %s with %q", f.Type, f.Message, kind, text)
	}
}

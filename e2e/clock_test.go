package e2e

import (
	"context"
	bytesof "encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/smithy-go"

	"penstock/jobworker"
)

// jump is how far the clock of a host is set, and shortJump how far for a server
// alone whose jobs are judged one by one: less than the hour in which a
// partner has to report.
const jump, shortJump = 2 * time.Hour, 40 * time.Minute

// skewable builds a penstock whose process can be told another time of day than
// the host's. The switch is in a file that only this build has.
var skewable = sync.OnceValues(func() (string, error) {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		return "", nil
	}
	replace := map[string]string{}
	for _, name := range []string{"skew.go", "skew.s"} {
		from, err := filepath.Abs(filepath.Join("testdata", "clock", name))
		if err != nil {
			return "", err
		}
		to, err := filepath.Abs(filepath.Join("..", "cmd", "penstock", name))
		if err != nil {
			return "", err
		}
		replace[to] = from
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	program := binary + "-skewable"
	if err := os.WriteFile(program+".json", overlay, 0o600); err != nil {
		return "", err
	}
	cmd := exec.Command("go", "build", "-overlay", program+".json", "-ldflags=-checklinkname=0", "-o", program, "penstock/cmd/penstock")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return program, nil
})

// hostClock is the clock of the host that a server believes to run on.
type hostClock struct {
	s    *server
	file string
	jump time.Duration
}

// skew starts a server anew, on a host whose clock can be set.
func skew(t *testing.T, s *server) *hostClock {
	t.Helper()
	program, err := skewable()
	if err != nil {
		t.Fatal(err)
	}
	if program == "" {
		t.Skip("the time of a process is set by code for Linux on amd64")
	}
	c := &hostClock{s, filepath.Join(t.TempDir(), "ahead"), jump}
	if err := os.WriteFile(c.file, make([]byte, 8), 0o600); err != nil {
		t.Fatal(err)
	}
	s.own, s.env = program, append(s.env, "PENSTOCK_TEST_CLOCK="+c.file)
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	return c
}

// set makes the clock differ from the real one.
func (c *hostClock) set(ahead time.Duration) error {
	file, err := os.OpenFile(c.file, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = file.WriteAt(bytesof.LittleEndian.AppendUint64(nil, uint64(ahead/time.Second)), 0)
	return errors.Join(err, file.Close())
}

// date wants the server alone on the host to go by its clock.
func (c *hostClock) date(ahead time.Duration) error {
	for began := time.Now(); ; { // the server keeps the line for a second
		resp, err := http.Get(c.s.url + "/healthz")
		if err != nil {
			return err
		}
		resp.Body.Close()
		date, err := http.ParseTime(resp.Header.Get("Date"))
		if err != nil {
			return err
		}
		if off := time.Until(date) - ahead; off.Abs() < time.Minute {
			return nil
		} else if time.Since(began) > time.Minute {
			return fmt.Errorf("the clock was set %v ahead, and the server is off that by %v", ahead, off)
		}
	}
}

// clockFaults set the clock of the first node. One of several stays wrong until
// the next fault: nobody may notice. One that is alone refuses all signatures
// while it is wrong, and ends the windows of hand-outs when it is set forward.
func (st *site) clockFaults() []fault {
	if st.database == nil {
		there := func(ahead time.Duration) func() error {
			return func() error {
				return errors.Join(st.clock.set(ahead), st.clock.date(ahead), st.clock.set(0), st.clock.date(0))
			}
		}
		far := st.clock.jump
		return []fault{{fmt.Sprint("clock ", far, " forward and back"), there(far), true}, {fmt.Sprint("clock ", far, " back and forward"), there(-far), true}}
	}
	st.mends = append(st.mends, func() {
		if err := st.clock.set(jump); err != nil {
			st.t.Error(err)
		}
		until(st.nodes[0].t, "the node to see that its clock is wrong", func(context.Context) (string, bool) {
			log := st.nodes[0].log.String()
			return log, strings.Contains(log, "this host's clock differs")
		})
		if err := errors.Join(st.clock.date(0), st.clock.set(0)); err != nil { // what it tells is right
			st.t.Error(err)
		}
	})
	to := func(ahead time.Duration) func() error {
		return func() error {
			if n := len(st.nodes[1].nodes()); n != len(st.nodes) {
				return fmt.Errorf("%d nodes are alive", n)
			}
			return st.clock.set(ahead)
		}
	}
	return []fault{{"clock 2 h forward", to(jump), false}, {"clock set right", to(0), false},
		{"clock 2 h back", to(-jump), false}, {"clock from 2 h back to 2 h forward", to(jump), false}}
}

// mistimed reports whether the call was refused because the server, alone on a
// host with a wrong clock, takes its signature for old or for one of the future.
func (st *site) mistimed(err error) bool {
	if st.clock == nil || st.database != nil {
		return false
	}
	text := ""
	if e, ok := errors.AsType[*jobworker.Error](err); ok {
		text = e.Code + " " + e.Message
	}
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		text = e.ErrorCode() + " " + e.ErrorMessage()
	}
	for _, sign := range []string{"Signature expired", "Signature not yet current", "RequestTimeTooSkewed", "ExpiredToken"} {
		if strings.Contains(text, sign) {
			return true
		}
	}
	return false
}

// TestClock sets the clock of a host two hours forward and back while work goes
// on: of the only server, on SQLite, and of one of three nodes on PostgreSQL. The
// monotonic clock goes on, as it does. With PENSTOCK_E2E_KILLS it is longer.
func TestClock(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]siteOf{"SQLite": onSQLite, "three nodes": onThreeNodes} {
		skewed := func(t *testing.T, args ...string) *site {
			st := start(t, args...)
			st.clock = skew(t, st.nodes[0])
			return st
		}
		jumps, executions := number(t, "PENSTOCK_E2E_KILLS", 8), number(t, "PENSTOCK_E2E_EXECUTIONS", 40)
		t.Run(name+", pipelines", func(t *testing.T) {
			t.Parallel()
			crash(t, func(t *testing.T, args ...string) *site {
				return skewed(t, append(args, "--action-timeout", "Test/ThirdParty/Acme=24h")...)
			}, jumps)
		})
		t.Run(name+", jobs", func(t *testing.T) {
			t.Parallel()
			loaded(t, func(t *testing.T, args ...string) *site {
				st := skewed(t, args...)
				if st.database == nil {
					st.clock.jump = shortJump
				}
				return st
			}, jumps, executions)
		})
	}
}

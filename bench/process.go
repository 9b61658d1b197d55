package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a server that runs beside this one.
type process struct {
	cmd  *exec.Cmd
	url  string
	addr string
	log  *os.File
}

// start runs a server whose first line on standard output ends in its URL and
// waits until it is ready. Its standard error goes to a file in dir.
func start(ctx context.Context, dir, binary string, env []string, args ...string) (*process, error) {
	log, err := os.OpenFile(filepath.Join(dir, "stderr.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Env = append(append(os.Environ(), "PENSTOCK_ROOT_ACCESS_KEY_ID="+accessKeyID, "PENSTOCK_ROOT_SECRET_ACCESS_KEY="+secretAccessKey), env...)
	cmd.Stderr = log
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, log.Close())
	}
	p := &process{cmd: cmd, log: log}
	line, err := bufio.NewReader(out).ReadString('\n')
	_, url, ok := strings.Cut(strings.TrimSpace(line), " on ")
	if err != nil || !ok {
		return nil, errors.Join(fmt.Errorf("%s does not start", binary), p.stop())
	}
	p.url, p.addr = url, strings.TrimPrefix(url, "http://")
	if err := p.ready(ctx); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return p, nil
}

// startServer runs the real server with its data in dir and more of the
// environment.
func startServer(ctx context.Context, dir, binary string, env ...string) (*process, error) {
	return start(ctx, dir, binary, env, "server", "--listen", "127.0.0.1:0", "--data", filepath.Join(dir, "data"),
		"--max-pipelines", "1000000", "--log-level", "warn")
}

func (p *process) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+"/readyz", nil)
		if err != nil {
			return err
		}
		if resp, err := http.DefaultClient.Do(r); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w", p.url, ctx.Err())
		}
	}
}

// stop ends the process in order and waits for it. One that did not end well
// leaves its last words in the error.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	killer := time.AfterFunc(30*time.Second, func() { _ = p.cmd.Process.Kill() })
	defer killer.Stop()
	err := p.cmd.Wait()
	if err != nil {
		err = fmt.Errorf("%s: %w: %s", p.cmd.Path, err, p.lastWords())
	}
	return errors.Join(err, p.log.Close())
}

// lastWords is the end of what the process wrote to its standard error.
func (p *process) lastWords() []byte {
	text, err := os.ReadFile(p.log.Name())
	if err != nil {
		return nil
	}
	return bytes.TrimSpace(text[max(len(text)-2000, 0):])
}

// clockTick is USER_HZ, the unit of /proc, on all of Linux's platforms that Go
// runs on.
const clockTick = 100

// cpu is the processor time that the process used so far, in seconds.
func (p *process) cpu() (float64, error) {
	raw, err := os.ReadFile("/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/stat")
	if err != nil {
		return 0, fmt.Errorf("processor time (needs Linux): %w", err)
	}
	return parseStat(raw)
}

// parseStat reads utime and stime, fields 14 and 15 of proc(5)'s stat. Field 2
// may hold anything but ends with the last parenthesis.
func parseStat(raw []byte) (float64, error) {
	fields := bytes.Fields(raw[bytes.LastIndexByte(raw, ')')+1:])
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc stat has %d fields", len(fields))
	}
	user, err1 := strconv.Atoi(string(fields[11]))
	system, err2 := strconv.Atoi(string(fields[12]))
	return float64(user+system) / clockTick, errors.Join(err1, err2)
}

// memory is a size that proc(5)'s status tells of the process, in bytes: VmRSS
// is what is resident, VmHWM the most that ever was.
func (p *process) memory(which string) (int64, error) {
	raw, err := os.ReadFile("/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/status")
	if err != nil {
		return 0, err
	}
	return parseStatus(raw, which)
}

func parseStatus(raw []byte, which string) (int64, error) {
	_, rest, ok := bytes.Cut(raw, []byte("\n"+which+":"))
	fields := bytes.Fields(rest)
	if !ok || len(fields) == 0 {
		return 0, fmt.Errorf("the process tells no %s", which)
	}
	kib, err := strconv.ParseInt(string(fields[0]), 10, 64)
	return kib << 10, err
}

// ownCPU is the processor time that this process used so far, in seconds.
func ownCPU() float64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0 // it cannot fail for ourselves
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}
